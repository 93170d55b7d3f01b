//! Users and roles of the identities that the charm has issued itself.

#[cfg(test)]
mod tests;

use super::Planner;
use super::kept;
use super::name_admission::{self, Applicant};
use crate::facts::observed::{LegacyRelation, Scope};
use crate::facts::{
    AppName, Cluster, CommonName, IssuedRecord, IssuedState, Ledger, LedgerWrite, NameRefusal,
    Prefix, Purpose, RelationId, Timestamp,
};
use crate::plan::authorities::admin::is_worthless;

/// What is to become of an identity.
enum Fate {
    /// Nothing is known that concerns it.
    Untouched,
    /// Its rights are made what its record says.
    Kept,
    /// It has no rights, and its record stays.
    Powerless,
    /// Nothing but what is on record of its end changes.
    Noted(Box<IssuedRecord>),
    /// It loses its rights, and then this is written.
    Ends(Box<LedgerWrite>),
}

fn has_ended(record: &IssuedRecord, now: Timestamp) -> bool {
    record.not_after < now
}

/// Whether what is on record of its end is not what this clock says.
fn ends_otherwise(record: &IssuedRecord, now: Timestamp) -> bool {
    has_ended(record, now) != record.ended_at.is_some()
}

/// Whether it has ended for long enough that no clock can be at fault.
fn is_over(record: &IssuedRecord, now: Timestamp) -> bool {
    has_ended(record, now) && kept::is_over(record.ended_at, now)
}

/// The identity that a relation has: the one whose certificate and key are
/// held, if it is in force. One that is on record and not held was lost before
/// anybody got it.
pub fn identity_in_use<'l>(
    ledger: &'l Ledger,
    id: RelationId,
    relation: &LegacyRelation,
) -> Option<(&'l CommonName, &'l IssuedRecord)> {
    let held = relation.held.as_ref()?;
    let mut identities = ledger.identities_of(id).into_iter();
    identities.find(|(_, record)| {
        record.fingerprint.as_ref() == Some(&held.fingerprint)
            && record.state == IssuedState::InForce
    })
}

/// Whether an operator may be issued credentials in this name, for these keys.
/// The record that the name has already is renewed: `None` for a new name.
///
/// # Errors
/// Why not.
pub fn admit_operator(
    name: &CommonName,
    prefix: Option<&Prefix>,
    app: &AppName,
    cluster: &Cluster,
) -> Result<Option<IssuedRecord>, NameRefusal> {
    let applicant = Applicant::Operator(prefix);
    name_admission::admit(name, applicant, app, cluster, &cluster.ledger)
        .map(|found| found.cloned())
}

impl Planner<'_, '_> {
    /// Makes the rights of every identity in scope what its record says, and
    /// ends those that nobody can use or should.
    pub(super) fn keep_issued(&mut self) {
        for (name, record) in self.ledger.issued.clone() {
            match self.fate(&name, &record) {
                Fate::Untouched => {}
                Fate::Kept => self.correct_access(&name, &record.range()),
                Fate::Powerless => self.delete_access(&name),
                Fate::Noted(record) => {
                    self.write([LedgerWrite::Issued(name.clone(), *record)]);
                }
                Fate::Ends(write) => {
                    self.delete_access(&name);
                    self.write([*write]);
                }
            }
        }
    }

    fn fate(&self, name: &CommonName, record: &IssuedRecord) -> Fate {
        let now = self.observed.now;
        let clients = &self.observed.clients;
        let forgotten = || Fate::Ends(Box::new(LedgerWrite::ForgetIssued(name.clone())));
        let is_worthless = || is_worthless(self.observed, self.cluster, record);
        let noted = || {
            Fate::Noted(Box::new(IssuedRecord {
                ended_at: has_ended(record, now).then_some(now),
                ..record.clone()
            }))
        };
        let id = match record.purpose {
            Purpose::Relation(_, id) if clients.scope.contains(id) => id,
            Purpose::Operator if clients.scope == Scope::All => {
                return match record.state {
                    _ if is_worthless() || is_over(record, now) => forgotten(),
                    _ if ends_otherwise(record, now) => noted(),
                    IssuedState::InForce => Fate::Kept,
                    IssuedState::Unfinished | IssuedState::Revoked => Fate::Powerless,
                };
            }
            Purpose::Relation(..) | Purpose::Operator => return Fate::Untouched,
        };
        let Some(relation) = clients.legacy.get(&id) else {
            // The record stays until its secret is seen to be gone as well.
            return match record.state {
                IssuedState::Revoked => Fate::Powerless,
                IssuedState::InForce | IssuedState::Unfinished => {
                    let record = IssuedRecord {
                        state: IssuedState::Revoked,
                        ..record.clone()
                    };
                    Fate::Ends(Box::new(LedgerWrite::Issued(name.clone(), record)))
                }
            };
        };
        if relation.own.is_none() {
            return Fate::Untouched;
        }
        // What was issued before the identity in use may still be used by who
        // has not taken over the new one; what was issued after it was lost.
        let is_held = identity_in_use(&self.ledger, id, relation)
            .is_some_and(|(last, used)| (record.issued_at, name) <= (used.issued_at, last));
        let is_in_force = record.state == IssuedState::InForce && !is_over(record, now);
        match is_held && is_in_force && !is_worthless() {
            true if ends_otherwise(record, now) => noted(),
            true => Fate::Kept,
            false => forgotten(),
        }
    }
}
