//! Who gets access to what: from requests and what was granted before to the
//! next writes of ledger, users and roles.
//!
//! Every grant goes through the same order, so that a run cut short anywhere
//! leaves something that the next one finds and finishes:
//!
//! - in: claim the name and write the record, then role, permission, user, and
//!   last the role of the user;
//! - out: delete user and role, then write that the grant is gone and its name
//!   is leaving.
//!
//! Over all requests together, what takes rights comes before everything else:
//! etcd may refuse any write to the ledger (its database is full, and a client
//! can see to that), but never these.

mod admission;
pub mod audited;
mod decision;
mod ended;
mod handshake;
mod issued;
mod kept;
mod name_admission;
mod name_owner;
mod names;
mod pace;
mod rights;
mod signed;
mod step;
mod unsigned;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::Report;
use crate::facts::observed::{Observed, Scope};
use crate::facts::{
    AlarmKind, ClientRecord, Cluster, CommonName, Grant, Ledger, LedgerWrite, NameClaim, Purpose,
    Reason, RequestKey,
};
use decision::Decision;
pub use decision::certificates;
pub use ended::{has_ended, still_told};
pub use issued::{admit_operator, identity_in_use};
pub use kept::free_after;
pub use name_owner::RESERVED_PREFIX;
pub use rights::{are_as_granted, as_granted, grant_steps};
pub use signed::{Signable, Unsignable, signable};
pub use step::AccessStep;

/// The names whose user and role a plan needs to know: those that the requests
/// in scope bring, those that the ledger holds for them, and those of issued
/// identities in scope.
pub fn names_of_interest(observed: &Observed, ledger: &Ledger) -> BTreeSet<CommonName> {
    let scope = &observed.clients.scope;
    let claims = ledger.names.entries();
    let held = claims
        .filter(|claim| scope.contains(claim.view().relation))
        .map(|claim| claim.key().clone());
    let asked = certificates(observed).map(|certificate| certificate.common_name);
    let issued = ledger
        .issued
        .iter()
        .filter(|(_, record)| match record.purpose {
            Purpose::Relation(_, id) => scope.contains(id),
            Purpose::Operator => *scope == Scope::All,
        })
        .map(|(name, _)| name.clone());
    let signed = ledger.signed.iter();
    let signed = signed.filter(|(_, record)| scope.contains(record.relation));
    let signed = signed.map(|(name, _)| name.clone());
    let requested = signed::requested_names(observed);
    let issued = issued.chain(signed).chain(requested);
    held.chain(asked).chain(issued).collect()
}

/// The next steps that concern access; empty when all is as it should be.
pub fn plan(observed: &Observed, cluster: &Cluster, report: &mut Report) -> Vec<AccessStep> {
    let mut planner = Planner {
        observed,
        cluster,
        ledger: Cow::Borrowed(&cluster.ledger),
        deleted: BTreeSet::new(),
        steps: Vec::new(),
        report,
    };
    planner.end_other_roots();
    planner.revoke_signed();
    let requests = decision::requests(observed, &cluster.ledger);
    // What goes makes room for what comes, so it goes first.
    for key in &requests {
        planner.release_if_gone(key);
    }
    for key in &requests {
        planner.serve(key);
    }
    planner.release_orphaned_users();
    planner.free_names();
    planner.keep_issued();
    planner.keep_signed();
    planner.forget_paces();
    planner.forget_ends();
    let ends = planner.note_ends();
    let steps = bracketed(in_order(planner.steps, cluster), &cluster.ledger);
    ended::on_record(steps, ends)
}

/// The steps with those first that take rights. Within one plan a name is taken
/// from before it is given to, so this changes nothing but how far a run comes
/// that is cut short. While the database is full nobody is given rights: those
/// that are gone may have had an end that could not be written.
fn in_order(steps: Vec<AccessStep>, cluster: &Cluster) -> Vec<AccessStep> {
    let (mut ordered, mut others): (Vec<_>, Vec<_>) =
        steps.into_iter().partition(AccessStep::takes_rights);
    if is_full(cluster) {
        others.retain(|step| !step.gives_rights());
    }
    ordered.append(&mut others);
    ordered
}

