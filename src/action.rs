//! Actions: what an operator asks for by `juju run`. Each has a file of its
//! own, and is declared in `charmcraft.yaml`, where its description stands.
//!
//! It takes the same steps as a hook, in this order, as far as it needs them: the
//! parameters make an intent, `observe` says what is so, `plan` decides, `apply` changes,
//! and `explain` has the words for the results. A file here calls one after the other; it
//! asks etcd and this machine nothing itself, and changes nothing.
//!
//! An action that cannot do what it is asked for fails with one sentence that
//! says what to do, and changes nothing. It never makes the program fail: Juju
//! would show an exit code in place of the reason.

mod alarms;
mod certificates;
mod clients;
mod compact;
mod defrag;
mod health;
mod parameters;
mod rebuild;
mod reconcile;
mod recreation;
mod restore;
mod rotate;
mod rotate_key;
mod session;
mod snapshot;

use thiserror::Error;

use crate::apply::ApplyError;
use crate::context::{Context, ContextError};
use crate::explain::reasons;
use crate::facts::authorities::AuthorityKind;
use crate::facts::{AppName, NoAnswer, UnitName};
use crate::hook::Hook;
use crate::juju::{ActionResults, ToolError};
use crate::observe::ObserveError;
use crate::plan::refusal::{ParameterFault, Refusal};
use crate::reconcile::ReconcileError;

/// Why an action did not do what it was asked for.
#[derive(Debug, Error)]
pub(crate) enum ActionError {
    /// The charm was upgraded and the action is not there any more.
    #[error("failed to find an action `{0}` in this revision of the charm")]
    Unknown(String),
    /// The action writes what only the leader may write.
    #[error("run it on {}", reasons::on_leader(.leader.as_ref(), .app, .action))]
    NotLeader {
        /// The unit that has noted last that it leads.
        leader: Option<UnitName>,
        /// The application.
        app: AppName,
        /// The action.
        action: String,
    },
    /// A parameter is not what it should be.
    #[error("parameter `{name}` {}", reasons::parameter(.fault))]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong with it.
        fault: ParameterFault,
    },
    /// No member of the cluster could be asked.
    #[error(
        "etcd cannot be asked now: {}; see `systemctl status 'etcd-charm-*'` on each unit",
        reasons::no_answer(.0)
    )]
    Unreachable(NoAnswer),
    /// It would do harm, or make no sense, as things are.
    #[error("{}", reasons::refusal(.0))]
    Refused(Box<Refusal>),
    /// Something could not be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// Something could not be done.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A full pass failed.
    #[error(transparent)]
    Reconcile(Box<ReconcileError>),
    /// A hook tool failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

impl From<Refusal> for ActionError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<ReconcileError> for ActionError {
    fn from(error: ReconcileError) -> Self {
        Self::Reconcile(Box::new(error))
    }
}

/// The run itself is at fault, and nobody could be told.
#[derive(Debug, Error)]
pub enum RunError {
    /// The run could not begin.
    #[error(transparent)]
    Context(#[from] ContextError),
    /// The results could not be handed to Juju.
    #[error("failed to answer the action")]
    Answer(#[source] ToolError),
}

/// Runs the action `name`. Its results, and the reason why it failed, go to
/// whoever waits for it.
///
/// # Errors
/// See [`RunError`]; that an action fails is none.
pub async fn run(hook: Hook, name: &str) -> Result<(), RunError> {
    let mut context = Context::new(hook)?;
    context.is_preview = true;
    let mut results = ActionResults::default();
    let done = act(&mut context, name, &mut results).await;
    // What was found out helps also where the action failed.
    context
        .tools
        .action_set(&results)
        .map_err(RunError::Answer)?;
    if let Err(error) = done {
        let reason = crate::log::chain(&error);
        context
            .tools
            .action_fail(&reason)
            .map_err(RunError::Answer)?;
    }
    Ok(())
}

async fn act(
    context: &mut Context,
    name: &str,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    match name {
        "alarm-disarm" => alarms::disarm(context, results).await,
        "alarm-list" => alarms::list(context, results).await,
        "compact" => compact::run(context, results).await,
        "defrag" => defrag::run(context, results).await,
        "generate-client-certificates" => {
            certificates::generate(context, results, certificates::ARCHIVE).await
        }
        "health" => health::run(context, results).await,
        "list-clients" => clients::run(context, results).await,
        "package-client-credentials" => {
            certificates::generate(context, results, certificates::OLDER_ARCHIVE).await
        }
        "rebuild-cluster" => rebuild::rebuild(context, results).await,
        "reconcile" => reconcile::run(context, results).await,
        "restore" => restore::restore(context, results).await,
        "revoke-client-certificates" => certificates::revoke(context, results).await,
        "rotate-admin-ca" => rotate::rotate(context, results, AuthorityKind::Administrators).await,
        "rotate-client-ca" => rotate::rotate(context, results, AuthorityKind::Clients).await,
        "rotate-server-key" => rotate_key::server(context, results).await,
        "rotate-server-ca" => rotate::rotate(context, results, AuthorityKind::Servers).await,
        "snapshot" => snapshot::take(context, results).await,
        other => Err(ActionError::Unknown(other.to_owned())),
    }
}
