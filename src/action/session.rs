//! What most actions begin with: Juju's view of the application, and a connection
//! to the cluster.

use super::ActionError;
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::authorities::Authorities;
use crate::facts::observed::Peers;
use crate::facts::{Cluster, CommonName, Member};
use crate::hook::Event;
use crate::observe::{self, Application};
use crate::plan::refusal::Refusal;

/// A connection to the cluster, and what Juju says.
pub(super) struct Session {
    /// What Juju says.
    pub(super) application: Application,
    /// A connection to the member of this unit, or else to one that answers.
    pub(super) client: Client,
    /// The member list.
    pub(super) members: Vec<Member>,
}

impl Session {
    /// Observes the model and connects to the cluster.
    ///
    /// # Errors
    /// The model cannot be observed, or no member answers.
    pub(super) async fn begin(context: &Context) -> Result<Self, ActionError> {
        let application = observe::application(context)?;
        let (client, members) = observe::connect(context, application.peers.read())
            .await
            .map_err(ActionError::Unreachable)?;
        Ok(Self {
            application,
            client,
            members,
        })
    }

    /// The same, for an action that writes what only the leader may write.
    ///
    /// # Errors
    /// As [`Session::begin`]; or this unit does not lead, or a newer revision of the charm
    /// has written what this one does not know.
    pub(super) async fn of_leader(context: &Context) -> Result<Self, ActionError> {
        let session = Self::begin(context).await?;
        let peers = session.application.peers.read();
        if !session.application.leader {
            Err(not_leader(context, &session.application))
        } else if peers.is_some_and(|peers| peers.newer_format().is_some()) {
            Err(Refusal::NewerFormat.into())
        } else {
            Ok(session)
        }
    }

    /// The authorities, if they can be read.
    ///
    /// # Errors
    /// They cannot be read yet.
    pub(super) fn authorities(&self) -> Result<&Authorities, ActionError> {
        let authorities = self.application.authorities.as_ref();
        Ok(authorities.ok_or(Refusal::NoAuthorities)?)
    }

    /// What etcd says of its members and its ledger at this moment.
    ///
    /// # Errors
    /// etcd failed a call, or a newer revision of the charm has written to the ledger
    /// what this one does not know.
    pub(super) async fn cluster(&self, context: &Context) -> Result<Cluster, ActionError> {
        let cluster = observe::cluster_now(context, &self.client).await?;
        match cluster.ledger.newer_format {
            None => Ok(cluster),
            Some(_) => Err(Refusal::NewerFormat.into()),
        }
    }

    /// The same, and the user and the role of this name.
    ///
    /// # Errors
    /// As [`Session::cluster`].
    pub(super) async fn cluster_with(
        &self,
        context: &Context,
        name: &CommonName,
    ) -> Result<Cluster, ActionError> {
        let mut cluster = self.cluster(context).await?;
        observe::access(&self.client, &mut cluster, [name.clone()].into()).await?;
        Ok(cluster)
    }
}

/// That the action that runs is the leader's, and how to run it there.
pub(super) fn not_leader(context: &Context, application: &Application) -> ActionError {
    let peers = application.peers.read();
    ActionError::NotLeader {
        leader: peers.and_then(Peers::leader).cloned(),
        app: context.hook.unit.app().clone(),
        action: match &context.hook.event {
            Event::Action(name) => name.clone(),
            _ => String::new(),
        },
    }
}
