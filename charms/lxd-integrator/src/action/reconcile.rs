//! `reconcile`: what a full pass would change, or the pass itself.

use juju_hooks::{ActionResults, Tools};
use serde_json::{Map, Value};

use super::ActionFailure;
use crate::explain;
use crate::facts::Juju;
use crate::reconcile::{Mode, converge, publish};

pub(super) async fn run(
    tools: &Tools,
    juju: &Juju,
    parameters: &Map<String, Value>,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    let dry_run = match parameters.get("dry-run") {
        None => true,
        Some(value) => value.as_bool().ok_or(ActionFailure::Parameter)?,
    };
    if !juju.leader {
        return Err(ActionFailure::NotLeader);
    }
    let mode = if dry_run { Mode::Look } else { Mode::Apply };
    let outcome = converge(juju, mode).await;
    let steps = if dry_run {
        &outcome.plan.steps
    } else {
        &outcome.done
    };
    let lines: Vec<_> = steps.iter().map(explain::step).collect();
    results.set(&["dry-run"], dry_run.to_string());
    results.set(&["count"], lines.len().to_string());
    results.set(&["output"], lines.join("\n"));
    if !dry_run {
        let published = publish(tools, juju, &outcome);
        published.map_err(|error| ActionFailure::Stopped(juju_hooks::chain_once(&error)))?;
    }
    match &outcome.plan.report.problem {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}
