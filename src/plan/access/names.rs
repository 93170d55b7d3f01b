//! Names that are leaving, and when they are free for somebody else.

use super::Planner;
use crate::facts::observed::Pass;
use crate::facts::{Cluster, CommonName, Fingerprint, LedgerWrite, NameClaim};

impl Planner<'_, '_> {
    /// Releases names in scope that their request does not bear, and removes
    /// users that exist under a name that is leaving: what a run that was cut
    /// short leaves behind.
    pub(super) fn release_orphaned_users(&mut self) {
        let scope = &self.observed.clients.scope;
        let claims = self.ledger.names.entries();
        let in_scope = claims.filter(|claim| scope.contains(claim.view().relation));
        let orphaned: Vec<_> = in_scope
            .map(|claim| (claim.key(), claim.record()))
            .filter(|(name, claim)| !self.is_borne(name, claim))
            .map(|(name, claim)| (name.clone(), claim.clone()))
            .collect();
        for (name, claim) in orphaned {
            self.delete_access(&name);
            let claim = NameClaim {
                releasing: true,
                ..claim
            };
            self.write([LedgerWrite::Name(name, claim)]);
        }
    }

    /// Frees names whose leaves no member can let in any more, and forgets
    /// leaves of living names for the same reason. A full pass does it, since
    /// whoever waits for a name is served by a full pass as well.
    pub(super) fn free_names(&mut self) {
        if self.observed.pass != Pass::Full {
            return;
        }
        let granted: std::collections::BTreeSet<_> = self
            .ledger
            .grants()
            .map(|(_, grant)| grant.fingerprint.clone())
            .collect();
        let names = self.ledger.names.clone();
        for (name, claim) in names.iter() {
            let leaves: std::collections::BTreeSet<_> = claim
                .leaves
                .iter()
                .filter(|leaf| granted.contains(leaf) || may_be_trusted(self.cluster, leaf))
                .cloned()
                .collect();
            let has_rights = self
                .cluster
                .access
                .get(name)
                .is_none_or(|access| access.user.is_some() || access.role.is_some());
            if claim.releasing && leaves.is_empty() && !has_rights {
                self.write([LedgerWrite::FreeName(name.clone())]);
            } else if leaves != claim.leaves {
                let claim = NameClaim {
                    leaves,
                    ..claim.clone()
                };
                self.write([LedgerWrite::Name(name.clone(), claim)]);
            }
        }
    }

    /// Whether the holder of a claim has a grant in this name.
    fn is_borne(&self, name: &CommonName, claim: &NameClaim) -> bool {
        let record = self.ledger.clients.get(&claim.holder);
        let grant = record.and_then(|record| record.grant.as_ref());
        !claim.releasing && grant.is_some_and(|grant| grant.common_name == *name)
    }
}

/// Whether some member may still let this leaf in. A member that has not said
/// what it trusts counts as trusting everything: unknown is not safe.
fn may_be_trusted(cluster: &Cluster, leaf: &Fingerprint) -> bool {
    cluster.members.iter().any(|member| match &member.name {
        Some(name) => cluster
            .ledger
            .members
            .get(name)
            .is_none_or(|trust| trust.may_trust(leaf)),
        // It is about to start, with a trust file that may have been written
        // before the leaf was removed.
        None => true,
    })
}
