//! Relations that have ended. Juju tells each unit in its own time, and one that comes
//! to lead before it was told still sees a relation whose access another leader has
//! taken away. So the end of a relation is on record before anything is taken, and no
//! unit reads such a relation any more.
//!
//! Juju never uses the number of a relation again, but one that was suspended and
//! resumes looks ended in between. A leader that Juju tells of units or data in a
//! relation reads it, and forgets that it has ended.

use super::{AccessStep, Planner, is_full};
use crate::facts::observed::Scope;
use crate::facts::{EndedRelation, Ledger, LedgerWrite, RelationId, Timestamp};

/// How long an end stays on record, in seconds: longer than a unit takes to be told of
/// it, and not long for a relation that resumes just as the leader changes.
const KEPT_SECONDS: i64 = 1800;

/// Whether this relation has ended, although this unit may not have been told yet.
pub fn has_ended(ledger: &Ledger, relation: RelationId, now: Timestamp) -> bool {
    let ended = ledger.ended.get(&relation);
    ended.is_some_and(|ended| is_recent(ended, now))
}

/// Clocks differ: one may be ahead of ours.
fn is_recent(ended: &EndedRelation, now: Timestamp) -> bool {
    now.0.abs_diff(ended.at.0) <= KEPT_SECONDS.unsigned_abs()
}

impl Planner<'_, '_> {
    /// What is written of the relation that ends with this hook, before anything else.
    /// Nothing while the database is full: nobody is given rights then, and etcd would
    /// refuse to write, but takes rights.
    pub(super) fn note_end(&self) -> Option<LedgerWrite> {
        let relation = self.observed.clients.ended?;
        let now = self.observed.now;
        let ended = EndedRelation { at: now };
        let is_in_vain = has_ended(&self.ledger, relation, now) || is_full(self.cluster);
        (!is_in_vain).then_some(LedgerWrite::Ended(relation, ended))
    }

    /// Forgets the ends that are long ago, and those of relations that are there again.
    pub(super) fn forget_ends(&mut self) {
        let clients = &self.observed.clients;
        let is_back = |relation| {
            clients.relations.contains_key(relation)
                || clients.legacy.contains_key(relation)
                || clients.signing.contains_key(relation)
        };
        let is_over = |ended| clients.scope == Scope::All && !is_recent(ended, self.observed.now);
        let ends = self.ledger.ended.iter();
        let over = ends.filter(|(relation, ended)| is_back(relation) || is_over(ended));
        let over: Vec<_> = over
            .map(|(relation, _)| LedgerWrite::ForgetEnded(*relation))
            .collect();
        self.write(over);
    }
}

/// The steps, with the end of a relation on record before the first of them.
pub(super) fn on_record(mut steps: Vec<AccessStep>, end: Option<LedgerWrite>) -> Vec<AccessStep> {
    let Some(end) = end else {
        return steps;
    };
    match steps.first_mut() {
        Some(first @ AccessStep::Unsettle) => {
            *first = AccessStep::Ledger(vec![end, LedgerWrite::Unsettle]);
        }
        Some(AccessStep::Ledger(writes)) => writes.insert(0, end),
        _ => steps.insert(0, AccessStep::Ledger(vec![end])),
    }
    steps
}