/// Whether etcd refuses to write, since its database is full.
fn is_full(cluster: &Cluster) -> bool {
    let mut alarms = cluster.status.alarms.iter();
    alarms.any(|alarm| alarm.kind == AlarmKind::NoSpace)
}

/// The steps, with a note in the ledger that rights are being taken away before
/// the first that does, and the opposite after the last: etcd looks at rights
/// only when a watch begins, so each member has to end what was open before. A
/// run that is cut short in between leaves the note, and the next one settles.
fn bracketed(mut steps: Vec<AccessStep>, ledger: &Ledger) -> Vec<AccessStep> {
    let takes = steps.iter().any(AccessStep::takes_rights);
    if takes && ledger.settled.is_some() {
        steps.insert(0, AccessStep::Unsettle);
    }
    if takes || ledger.settled.is_none() {
        match steps.last_mut() {
            Some(AccessStep::Ledger(writes)) => writes.push(LedgerWrite::Settle),
            _ => steps.push(AccessStep::Ledger(vec![LedgerWrite::Settle])),
        }
    }
    steps
}

struct Planner<'o, 'r> {
    observed: &'o Observed,
    cluster: &'o Cluster,
    /// The ledger as it will be once the steps so far are carried out, so that
    /// each decision sees those before it. It is a copy once there is any.
    ledger: Cow<'o, Ledger>,
    /// Names whose user and role the steps so far delete.
    deleted: BTreeSet<CommonName>,
    steps: Vec<AccessStep>,
    report: &'r mut Report,
}

impl Planner<'_, '_> {
    /// Ends what a request had that is gone, or that withdrew its certificate.
    fn release_if_gone(&mut self, key: &RequestKey) {
        let Some(record) = self.ledger.clients.get(key).cloned() else {
            return;
        };
        match self.decision(key) {
            // Nothing was made for it, so there is nothing to look for; for a
            // relation that is gone as a whole there may be an encryption key.
            Decision::Gone if record.ungranted && self.is_related(key) => {
                self.write([LedgerWrite::ForgetRecord(key.clone())]);
            }
            Decision::Gone => {
                let record = ClientRecord {
                    grant: None,
                    condition: None,
                    secret: None,
                    departed: true,
                    ..record
                };
                self.end_grant(key, record);
            }
            Decision::Withdrawn(reason) => {
                let record = ClientRecord {
                    grant: None,
                    condition: Some(reason.into()),
                    secret: decision::secret_of(self.observed, key),
                    ..record
                };
                self.end_grant(key, record);
            }
            Decision::Keep(_) | Decision::Grant(_) => {}
        }
    }

    fn is_related(&self, key: &RequestKey) -> bool {
        let relations = &self.observed.clients.relations;
        relations.contains_key(&key.relation)
    }

    /// Puts a request into force, or notes why not.
    fn serve(&mut self, key: &RequestKey) {
        let record = self.ledger.clients.get(key).cloned();
        let mut record = record.unwrap_or_else(|| ClientRecord {
            ungranted: true,
            ..ClientRecord::default()
        });
        let relation = self.observed.clients.relations.get(&key.relation);
        let app = relation.and_then(|relation| relation.app.clone());
        record.app = app.or(record.app);
        let secret = decision::secret_of(self.observed, key);
        match self.decision(key) {
            Decision::Gone => {}
            Decision::Withdrawn(reason) => {
                let record = ClientRecord {
                    condition: Some(reason.into()),
                    departed: false,
                    secret,
                    ..record
                };
                self.write([LedgerWrite::Record(key.clone(), record)]);
            }
            Decision::Keep(reason) => {
                let kept = record.grant.clone();
                self.note(key, record, &reason, secret);
                if let Some(grant) = kept {
                    self.correct_access(&grant.common_name, &grant.prefix.range());
                }
            }
            Decision::Grant(grant) => match self.admit(key, &grant) {
                Err(reason) => {
                    let kept = record.grant.clone();
                    self.note(key, record, &reason, secret);
                    if let Some(grant) = kept {
                        self.correct_access(&grant.common_name, &grant.prefix.range());
                    }
                }
                Ok(()) => {
                    let record = ClientRecord {
                        condition: None,
                        departed: false,
                        secret,
                        ..record
                    };
                    self.grant(key, record, grant);
                }
            },
        }
    }

