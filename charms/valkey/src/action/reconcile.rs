//! `reconcile`: what a full pass would change about access, or the pass itself.

use juju_hooks::ActionResults;
use serde_json::{Map, Value};

use super::ActionFailure;
use crate::apply::machine::defined_program;
use crate::explain::{chain, of_notice, of_problem};
use crate::facts::OwnSecret;
use crate::plan::access;
use crate::reconcile::Run;
use crate::relation::ledger::Ledger;

pub(super) async fn run(
    run: &mut Run,
    own: &OwnSecret,
    parameters: &Map<String, Value>,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    let dry_run = match parameters.get("dry-run") {
        None => true,
        Some(value) => value.as_bool().ok_or_else(|| {
            ActionFailure::Parameter("dry-run", "it is neither true nor false".to_owned())
        })?,
    };
    if !run.juju.leader {
        return Err(ActionFailure::NotLeader);
    }
    let changes = access::plan(&run.juju);
    let made = changes.make.iter().map(|make| {
        let name = Ledger::user_name(make.relation, &make.request);
        format!("give {name} the keys {}", make.pattern)
    });
    let removed = changes.remove.iter();
    let removed = removed
        .map(|(relation, request)| format!("remove {}", Ledger::user_name(*relation, request)));
    let refused = changes.notices.iter().map(|(_, notice)| of_notice(notice));
    let lines: Vec<_> = made.chain(removed).chain(refused).collect();
    results.set(&["dry-run"], dry_run.to_string());
    results.set(&["output"], lines.join("\n"));
    if dry_run {
        return Ok(());
    }
    let program = defined_program(&run.paths);
    let program = program.map_err(|error| ActionFailure::Stopped(chain(&error)))?;
    let program = program.unwrap_or_else(|| run.paths.program());
    if let Some(problem) = run.prepare(own, &program, false).await {
        return Err(ActionFailure::Stopped(of_problem(&problem)));
    }
    run.converge(own).await?;
    run.serve(own).await?;
    run.publish_own()
        .map_err(|error| ActionFailure::Stopped(chain(&error)))?;
    match run.report.problems.first() {
        Some(problem) => Err(ActionFailure::Stopped(of_problem(problem))),
        None => Ok(()),
    }
}
