//! Every text that an operator reads. `juju status` shows a line of 120
//! characters, so a status has at most [`MAX_STATUS`], and says first what
//! somebody has to do.

use juju_hooks::{AppName, StatusName};

use crate::plan::access::Step;
use crate::plan::{Notice, Problem, Projects, Report};

/// Most characters of a status.
pub const MAX_STATUS: usize = 100;

/// Digits of a fingerprint that tell two certificates apart for a person.
const SHOWN_DIGITS: usize = 12;

/// The status of a unit, and of the application where the unit leads.
pub fn status(report: &Report) -> (StatusName, String) {
    let (status, text) = match &report.problem {
        Some(problem) => (severity(problem), short(problem)),
        None => (StatusName::Active, active(report)),
    };
    (status, cut(&text))
}

fn severity(problem: &Problem) -> StatusName {
    use crate::plan::credentials::CredentialProblem;
    match problem {
        Problem::Credentials(CredentialProblem::Unanswered(_)) | Problem::Unreachable { .. } => {
            StatusName::Waiting
        }
        _ => StatusName::Blocked,
    }
}

fn short(problem: &Problem) -> String {
    match problem {
        Problem::AnotherServer { expected, shown } => {
            let digits = |text: &str| text.chars().take(SHOWN_DIGITS).collect::<String>();
            format!(
                "LXD shows certificate {}, not {}: update the credential or lxd_server_cert",
                digits(shown.as_str()),
                digits(expected.as_str())
            )
        }
        Problem::Credentials(problem) => problem.to_string(),
        Problem::NotListening => {
            "run lxc config set core.https_address :8443, since LXD has no address".to_owned()
        }
        Problem::NotTrusted(place) => {
            format!("LXD at {place} does not trust our certificate: renew the credential")
        }
        Problem::Projects => {
            "option restricted-projects must be names of projects and commas".into()
        }
        Problem::Refused(words) => format!("LXD refused: {words}"),
        Problem::Unreachable { place, reason } => format!("waiting for LXD at {place}: {reason}"),
    }
}

/// A problem with everything that is known of it, for the log.
pub fn in_full(problem: &Problem) -> String {
    match problem {
        Problem::AnotherServer { expected, shown } => format!(
            "LXD shows the certificate with fingerprint {shown}; expected is {expected}. If the \
             server's certificate was replaced on purpose, update the credential of the cloud \
             (juju update-credential) or set lxd_server_cert"
        ),
        other => short(other),
    }
}

fn active(report: &Report) -> String {
    if let Some(notice) = report.notices.first() {
        let more = report.notices.len() - 1;
        let more = match more {
            0 => String::new(),
            more => format!(" ({more} more: see list-certificates)"),
        };
        let room = MAX_STATUS.saturating_sub(more.chars().count());
        return cut_to(&self::notice(notice), room) + &more;
    }
    let certificates = match report.registered {
        0 => "no certificates".to_owned(),
        1 => "1 certificate".to_owned(),
        more => format!("{more} certificates"),
    };
    format!("{certificates}, {}", access(&report.projects))
}

/// What a registered certificate is good for.
pub fn access(projects: &Projects) -> String {
    match projects.restrict() {
        true => format!("restricted to {}", projects.names().join(", ")),
        false => "full access to LXD".to_owned(),
    }
}

/// What is wrong with one application.
pub fn notice(notice: &Notice) -> String {
    let of = |app: &Option<AppName>| match app {
        Some(app) => app.to_string(),
        None => "an application".to_owned(),
    };
    match notice {
        Notice::Certificate(app, refusal) => format!("{} is refused: {refusal}", of(app)),
        Notice::List(app, refusal) => format!("{} is refused: {refusal}", of(app)),
        Notice::Refused(app, words) => format!("{} is refused by LXD: {words}", of(app)),
        Notice::Unreadable(app, reason) => format!("{} cannot be read: {reason}", of(app)),
    }
}

/// A step in words, for the log and for `reconcile`.
pub fn step(step: &Step) -> String {
    match step {
        Step::Add {
            fingerprint,
            projects,
            ..
        } => format!("register certificate {fingerprint}, {}", access(projects)),
        Step::Update {
            fingerprint,
            projects,
            ..
        } => format!(
            "correct the entry of certificate {fingerprint}, {}",
            access(projects)
        ),
        Step::Remove { fingerprint, .. } => format!("remove certificate {fingerprint}"),
    }
}

fn cut(text: &str) -> String {
    cut_to(text, MAX_STATUS)
}

fn cut_to(text: &str, most: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if text.chars().count() <= most {
        return plain.collect();
    }
    let mut short: String = plain.take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use certificates::Fingerprint;

    use super::*;
    use crate::certificate::CertificateRefusal;
    use crate::plan::credentials::CredentialProblem;
    use crate::relation::ListRefusal;

    fn report(problem: Problem) -> Report {
        Report {
            problem: Some(problem),
            ..Report::default()
        }
    }

    #[test]
    fn both_fingerprints_are_shown_and_a_status_is_short() {
        let problem = Problem::AnotherServer {
            expected: Fingerprint::of_der(b"expected").into(),
            shown: Fingerprint::of_der(b"shown").into(),
        };
        let (status, text) = status(&report(problem));
        assert_eq!(status, StatusName::Blocked);
        for der in [&b"expected"[..], b"shown"] {
            let fingerprint = Fingerprint::of_der(der);
            assert!(
                text.contains(&fingerprint.as_str()[..SHOWN_DIGITS]),
                "{text}"
            );
        }
        assert!(text.chars().count() <= MAX_STATUS, "{text}");
    }

    #[test]
    fn without_credentials_both_ways_out_are_told() {
        let missing = CredentialProblem::Missing("lxd-integrator".to_owned());
        let (_, text) = status(&report(Problem::Credentials(missing)));
        assert!(text.starts_with("Missing credentials access; grant with: juju trust"));
        assert!(text.contains("lxd_ options"), "{text}");
        assert!(text.chars().count() <= MAX_STATUS, "{text}");
    }

    #[test]
    fn a_refusal_names_the_application_and_counts_the_others() {
        let app = || Some("app".parse().expect("a name"));
        let report = Report {
            notices: vec![
                Notice::Certificate(app(), CertificateRefusal::Expired),
                Notice::List(app(), ListRefusal::NotAList),
                Notice::Refused(app(), "x\n".repeat(300)),
            ],
            ..Report::default()
        };
        let (status, text) = status(&report);
        assert_eq!(status, StatusName::Active);
        assert_eq!(
            text,
            "app is refused: its certificate has expired (2 more: see list-certificates)"
        );
        assert!(cut(&notice(&report.notices[2])).chars().count() <= MAX_STATUS);
    }
}
