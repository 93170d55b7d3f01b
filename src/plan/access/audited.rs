//! What need not be read again of users and roles: what was found right, and has not
//! been changed since.
//!
//! Each change of users, roles and permissions raises etcd's revision of them by one,
//! whoever makes it, and nothing lowers it. So where it is what it was at the last
//! audit and one more for each change of this unit's own, nobody else has changed
//! anything. That holds only if no change is counted that was none, since one of
//! somebody else would pass for it:
//!
//! - etcd answers that it has made or removed a user or a role, or taken something from
//!   one, only where it has: "already there" and "not there" are errors.
//! - It answers the same whether or not a user already had the role that is granted, and
//!   may do so with permissions. Such a grant counts only to what this very run has made
//!   before, which had nothing then: one that finds it granted stands for the same grant
//!   by somebody else, who has raised the revision by it. Either way all that was granted
//!   is what this unit wanted.
//!
//! Of what this unit has done and does not know of (it was killed, an answer was lost)
//! too little is counted, never too much: then all is read again.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::AccessStep;
use super::rights::{are_as_granted, as_granted};
use crate::facts::{AuditedRights, Cluster, CommonName, Ledger, LedgerWrite, Permission};
use crate::plan::digest::hex;

/// What is to be noted once every name in the ledger has been read: nothing, where a
/// user or a role is not what the ledger says, or this pass did not ask for revisions.
pub fn audited(identity: u64, cluster: &Cluster) -> Option<AuditedRights> {
    let revision = cluster.rights_revision?;
    let changed = BTreeSet::new();
    are_as_granted(cluster).then(|| AuditedRights {
        cluster: identity,
        revision,
        granted: digest(&cluster.ledger, &changed),
        changed,
    })
}

/// Whether users and roles still are what the ledger says, as the note has it: nobody
/// else has changed any of them since, and the ledger says of them what it said. What is
/// noted as changed is to be read all the same.
pub fn stands(note: &AuditedRights, identity: u64, cluster: &Cluster) -> bool {
    Some(note.revision) == cluster.rights_revision && is_of(note, identity, &cluster.ledger)
}

/// The note as it is once these steps are carried out on top of this ledger, each of
/// them at the first attempt; nothing, where it cannot be told by how much they raise
/// the revision, or the ledger is not what it was.
pub fn after(
    note: AuditedRights,
    identity: u64,
    ledger: &Ledger,
    steps: &[AccessStep],
) -> Option<AuditedRights> {
    let effect = Effect::of(steps)?;
    if !is_of(&note, identity, ledger) {
        return None;
    }
    let mut changed = note.changed;
    changed.extend(effect.names);
    Some(AuditedRights {
        revision: note.revision + effect.raises,
        granted: digest(ledger, &changed),
        changed,
        ..note
    })
}

/// Whether the ledger says of all names of the note what it did then.
fn is_of(note: &AuditedRights, identity: u64, ledger: &Ledger) -> bool {
    note.cluster == identity && note.granted == digest(ledger, &note.changed)
}

/// What steps come to.
#[derive(Default)]
struct Effect {
    /// By how much they raise the revision.
    raises: u64,
    /// Whose user, role or entry in the ledger may be another one.
    names: BTreeSet<CommonName>,
}

