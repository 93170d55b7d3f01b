//! Actions: each looks as a hook does, and shows or does what it was asked for.

mod health;
mod list_clients;
mod reconcile;
mod restore;
mod rotate;
mod rotate_own;
mod snapshot;

use std::path::PathBuf;

use juju_hooks::{ActionResults, Hook, Tools, UnitName};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::apply::leave;
use crate::explain::chain;
use crate::facts::{Known, OwnSecret};
use crate::machine::Paths;
use crate::observe;
use crate::plan::cluster;
use crate::reconcile::{ReconcileError, Run};
use crate::valkey::ValkeyError;

/// Why an action did not do what was asked; shown to whoever ran it.
#[derive(Debug, Error)]
enum ActionFailure {
    /// This unit may not do it.
    #[error("run it on the leader, which decides for all units")]
    NotLeader,
    /// A parameter cannot be used.
    #[error("parameter {0} cannot be used: {1}")]
    Parameter(&'static str, String),
    /// It was not done.
    #[error("{0}")]
    Stopped(String),
    /// No such action.
    #[error("there is no action {0}")]
    Unknown(String),
}

impl From<ValkeyError> for ActionFailure {
    fn from(error: ValkeyError) -> Self {
        Self::Stopped(chain(&error))
    }
}

impl From<ReconcileError> for ActionFailure {
    fn from(error: ReconcileError) -> Self {
        Self::Stopped(chain(&error))
    }
}

/// Runs one action. What goes wrong with it is told to whoever ran it.
///
/// # Errors
/// Juju cannot be asked, or told.
pub async fn run(hook: Hook, root: PathBuf, name: &str) -> Result<(), ReconcileError> {
    let paths = Paths::new(root, &hook.unit);
    let tools = Tools::new(&hook.search_path, &paths.private()).map_err(ReconcileError::Tools)?;
    let leader = tools.is_leader().map_err(ReconcileError::Observe)?;
    let mut run = Run::begin(tools, paths, &hook, leader)?;
    let parameters = run.tools.action_get().map_err(ReconcileError::Observe)?;
    let mut results = ActionResults::default();
    let outcome = match run.juju.own.clone() {
        None => Err(ActionFailure::Stopped(
            "the application is not prepared yet".to_owned(),
        )),
        Some(own) => {
            run.nodes = observe::nodes(&run.juju, &run.paths).await;
            act(&mut run, &own, name, &parameters, &mut results).await
        }
    };
    let told = run.tools.action_set(&results);
    told.map_err(ReconcileError::Report)?;
    if let Err(failure) = outcome {
        let failed = run.tools.action_fail(&failure.to_string());
        failed.map_err(ReconcileError::Report)?;
    }
    Ok(())
}

async fn act(
    run: &mut Run,
    own: &OwnSecret,
    name: &str,
    parameters: &Map<String, Value>,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    match name {
        "health" => health::run(run, results),
        "list-clients" => list_clients::run(run, results),
        "reconcile" => reconcile::run(run, own, parameters, results).await,
        "restore" => restore::run(run, own, parameters, results).await,
        "rotate-client-password" => rotate::run(run, own, parameters, results).await,
        "rotate-internal-passwords" => rotate_own::passwords(run, own),
        "rotate-server-ca" => rotate_own::authority(run, own, parameters, results),
        "snapshot" => snapshot::run(run, own, results).await,
        "switch-primary" => switch_primary(run, own, results).await,
        other => Err(ActionFailure::Unknown(other.to_owned())),
    }
}

/// The unit with the primary.
fn primary(run: &Run) -> Result<UnitName, ActionFailure> {
    match cluster::primary(&run.juju, &run.nodes) {
        Known::Known(unit) => Ok(unit),
        Known::Unknown(reason) => Err(ActionFailure::Stopped(format!(
            "nobody knows which server is the primary: {reason}"
        ))),
    }
}

async fn switch_primary(
    run: &mut Run,
    own: &OwnSecret,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    let from = primary(run)?;
    if run
        .juju
        .members
        .values()
        .filter(|member| member.joined)
        .count()
        < 2
    {
        return Err(ActionFailure::Stopped("there is no other unit".to_owned()));
    }
    leave::switch(&run.juju, own, &run.paths, &from)
        .await
        .map_err(ActionFailure::Stopped)?;
    run.nodes = observe::nodes(&run.juju, &run.paths).await;
    results.set(&["from"], from.to_string());
    results.set(&["to"], primary(run)?.to_string());
    if run.juju.leader {
        run.serve(own).await?;
    }
    Ok(())
}
