//! The plan of a whole pass, before any of it is carried out.

use super::status;
use super::steps::{Step, VERIFY, steps};
use crate::facts::observed::Observed;
use crate::juju::ActionResults;
use crate::plan::simulate::simulate;
use crate::plan::{Plan, Report, Stage, plan};

/// More stages than a pass has; two that undo each other end here.
const MAX_STAGES: usize = 40;

/// What a pass would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The steps in their order.
    pub steps: Vec<Step>,
    /// What an operator should know; above all what is waited for.
    pub report: Report,
    /// Whether these are all. What comes after some steps, those on the machine
    /// above all, shows only once they are done.
    pub is_whole: bool,
}

impl Preview {
    /// The steps that put something right: without those that only make sure of
    /// what was written before.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.kind != VERIFY)
    }
}

/// Plans stage after stage, each on what those before it would leave.
pub fn preview(observed: &Observed) -> Preview {
    let mut observed = observed.clone();
    let mut all = Vec::new();
    let mut last = Report::default();
    for _ in 0..MAX_STAGES {
        let Plan { stage, report } = plan(&observed);
        all.extend(steps(&stage));
        last = report;
        let is_end = matches!(stage, Stage::Publish(_) | Stage::Stop);
        if is_end || !simulate(&mut observed, &stage) {
            return Preview {
                steps: all,
                report: last,
                is_whole: is_end,
            };
        }
    }
    Preview {
        steps: all,
        report: last,
        is_whole: false,
    }
}

/// Steps as data below a key, and in words as lines.
pub fn show_steps(results: &mut ActionResults, key: &str, steps: &[Step], lines: &mut Vec<String>) {
    let count = match key {
        "steps" => "count",
        _ => "left-count",
    };
    results.set(&[count], steps.len().to_string());
    for (at, step) in steps.iter().enumerate() {
        let number = (at + 1).to_string();
        lines.push(format!("{number}. {}: {}", step.stage, step.summary));
        let mut set = |name, text: &str| results.set(&[key, &number, name], text);
        set("stage", step.stage);
        set("step", step.kind);
        set("summary", &step.summary);
        if !step.subject.is_empty() {
            set("subject", &step.subject);
        }
    }
}

/// What is to be said besides: whether that is all, and what is waited for.
pub fn show_rest(results: &mut ActionResults, preview: &Preview, lines: &mut Vec<String>) {
    results.set(&["whole"], preview.is_whole.to_string());
    if !preview.is_whole {
        lines.push("what comes after shows once this is done".to_owned());
    }
    let Report { wait, .. } = &preview.report;
    if wait.is_some() {
        let status = status::of_unit(&preview.report);
        lines.push(format!("not now: {}", status.message));
        results.set(&["waits"], status.message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{KeyRange, Known, NoAnswer, Permission};
    use crate::plan::Wait;
    use crate::plan::testing::{Bench, leaf};

    fn seen(bench: &Bench) -> Preview {
        let mut observed = bench.observed.clone();
        observed.cluster = Known::Known(bench.cluster.clone());
        preview(&observed)
    }

    fn lines(preview: &Preview) -> Vec<String> {
        let line = |step: &Step| format!("{}: {}", step.stage, step.summary);
        preview.steps.iter().map(line).collect()
    }

    /// A client that was granted and is trusted; its answer is not written.
    fn granted() -> Bench {
        let mut bench = Bench::new(3);
        bench.serve(1, "/one/", "alpha");
        bench.trust(&[leaf("alpha", 1)]);
        bench
    }

    #[test]
    fn at_rest_there_is_nothing_but_to_tell_the_units() {
        let seen = seen(&Bench::new(3));
        // The bench has no databags of units.
        assert!(seen.steps.iter().all(|step| step.kind == "tell-units"));
        assert!(seen.is_whole);
        assert_eq!(seen.report.wait, None);
    }

    #[test]
    fn a_new_request_is_followed_through_all_stages() {
        let mut bench = Bench::new(3);
        bench.ask_as(1, "/one/", "alpha", 1);
        bench.user("alpha");
        let seen = seen(&bench);
        let lines = lines(&seen);
        assert_eq!(
            lines[..6],
            [
                "access: claim the name alpha for relation 1, and record the grant of /one/",
                "access: make role alpha",
                "access: let role alpha read and write [/one/, /one0)",
                "access: make user alpha",
                "access: give user alpha its role",
                "restart: restart this unit's member, which then trusts 1 client certificates",
            ]
        );
        assert!(
            lines.contains(&"publish: answer relation 1".to_owned()),
            "{lines:?}"
        );
        assert!(seen.is_whole);
        let claim = &seen.steps[0];
        assert_eq!((claim.kind, claim.subject.as_str()), ("claim", "alpha"));
        // Nothing was carried out: the ledger is as it was.
        assert!(bench.cluster.ledger.clients.is_empty());
    }

    #[test]
    fn drift_is_put_right_and_what_is_not_ours_is_not_mentioned() {
        let mut bench = granted();
        let alpha = bench.user("alpha");
        alpha.user = None;
        let further = Permission {
            read_write: true,
            range: KeyRange::of_prefix(b"/two/"),
        };
        alpha.role.as_mut().expect("a role").insert(further);
        bench.user("foreign").user = Some(Default::default());
        let lines = lines(&seen(&bench));
        assert_eq!(
            lines[..3],
            [
                "access: take [/two/, /two0) from role alpha",
                "access: make user alpha",
                "access: give user alpha its role",
            ]
        );
        assert!(
            !lines.iter().any(|line| line.contains("foreign")),
            "{lines:?}"
        );
    }

    #[test]
    fn what_cannot_be_simulated_ends_the_preview() {
        let mut bench = granted();
        bench.observed.machine.is_running = Some(false);
        let seen = seen(&bench);
        assert_eq!(lines(&seen), ["machine: start etcd"]);
        assert!(!seen.is_whole);
        let mut observed = Bench::new(1).observed;
        observed.cluster = Known::Unknown(NoAnswer::NoLeader);
        let seen = preview(&observed);
        assert!(seen.is_whole);
        assert_eq!(seen.report.wait, Some(Wait::Etcd(NoAnswer::NoLeader)));
    }

    #[test]
    fn a_configuration_that_differs_is_a_restart_under_the_lock() {
        let mut bench = granted();
        bench.observed.options.heartbeat_interval = 99;
        let lines = lines(&seen(&bench));
        assert_eq!(
            lines[..2],
            [
                "machine: write etcd's configuration and its service anew",
                "restart: restart this unit's member, which then trusts 1 client certificates",
            ]
        );
    }
}
