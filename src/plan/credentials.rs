//! Credentials for a person or a tool: whether they are issued, what is written
//! where, and how they end.
//!
//! The order is such that a run that is killed leaves nothing that works. The
//! name is claimed first; then the archive is written; then the identity is in
//! force, and only then user and role are made, which a full pass does as well.
//! Before that it has no rights, whoever has found its archive.

#[cfg(test)]
mod tests;

use super::access::{AccessStep, admit_operator, grant_steps};
use super::refusal::{ArchiveHolds, Refusal};
use crate::facts::{
    AppName, ArchivePlace, Cluster, CommonName, IssuedRecord, IssuedState, KeyRange, Ledger,
    LedgerWrite, Member, Prefix, Purpose, Timestamp, UnitName,
};
use crate::relation::legacy::connection_string;
use crate::tls::OwnCertificate;
use crate::workload::configuration::credentials::{CredentialsNote, note};

/// What an operator asks to be issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// In which name.
    pub name: CommonName,
    /// For which keys; for all keys of clients where there is no prefix.
    pub prefix: Option<Prefix>,
    /// For how long.
    pub validity_seconds: i64,
}

impl Request {
    /// The keys that are asked for.
    pub fn range(&self) -> KeyRange {
        let prefix = self.prefix.as_ref();
        prefix.map_or_else(KeyRange::of_clients, Prefix::range)
    }

    /// What stands beside the credentials in their archive, for whoever opens it.
    pub fn note(&self, not_after: Timestamp, members: &[Member], app: &AppName) -> String {
        note(CredentialsNote {
            common_name: &self.name,
            prefix: self.prefix.as_ref(),
            not_after,
            endpoints: &connection_string(members),
            app: app.as_str(),
        })
    }
}

/// Credentials that may be issued now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Issuing {
    /// What is asked for.
    pub request: Request,
    /// The record that the name has already, and that is renewed.
    before: Option<IssuedRecord>,
}

/// What was made for an operator, before anybody has it.
#[derive(Clone, Copy, Debug)]
pub struct Made<'m> {
    /// The certificate.
    pub certificate: &'m OwnCertificate,
    /// Which authority signed it, as it is told from others.
    pub issuer: &'m str,
    /// The SHA-256 of the archive with it.
    pub archive: &'m str,
    /// When.
    pub at: Timestamp,
}

/// The writes with which credentials come into force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Steps {
    /// Before the archive is written: puts them on record, without rights.
    pub claim: AccessStep,
    /// Takes that back, where the archive cannot be written: nobody has the key, so
    /// it is as if nothing had been asked.
    pub undo: AccessStep,
    /// Once the archive is there: puts them into force, and gives the rights.
    pub finish: Vec<AccessStep>,
}

/// Whether credentials are issued to an operator. `unit` is where the archive goes,
/// and `cluster` knows user and role of the name.
///
/// # Errors
/// Why not.
pub fn admit(
    request: Request,
    unit: &UnitName,
    place: &ArchivePlace,
    cluster: &Cluster,
) -> Result<Issuing, Refusal> {
    let Request { name, prefix, .. } = &request;
    let before = admit_operator(name, prefix.as_ref(), unit.app(), cluster)
        .map_err(|refusal| Refusal::Name(name.clone(), refusal))?;
    if let Some(holds) = in_the_way(name, place, &cluster.ledger) {
        return Err(Refusal::Archive {
            unit: unit.clone(),
            path: place.path.clone(),
            holds,
        });
    }
    Ok(Issuing { request, before })
}

/// What would be lost if an archive of this name were written here: nothing is
/// overwritten that somebody may still want to fetch.
fn in_the_way(name: &CommonName, place: &ArchivePlace, ledger: &Ledger) -> Option<ArchiveHolds> {
    let found = place.found.as_ref()?;
    let mut issued = ledger.issued.iter();
    match issued.find(|(_, record)| record.archive.as_ref() == Some(found)) {
        Some((owner, record)) if owner == name || record.state == IssuedState::Revoked => None,
        Some((owner, _)) => Some(ArchiveHolds::CredentialsOf(owner.clone())),
        None => Some(ArchiveHolds::Unknown),
    }
}

