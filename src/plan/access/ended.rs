//! Relations that have ended. Juju tells each unit in its own time, and one that comes
//! to lead before it was told still sees a relation whose access another leader has
//! taken away. So the end of a relation is on record before anything is taken, and a
//! unit that was not told yet does not read such a relation.
//!
//! Juju never uses the number of a relation again, but one that was suspended and
//! resumes looks ended in between. Who was told that it is over may go by what Juju
//! lists, and a leader that reads the relation again forgets that it has ended.

use std::collections::BTreeMap;

use super::{AccessStep, Planner, is_full};
use crate::facts::observed::Scope;
use crate::facts::{EndedRelation, Ledger, LedgerWrite, RelationId, Timestamp, ToldEnd};

/// How long an end stays on record, in seconds: longer than a unit takes to be told of
/// it, and not long for a relation that resumes before a unit is there that was never
/// told of its end.
const KEPT_SECONDS: u64 = 1800;

/// Whether this relation has ended, although the unit that was `told` this was not told
/// of it yet.
pub fn has_ended(
    ledger: &Ledger,
    told: &BTreeMap<RelationId, ToldEnd>,
    relation: RelationId,
    now: Timestamp,
) -> bool {
    let is_told = told.get(&relation).is_some_and(|told| told.is_over);
    !is_told && is_on_record(ledger, relation, now)
}

/// Whether what a unit was told then still counts.
pub fn still_told(told: &ToldEnd, now: Timestamp) -> bool {
    is_recent(told.at, now)
}

fn is_on_record(ledger: &Ledger, relation: RelationId, now: Timestamp) -> bool {
    let ended = ledger.ended.get(&relation);
    ended.is_some_and(|ended| is_recent(ended.at, now))
}

/// Clocks differ: one may be ahead of ours.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    now.0.abs_diff(at.0) <= KEPT_SECONDS
}

impl Planner<'_, '_> {
    /// What is written of relations that have ended, before anything else: of the one
    /// that ends with this hook, and of those that Juju lists no more, of whose end this
    /// unit was told when it did not lead.
    ///
    /// Nothing where there is one member, since no other unit is there that was not told;
    /// and nothing while the database is full: nobody is given rights then, and etcd
    /// would refuse to write, but takes rights.
    pub(super) fn note_ends(&self) -> Vec<LedgerWrite> {
        if self.cluster.members.len() < 2 || is_full(self.cluster) {
            return Vec::new();
        }
        let (clients, now) = (&self.observed.clients, self.observed.now);
        let gone = self.observed.told_ends.keys();
        let gone = gone.filter(|relation| clients.scope == Scope::All && !self.is_there(relation));
        clients
            .ended
            .iter()
            .chain(gone)
            .filter(|relation| !is_on_record(&self.ledger, **relation, now))
            .map(|relation| LedgerWrite::Ended(*relation, EndedRelation { at: now }))
            .collect()
    }

    /// Forgets the ends that are long ago, and those of relations that are there again.
    pub(super) fn forget_ends(&mut self) {
        let (clients, now) = (&self.observed.clients, self.observed.now);
        let is_over =
            |ended: &EndedRelation| clients.scope == Scope::All && !is_recent(ended.at, now);
        let ends = self.ledger.ended.iter();
        let over = ends.filter(|(relation, ended)| self.is_there(relation) || is_over(ended));
        let over: Vec<_> = over
            .map(|(relation, _)| LedgerWrite::ForgetEnded(*relation))
            .collect();
        self.write(over);
    }

    /// Whether the relation was read.
    fn is_there(&self, relation: &RelationId) -> bool {
        let clients = &self.observed.clients;
        clients.relations.contains_key(relation)
            || clients.legacy.contains_key(relation)
            || clients.signing.contains_key(relation)
    }
}

/// The steps, with the `ends` of relations on record before the first of them.
pub(super) fn on_record(mut steps: Vec<AccessStep>, mut ends: Vec<LedgerWrite>) -> Vec<AccessStep> {
    if ends.is_empty() {
        return steps;
    }
    match steps.first_mut() {
        Some(first @ AccessStep::Unsettle) => {
            ends.push(LedgerWrite::Unsettle);
            *first = AccessStep::Ledger(ends);
        }
        Some(AccessStep::Ledger(writes)) => {
            ends.append(writes);
            *writes = ends;
        }
        _ => steps.insert(0, AccessStep::Ledger(ends)),
    }
    steps
}
