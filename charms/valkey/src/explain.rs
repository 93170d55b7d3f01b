//! Every text that an operator reads.

pub use juju_hooks::chain;
use juju_hooks::{AppName, StatusName};

use crate::plan::{Notice, Problem, Report};
use crate::relation::ledger::Said;

/// Juju shows statuses in a table; longer ones are cut there.
const MAX_CHARS: usize = 100;

/// The status of this unit: first what somebody has to do.
pub fn status(report: &Report) -> (StatusName, String) {
    let (status, text) = match (report.problems.first(), refusal(report)) {
        (Some(problem @ (Problem::Archive(_) | Problem::Option(_) | Problem::Program(_))), _) => {
            (StatusName::Blocked, of_problem(problem))
        }
        (Some(problem), _) => (StatusName::Waiting, of_problem(problem)),
        (None, Some(notice)) => (StatusName::Blocked, notice.text.clone()),
        (None, None) => (StatusName::Active, active(report)),
    };
    (status, cut(&text))
}

fn refusal(report: &Report) -> Option<&Said> {
    report.notices.iter().find(|notice| notice.refusal)
}

fn active(report: &Report) -> String {
    let role = if report.primary { "primary" } else { "replica" };
    let mut text = match report.clients {
        0 => role.to_owned(),
        1 => format!("{role}; 1 client"),
        count => format!("{role}; {count} clients"),
    };
    if let Some(unit) = &report.lost {
        text.push_str(&format!("; {unit} is lost, and is not waited for"));
    } else if let Some(progress) = &report.progress {
        text.push_str(&format!("; {progress}"));
    } else if report.units == 2 {
        text.push_str("; add a third unit: two cannot replace a lost primary");
    } else if let Some(notice) = report.notices.first() {
        text.push_str(&format!("; {}", notice.text));
    }
    text
}

/// Why something cannot be done, in a few words.
pub fn of_problem(problem: &Problem) -> String {
    match problem {
        Problem::Option(name) => format!("option {name} has no usable value"),
        Problem::Program(reason) => format!("no Valkey: {reason}"),
        Problem::Server(reason) => format!("waiting for the server: {reason}"),
        Problem::NoPrimary(reason) => format!("waiting for a primary: {reason}"),
        Problem::Unreachable(unit) => {
            format!("waiting for {unit}, which does not answer, to give access")
        }
        Problem::Archive(reason) => format!("resource valkey: {reason}"),
        Problem::Restart(reason) => format!("waiting to restart: {reason}"),
        Problem::Waiting(what) => format!("waiting for {what}"),
    }
}

/// What is to be said about one application.
pub fn of_notice(notice: &Notice) -> String {
    match notice {
        Notice::Changed(app) => format!(
            "{} changed what it asks for; relate it anew",
            name(app.as_ref())
        ),
        Notice::Entity(app) => format!(
            "{} asks for an entity type, which there is not",
            name(app.as_ref())
        ),
        Notice::Everything(app) => format!("{} has the keys of all", name(app.as_ref())),
        Notice::Malformed(app, problem) => format!("{}: {problem}", name(app.as_ref())),
        Notice::Meets(app, other) => format!(
            "{} asks for keys of {other}; see option pattern-policy",
            name(app.as_ref())
        ),
        Notice::Pattern(app, reason) => {
            format!("the pattern of {} is refused: {reason}", name(app.as_ref()))
        }
        Notice::Single(app) => format!("{} has one single key", name(app.as_ref())),
        Notice::TooMany(app) => format!("{} makes too many requests", name(app.as_ref())),
        Notice::Unreadable(app) => format!("the data of {} cannot be read", name(app.as_ref())),
    }
}

fn name(app: Option<&AppName>) -> String {
    match app {
        Some(app) if app.is_of_another_model() => "an application of another model".to_owned(),
        Some(app) => app.to_string(),
        None => "an application".to_owned(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= MAX_CHARS {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(MAX_CHARS - 1).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_nothing_to_do_is_told_what_is_at_risk() {
        let mut report = Report {
            primary: true,
            clients: 1,
            units: 2,
            ..Report::default()
        };
        let (_, text) = status(&report);
        let risk = "primary; 1 client; add a third unit: two cannot replace a lost primary";
        assert_eq!(text, risk);
        report.units = 3;
        assert_eq!(status(&report).1, "primary; 1 client");
        report.problems.push(Problem::Option("maxmemory"));
        let (name, text) = status(&report);
        assert_eq!(name, StatusName::Blocked);
        assert_eq!(text, "option maxmemory has no usable value");
    }
}
