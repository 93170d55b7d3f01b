//! Access: who gets it, and what relations are told.

use juju_hooks::{Relation, ToolError};

use super::{ReconcileError, Run};
use crate::apply::access;
use crate::explain;
use crate::facts::{Known, OwnSecret};
use crate::plan::{Problem, access as admission, answer, cluster};
use crate::relation::CLIENTS;
use crate::relation::ledger::{Access, Ledger, Said};

impl Run {
    /// Gives access to whoever may have it, and tells relations what is true.
    pub(crate) async fn serve(&mut self, own: &OwnSecret) -> Result<(), ReconcileError> {
        if self.juju.peers.is_none() {
            return Ok(());
        }
        let changes = admission::plan(&self.juju);
        let mut ledger = access::record(&self.tools, &self.juju, own, &changes)?;
        ledger.retire(self.juju.now);
        if ledger.step != own.step {
            ledger.step = own.step;
            ledger.revision += 1;
        }
        self.note(&changes, &mut ledger);
        let mut given = access::give(&self.juju, own, &self.paths, &ledger).await;
        if let Some(number) = given.newer {
            // A hook that did not come to its end left it there.
            ledger.revision = number + 1;
            given = access::give(&self.juju, own, &self.paths, &ledger).await;
        }
        self.juju.ledger = ledger;
        if let Some((unit, _)) = given.lacking.first() {
            let problem = Problem::Unreachable(unit.clone());
            self.report.problems.push(problem);
        }
        let told = self.tell(given.lacking.is_empty());
        told.map_err(ReconcileError::Publish)?;
        let Some(peers) = self.juju.peers else {
            return Ok(());
        };
        let changes = self.juju.ledger.changes(&self.before);
        self.tools
            .relation_set_app(peers, &changes)
            .map_err(ReconcileError::Publish)
    }

    /// Keeps what is to be said about the relations that were looked at.
    fn note(&mut self, changes: &admission::Changes, ledger: &mut Ledger) {
        let (scope, relations) = (self.juju.scope, &self.juju.relations);
        let is_old = |id| scope.contains(id) || relations.contains_key(&id);
        ledger.notices.retain(|id, _| !is_old(*id));
        for (id, notice) in &changes.notices {
            let said = Said {
                refusal: notice.is_refusal(),
                text: explain::of_notice(notice),
            };
            ledger.notices.entry(*id).or_default().push(said);
        }
    }

    /// Writes the answers that differ from what was told. Whoever has no answer
    /// yet gets one only when all nodes have its user.
    fn tell(&mut self, all_have_users: bool) -> Result<(), ToolError> {
        let primary = match cluster::primary(&self.juju, &self.nodes) {
            Known::Known(unit) => unit,
            Known::Unknown(reason) => {
                self.report.problems.push(Problem::NoPrimary(reason));
                return Ok(());
            }
        };
        let Some(servers) = answer::servers(&self.juju, &self.nodes, &primary) else {
            return Ok(());
        };
        let relations: Vec<_> = self.juju.ledger.clients.keys().copied().collect();
        for id in relations {
            let access = &self.juju.ledger.clients[&id];
            if access.told.is_empty() && (access.grants.is_empty() || !all_have_users) {
                continue;
            }
            let (answer, digest) = answer::answer(&self.juju.ledger, id, &servers);
            if digest == access.told || !all_have_users && grows(&self.before, access, id) {
                continue;
            }
            let relation = Relation {
                endpoint: CLIENTS,
                id,
            };
            match self.tools.relation_set_app(relation, &answer) {
                // It went while this hook ran.
                Err(error) if error.is_not_found() || error.is_denied() => continue,
                result => result?,
            }
            if let Some(access) = self.juju.ledger.clients.get_mut(&id) {
                access.told = digest;
            }
        }
        Ok(())
    }
}

/// Whether a relation has a user now that it had not before this run.
fn grows(before: &Ledger, access: &Access, id: juju_hooks::RelationId) -> bool {
    let had = before.clients.get(&id);
    access
        .grants
        .keys()
        .any(|request| had.is_none_or(|had| !had.grants.contains_key(request)))
}
