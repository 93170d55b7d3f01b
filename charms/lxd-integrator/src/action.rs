//! Actions: each is the same observation and plan as a hook, shown or carried
//! out.

mod health;
mod list_certificates;
mod reconcile;

use std::path::PathBuf;

use juju_hooks::{ActionResults, Databag, Hook, ToolError, Tools};
use thiserror::Error;

use crate::observe;
use crate::plan::Problem;
use crate::reconcile::{Mode, ReconcileError, converge, now, tools};
use crate::relation::UNITS;
use crate::{explain, facts};

/// Why an action did not do what was asked; shown to whoever ran it.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
enum ActionFailure {
    /// This unit may not do it.
    #[error("run it on the leader: only it changes the trust store")]
    NotLeader,
    /// A parameter cannot be used.
    #[error("parameter dry-run must be true or false")]
    Parameter,
    /// What was to be done is not done.
    #[error("{0}")]
    Stopped(String),
    /// No such action.
    #[error("there is no action {0}")]
    Unknown(String),
}

impl From<&Problem> for ActionFailure {
    fn from(problem: &Problem) -> Self {
        Self::Stopped(explain::in_full(problem))
    }
}

/// Runs one action. What goes wrong with it is told to whoever ran it.
///
/// # Errors
/// Juju cannot be asked, or told.
pub async fn run(hook: Hook, root: PathBuf, name: &str) -> Result<(), ReconcileError> {
    let tools = tools(&hook, root)?;
    let juju = observe::juju(&tools, &hook, now()).map_err(ReconcileError::Observe)?;
    let mut results = ActionResults::default();
    let outcome = match name {
        "health" => health::run(&juju, &mut results).await,
        "list-certificates" => {
            let since = since(&tools, &juju).map_err(ReconcileError::Observe)?;
            list_certificates::run(&juju, &since, &mut results).await
        }
        "reconcile" => {
            let parameters = tools.action_get().map_err(ReconcileError::Observe)?;
            reconcile::run(&tools, &juju, &parameters, &mut results).await
        }
        other => Err(ActionFailure::Unknown(other.to_owned())),
    };
    tools.action_set(&results).map_err(ReconcileError::Report)?;
    if let Err(failure) = outcome {
        let failed = tools.action_fail(&failure.to_string());
        failed.map_err(ReconcileError::Report)?;
    }
    Ok(())
}

/// When each certificate was registered, as the units tell each other.
fn since(tools: &Tools, juju: &facts::Juju) -> Result<Databag, ToolError> {
    let relations = tools.relation_ids(UNITS)?;
    let relation = relations.first();
    relation.map_or(Ok(Databag::new()), |relation| {
        tools.relation_get_app(*relation, juju.unit.app())
    })
}

/// What LXD says now; nothing is changed.
async fn look(
    juju: &facts::Juju,
) -> Result<(crate::reconcile::Outcome, facts::Lxd), ActionFailure> {
    let mut outcome = converge(juju, Mode::Look).await;
    match (outcome.lxd.take(), &outcome.plan.report.problem) {
        (Some(lxd), _) => Ok((outcome, lxd)),
        (None, Some(problem)) => Err(problem.into()),
        (None, None) => Err(ActionFailure::Stopped("LXD said nothing".to_owned())),
    }
}
