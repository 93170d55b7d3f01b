//! Access: who gets it, and what relations are told.

use std::collections::BTreeSet;

use juju_hooks::{Relation, ToolError, UnitName};

use super::{ReconcileError, Run};
use crate::apply::access;
use crate::explain;
use crate::facts::{Known, OwnSecret};
use crate::plan::{Problem, access as admission, answer, cluster};
use crate::relation::CLIENTS;
use crate::relation::ledger::{Ledger, Said};

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
        let mut given = access::give(&self.juju, own, &self.paths, &ledger, &self.nodes).await;
        if let Some(number) = given.newer {
            // A hook that did not come to its end left it there.
            ledger.revision = number + 1;
            given = access::give(&self.juju, own, &self.paths, &ledger, &self.nodes).await;
        }
        self.juju.ledger = ledger;
        let lacking: BTreeSet<UnitName> = given.lacking.into_iter().map(|(unit, _)| unit).collect();
        let lost = self.lost(&lacking);
        let mut awaited = lacking.difference(&lost);
        let all_have_users = match awaited.next() {
            None => true,
            Some(unit) => {
                let problem = Problem::Unreachable(unit.to_string());
                self.report.problems.push(problem);
                false
            }
        };
        if let Some(unit) = lost.first() {
            self.report.lost = Some(unit.to_string());
        }
        let told = self.tell(all_have_users, &lacking);
        told.map_err(ReconcileError::Publish)?;
        let Some(peers) = self.juju.peers else {
            return Ok(());
        };
        let changes = self.juju.ledger.changes(&self.before);
        self.tools
            .relation_set_app(peers, &changes)
            .map_err(ReconcileError::Publish)
    }

    /// Of the units that could not be given their users, those that nobody has to
    /// wait for: they have been lost for so long that they have noticed that they are
    /// cut off, and that no sentinel believes any more what they said before.
    fn lost(&self, lacking: &BTreeSet<UnitName>) -> BTreeSet<UnitName> {
        // Sentinels ask a server every ten seconds whether it may be chosen. Of one that
        // was lost for longer they ask anew before they can choose it.
        let limit = u64::from(self.juju.options.down_after).max(10_000);
        let lost = |limit| {
            let lost = cluster::lost(&self.juju, &self.nodes, limit);
            lost.intersection(lacking).cloned().collect::<BTreeSet<_>>()
        };
        let long_lost = lost(limit);
        if lost(0) != long_lost {
            self.ask_again();
        }
        long_lost
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
    fn tell(
        &mut self,
        all_have_users: bool,
        lacking: &BTreeSet<UnitName>,
    ) -> Result<(), ToolError> {
        let primary = match cluster::primary(&self.juju, &self.nodes) {
            Known::Known(unit) => unit,
            Known::Unknown(reason) => {
                self.report.problems.push(Problem::NoPrimary(reason));
                return Ok(());
            }
        };
        let Some(servers) = answer::servers(&self.juju, &self.nodes, &primary, lacking) else {
            return Ok(());
        };
        let relations: Vec<_> = self.juju.ledger.clients.keys().copied().collect();
        for id in relations {
            let access = &self.juju.ledger.clients[&id];
            if access.told.is_empty() && access.grants.is_empty()
                || !all_have_users && access.has_unanswered()
            {
                continue;
            }
            let (answer, digest) = answer::answer(&self.juju.ledger, id, &servers);
            if digest == access.told && !access.has_unanswered() {
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
                access.answered = access.grants.keys().cloned().collect();
            }
        }
        Ok(())
    }
}