impl Issuing {
    /// How what was made comes into force in a cluster that was seen like this.
    pub fn steps(&self, made: Made<'_>, cluster: &Cluster) -> Steps {
        let name = &self.request.name;
        let not_after = made.certificate.not_after;
        let before = self.before.as_ref();
        let record = IssuedRecord {
            purpose: Purpose::Operator,
            prefix: self.request.prefix.clone(),
            fingerprint: Some(made.certificate.fingerprint.clone()),
            issuer: Some(made.issuer.to_owned()),
            issued_at: made.at,
            // An older certificate of the name works as long as this one does.
            not_after: before.map_or(not_after, |before| not_after.max(before.not_after)),
            ended_at: None,
            state: before.map_or(IssuedState::Unfinished, |before| before.state),
            archive: Some(made.archive.to_owned()),
        };
        let in_force = IssuedRecord {
            state: IssuedState::InForce,
            ..record.clone()
        };
        let range = in_force.range();
        let mut finish = vec![replaced(name, &record, in_force)];
        finish.extend(grant_steps(cluster, name, &range));
        Steps {
            claim: match before {
                Some(before) => replaced(name, before, record.clone()),
                None => claimed(name, record.clone()),
            },
            undo: match before {
                Some(before) => replaced(name, &record, before.clone()),
                None => AccessStep::Ledger(vec![LedgerWrite::ForgetIssued(name.clone())]),
            },
            finish,
        }
    }
}

/// How credentials end.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Revocation {
    /// Claims a name that the ledger does not know.
    pub claim: Option<AccessStep>,
    /// The intention, unless it stands there already: a full pass carries it out
    /// should this run be killed.
    pub note: Option<AccessStep>,
    /// Takes the rights, also where the intention cannot be written: see the plan of
    /// access.
    pub ends: Vec<AccessStep>,
    /// What is on record then.
    pub record: IssuedRecord,
}

/// How the credentials of a name end. One that the ledger does not know is kept
/// from everybody where an operator `reserves` it, for a certificate that may be
/// somewhere: it was issued after the snapshot that the cluster was made from.
/// `authority_ends` is when the authority does that signs them.
///
/// # Errors
/// There is nothing of this name to be revoked, or nothing is known of the authority
/// yet.
pub fn revoke(
    name: &CommonName,
    reserves: bool,
    unit: &UnitName,
    cluster: &Cluster,
    authority_ends: Option<Timestamp>,
    now: Timestamp,
) -> Result<Revocation, Refusal> {
    let (claim, before) = match cluster.ledger.issued.get(name) {
        Some(record) if record.purpose == Purpose::Operator => (None, record.clone()),
        Some(_) => return Err(Refusal::OfRelation(name.clone())),
        None if reserves => {
            let not_after = authority_ends.ok_or(Refusal::NoAuthorities)?;
            admit_operator(name, None, unit.app(), cluster)
                .map_err(|refusal| Refusal::Name(name.clone(), refusal))?;
            let record = reserved(not_after, now);
            (Some(claimed(name, record.clone())), record)
        }
        None => return Err(Refusal::NotIssued(name.clone())),
    };
    let record = IssuedRecord {
        state: IssuedState::Revoked,
        ..before.clone()
    };
    let note = (record != before).then(|| replaced(name, &before, record.clone()));
    let ends = vec![
        AccessStep::Unsettle,
        AccessStep::DeleteUser(name.clone()),
        AccessStep::DeleteRole(name.clone()),
    ];
    Ok(Revocation {
        claim,
        note,
        ends,
        record,
    })
}

/// The record of a name of which nothing is known but that it must be nobody's: no
/// certificate outlives its authority.
fn reserved(not_after: Timestamp, now: Timestamp) -> IssuedRecord {
    IssuedRecord {
        purpose: Purpose::Operator,
        prefix: None,
        fingerprint: None,
        issuer: None,
        issued_at: now,
        not_after,
        state: IssuedState::Revoked,
        archive: None,
        ended_at: None,
    }
}

fn claimed(name: &CommonName, record: IssuedRecord) -> AccessStep {
    AccessStep::ClaimIssued(name.clone(), Box::new(record))
}

fn replaced(name: &CommonName, seen: &IssuedRecord, record: IssuedRecord) -> AccessStep {
    AccessStep::ReplaceIssued(name.clone(), Box::new(seen.clone()), Box::new(record))
}