    fn note(
        &mut self,
        key: &RequestKey,
        record: ClientRecord,
        reason: &Reason,
        secret: Option<crate::facts::SecretId>,
    ) {
        let record = ClientRecord {
            condition: Some(reason.into()),
            departed: false,
            secret: secret.or(record.secret),
            ..record
        };
        self.write([LedgerWrite::Record(key.clone(), record)]);
    }

    fn grant(&mut self, key: &RequestKey, mut record: ClientRecord, mut grant: Grant) {
        if let Some(before) = record.grant.clone() {
            if before.common_name == grant.common_name {
                grant.granted_at = before.granted_at;
            } else {
                // Another name is another user: the old one goes first.
                record.grant = None;
                self.end_grant_as(key, &before.common_name, record.clone());
            }
        }
        self.count_change(key, &grant);
        let name = grant.common_name.clone();
        let range = grant.prefix.range();
        // One of our authority is in no trust file.
        let leaf = grant.issuer.is_none().then(|| grant.fingerprint.clone());
        record.grant = Some(grant);
        record.ungranted = false;
        match self.ledger.names.get(&name).cloned() {
            None => {
                let claim = NameClaim {
                    holder: key.clone(),
                    leaves: leaf.into_iter().collect(),
                    releasing: false,
                };
                let ledger = self.ledger.to_mut();
                ledger.names.insert(name.clone(), claim.clone());
                ledger.clients.insert(key.clone(), record.clone());
                self.steps
                    .push(AccessStep::Claim(name.clone(), claim, Box::new(record)));
            }
            Some(mut claim) => {
                claim.holder = key.clone();
                claim.releasing = false;
                claim.leaves.extend(leaf);
                self.write([
                    LedgerWrite::Name(name.clone(), claim),
                    LedgerWrite::Record(key.clone(), record),
                ]);
            }
        }
        self.correct_access(&name, &range);
    }

    /// Ends the grant that a request has, if it has one, and writes its record.
    fn end_grant(&mut self, key: &RequestKey, record: ClientRecord) {
        let before = self.ledger.clients.get(key);
        match before.and_then(|record| record.grant.as_ref()) {
            Some(grant) => {
                let name = grant.common_name.clone();
                self.end_grant_as(key, &name, record);
            }
            None => self.write([LedgerWrite::Record(key.clone(), record)]),
        }
    }

    /// Deletes user and role of `name`, and only then writes that they are
    /// gone: a run cut short in between does it again.
    fn end_grant_as(&mut self, key: &RequestKey, name: &CommonName, record: ClientRecord) {
        let record = LedgerWrite::Record(key.clone(), record);
        match self.ledger.names.get(name) {
            Some(claim) if claim.holder == *key => {
                let claim = NameClaim {
                    releasing: true,
                    ..claim.clone()
                };
                self.delete_access(name);
                self.write([LedgerWrite::Name(name.clone(), claim), record]);
            }
            // The name is another request's by now; so are user and role.
            _ => self.write([record]),
        }
    }

    /// Adds the writes that change something, as one transaction.
    fn write(&mut self, writes: impl IntoIterator<Item = LedgerWrite>) {
        let ledger = &mut self.ledger;
        let writes: Vec<_> = writes
            .into_iter()
            .filter(|write| ledger.is_changed_by(write) && ledger.to_mut().apply(write))
            .collect();
        if !writes.is_empty() {
            self.steps.push(AccessStep::Ledger(writes));
        }
    }
}
