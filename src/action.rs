//! Actions: what an operator asks for by `juju run`. Each has a file of its
//! own, and is declared in `charmcraft.yaml`, where its description stands.
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
mod restore;
mod rotate;
mod rotate_key;
mod snapshot;

use thiserror::Error;

use crate::apply::ApplyError;
use crate::connection::ConnectError;
use crate::context::{Context, ContextError};
use crate::etcd::{Client, EtcdError};
use crate::explain::status::wait_text;
use crate::facts::observed::Pass;
use crate::facts::{AppName, Cluster, Member};
use crate::hook::{Event, Hook};
use crate::juju::{ActionResults, ToolError};
use crate::observe::{self, Application, ObserveError};
use crate::plan::Wait;
use crate::reconcile::ReconcileError;
use crate::workload::WorkloadError;

/// Why an action did not do what it was asked for.
#[derive(Debug, Error)]
pub(crate) enum ActionError {
    /// The charm was upgraded and the action is not there any more.
    #[error("failed to find an action `{0}` in this revision of the charm")]
    Unknown(String),
    /// The action writes what only the leader may write.
    #[error("run it on Juju's leader: juju run {app}/leader {action}")]
    NotLeader {
        /// The application.
        app: AppName,
        /// The action.
        action: String,
    },
    /// A parameter is not what it should be.
    #[error("parameter `{name}` {reason}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong with it, as the end of a sentence that it begins.
        reason: String,
    },
    /// No member of the cluster could be asked.
    #[error("etcd cannot be asked now: {0}; see `systemctl status 'etcd-charm-*'` on each unit")]
    Unreachable(String),
    /// It would do harm, or make no sense, as things are.
    #[error("{0}")]
    Refused(String),
    /// Something could not be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// A member could not be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Something could not be done.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// A full pass failed.
    #[error(transparent)]
    Reconcile(#[from] Box<ReconcileError>),
    /// etcd failed a call.
    #[error(transparent)]
    Etcd(#[from] EtcdError),
    /// This machine failed.
    #[error(transparent)]
    Workload(#[from] WorkloadError),
    /// A hook tool failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
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
        "rotate-admin-ca" => rotate::admin(context, results).await,
        "rotate-client-ca" => rotate::client(context, results).await,
        "rotate-server-key" => rotate_key::server(context, results).await,
        "rotate-server-ca" => rotate::server(context, results).await,
        "snapshot" => snapshot::take(context, results).await,
        other => Err(ActionError::Unknown(other.to_owned())),
    }
}

/// What most actions begin with: Juju's view of the application, and a
/// connection to the cluster.
pub(crate) struct Session {
    /// What Juju says.
    pub(crate) application: Application,
    /// A connection to the member of this unit, or else to one that answers.
    pub(crate) client: Client,
    /// The member list.
    pub(crate) members: Vec<Member>,
}

impl Session {
    /// Observes the model and connects to the cluster.
    ///
    /// # Errors
    /// The model cannot be observed, or no member answers.
    pub(crate) async fn begin(context: &Context) -> Result<Self, ActionError> {
        let application = observe::application(context)?;
        let (client, members) = observe::connect(context, application.peers.as_ref())
            .await
            .map_err(ActionError::Unreachable)?;
        Ok(Self {
            application,
            client,
            members,
        })
    }

    /// For an action that writes what only the leader may write.
    ///
    /// # Errors
    /// This unit does not lead, or a newer revision of the charm has written what this
    /// one does not know.
    pub(crate) fn require_leader(&self, context: &Context) -> Result<(), ActionError> {
        let peers = self.application.peers.as_ref();
        if !self.application.leader {
            Err(not_leader(context))
        } else if peers.is_some_and(|peers| peers.newer_format().is_some()) {
            Err(newer_format())
        } else {
            Ok(())
        }
    }
}

/// That the action that runs is the leader's, and how to run it there.
fn not_leader(context: &Context) -> ActionError {
    ActionError::NotLeader {
        app: context.hook.unit.app().clone(),
        action: match &context.hook.event {
            Event::Action(name) => name.clone(),
            _ => String::new(),
        },
    }
}

/// What etcd says of its members and its ledger at this moment.
///
/// # Errors
/// etcd failed a call.
async fn observe_cluster(context: &Context, client: &Client) -> Result<Cluster, ActionError> {
    let status = client.status().await?;
    let cluster = observe::cluster(context, client, status, Pass::Event, false).await?;
    match cluster.ledger.newer_format {
        None => Ok(cluster),
        Some(_) => Err(newer_format()),
    }
}

fn newer_format() -> ActionError {
    let (_, message) = wait_text(&Wait::NewerFormat);
    ActionError::Refused(message)
}