impl Effect {
    /// `None` where that cannot be told.
    fn of(steps: &[AccessStep]) -> Option<Self> {
        let mut effect = Self::default();
        // What these steps have made, as long as nothing was granted to it.
        let mut roles = BTreeSet::new();
        let mut users = BTreeSet::new();
        for step in steps {
            match step {
                AccessStep::Claim(name, ..)
                | AccessStep::ClaimIssued(name, _)
                | AccessStep::ReplaceIssued(name, ..) => {
                    effect.names.insert(name.clone());
                }
                AccessStep::Unsettle => {}
                AccessStep::Ledger(writes) => {
                    effect
                        .names
                        .extend(writes.iter().filter_map(name_in).cloned());
                }
                AccessStep::AddRole(name) => {
                    effect.changes(name);
                    roles.insert(name);
                }
                AccessStep::AddUser(name) => {
                    effect.changes(name);
                    users.insert(name);
                }
                AccessStep::GrantPermission(name, _) if roles.remove(name) => {
                    effect.changes(name);
                }
                AccessStep::GrantRole(name) if users.remove(name) => effect.changes(name),
                AccessStep::GrantPermission(..) | AccessStep::GrantRole(_) => return None,
                AccessStep::RevokePermission(name, _)
                | AccessStep::RevokeRole(name, _)
                | AccessStep::DeleteUser(name)
                | AccessStep::DeleteRole(name) => effect.changes(name),
                // Of names that are not in the ledger, and only where revisions are not
                // told.
                AccessStep::TakeRole(..) | AccessStep::LockRoot => return None,
            }
        }
        Some(effect)
    }

    fn changes(&mut self, name: &CommonName) {
        self.raises += 1;
        self.names.insert(name.clone());
    }
}

/// Of which name a write says something else. One that is overlooked here makes the
/// digest another one, and so all is read again.
fn name_in(write: &LedgerWrite) -> Option<&CommonName> {
    match write {
        LedgerWrite::Record(_, record) => Some(&record.grant.as_ref()?.common_name),
        LedgerWrite::Name(name, _)
        | LedgerWrite::FreeName(name)
        | LedgerWrite::Issued(name, _)
        | LedgerWrite::ForgetIssued(name)
        | LedgerWrite::Signed(name, _)
        | LedgerWrite::ForgetSigned(name) => Some(name),
        LedgerWrite::ForgetRecord(_)
        | LedgerWrite::Unsigned(..)
        | LedgerWrite::ForgetUnsigned(_)
        | LedgerWrite::Member(..)
        | LedgerWrite::ForgetMember(_)
        | LedgerWrite::Settle
        | LedgerWrite::Pace(..)
        | LedgerWrite::ForgetPace(_)
        | LedgerWrite::Ended(..)
        | LedgerWrite::ForgetEnded(_)
        | LedgerWrite::Unsettle => None,
    }
}

/// Tells what the ledger says of all names but these from anything else that it could
/// say: of every name who has it, of every grant what it is, and of what the charm has
/// issued or signed itself.
fn digest(ledger: &Ledger, except: &BTreeSet<CommonName>) -> String {
    let except: BTreeSet<&[u8]> = except.iter().map(|name| name.as_str().as_bytes()).collect();
    let mut bytes = Vec::new();
    // Lengths keep two neighbouring texts apart.
    let mut add = |parts: &[&[u8]]| {
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
    };
    for entry in ledger.names.entries() {
        let (name, claim) = (entry.text(), entry.view());
        if !except.contains(name) {
            let relation = claim.relation.0.to_be_bytes();
            let releasing = [u8::from(claim.releasing)];
            add(&[b"name", name, &relation, claim.request, &releasing]);
        }
    }
    for (entry, grant) in ledger.grant_views() {
        if !except.contains(grant.common_name) {
            let (relation, request) = entry.parts();
            let relation = relation.0.to_be_bytes();
            add(&[
                b"grant",
                &relation,
                request,
                grant.common_name,
                grant.prefix,
            ]);
        }
    }
    for name in ledger.issued.keys().chain(ledger.signed.keys()) {
        if except.contains(name.as_str().as_bytes()) {
            continue;
        }
        add(&[b"own", name.as_str().as_bytes()]);
        let access = as_granted(ledger, name).unwrap_or_default();
        for Permission { read_write, range } in access.role.iter().flatten() {
            add(&[&[u8::from(*read_write)], &range.key, &range.range_end]);
        }
    }
    hex(&Sha256::digest(&bytes)[..16])
}

#[cfg(test)]
mod tests;
