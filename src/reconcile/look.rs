//! What a round of an event need not ask etcd again, since the round before has seen
//! it and nothing that was done in between changes it: each round would ask for the
//! same status, the same members, and the same user and role otherwise, over a
//! connection of its own.

use super::{ReconcileError, Run};
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::observed::{Observed, Pass};
use crate::facts::{Cluster, Known};
use crate::observe;
use crate::plan::Stage;
use crate::plan::restart::RestartStep;
use crate::plan::simulate::simulate_access;

/// What the last round has seen, and over which connection.
pub(super) struct Look {
    cluster: Cluster,
    client: Client,
    /// Whether the ledger was written since.
    is_ledger_old: bool,
}

impl Run {
    /// Keeps what is so still after this stage was carried out. Only in a pass over
    /// one relation: a full pass is what finds out whether things are as they seem.
    pub(super) fn keep_look(
        &mut self,
        context: &Context,
        observed: Observed,
        client: Option<Client>,
        stage: &Stage,
    ) {
        let is_cut_short = std::mem::take(&mut self.is_access_cut_short);
        let (Known::Known(mut cluster), Some(client), Pass::Event) =
            (observed.cluster, client, observed.pass)
        else {
            return;
        };
        let is_ledger_old = match stage {
            Stage::Access(steps) if !is_cut_short => {
                // What is new in the ledger is read, so it stays as it was read before.
                let ledger = std::mem::take(&mut cluster.ledger);
                // etcd has said of each that it is so now.
                for step in steps {
                    simulate_access(&mut cluster, step);
                }
                cluster.ledger = ledger;
                true
            }
            Stage::Restart(RestartStep::Record(_)) => true,
            Stage::Restart(RestartStep::ReadPending) => false,
            // The connection may have ended with those of clients, or with the member.
            Stage::Disconnect(_) | Stage::Restart(RestartStep::Restart(_)) => {
                self.known_rights = cluster.access;
                let point = client.ledger_point();
                let known = point.map(|point| (cluster.ledger, point));
                context.known_ledger.set(known);
                return;
            }
            _ => return,
        };
        self.look = Some(Look {
            cluster,
            client,
            is_ledger_old,
        });
    }

    /// Whether this stage asks for a look of its own. Which members answer decides
    /// whether one may stop, and what the round before has seen may be over.
    pub(super) fn needs_another_look(&mut self, observed: &Observed, stage: &Stage) -> bool {
        let is_second_hand = std::mem::take(&mut self.is_second_hand);
        let is_harmless = matches!(
            stage,
            Stage::Access(_)
                | Stage::Issue(_)
                | Stage::Disconnect(_)
                | Stage::Restart(RestartStep::ReadPending | RestartStep::Record(_))
                | Stage::Publish(_)
        );
        match observed.cluster.known() {
            Some(cluster) if is_second_hand && !is_harmless && cluster.members.len() > 1 => {
                self.known_rights.clone_from(&cluster.access);
                true
            }
            _ => false,
        }
    }

    /// What the last round has left, with the ledger as it is now; `None` where the
    /// cluster has to be asked for everything.
    ///
    /// # Errors
    /// The ledger holds what this charm never writes.
    pub(super) async fn look_again(
        &mut self,
        context: &mut Context,
    ) -> Result<Option<(Cluster, Client)>, ReconcileError> {
        let Some(look) = self.look.take() else {
            return Ok(None);
        };
        let (mut cluster, client) = (look.cluster, look.client);
        if look.is_ledger_old {
            let before = std::mem::take(&mut cluster.ledger);
            match observe::ledger(&client, before).await? {
                Some(ledger) => cluster.ledger = ledger,
                // This member may not be the one to ask any more.
                None => {
                    context.etcd_calls += client.take_calls();
                    self.known_rights = cluster.access;
                    return Ok(None);
                }
            }
        }
        self.is_second_hand = true;
        Ok(Some((cluster, client)))
    }
}
