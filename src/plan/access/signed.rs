//! Certificates that applications ask for, over `tls-certificates`: whether each is
//! signed, and whose its name is until the last of them has ended.
//!
//! Members trust the authority of these certificates from their start, so nothing
//! keeps a certificate out but that there is no user of its name. Therefore:
//!
//! - a name is claimed in the ledger before anything is signed in it, and until a
//!   day after the last certificate in it has ended;
//! - only a request of the application that asked for the name is granted access in it;
//! - when nobody asks for it any more, or the relation is gone, its user goes, and
//!   nobody has access in this name until then, by whatever certificate.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use tls_certificates::answers::{self, Answer};

use super::Planner;
use super::decision::Decision;
use super::kept::{self, free_after};
use super::name_admission::{self, Applicant};
use crate::facts::observed::{Observed, Scope, SigningRelation};
use crate::facts::reason::{Reason, SigningRefusal};
use crate::facts::{
    AppName, ClientRecord, Cluster, CommonName, Fingerprint, Ledger, LedgerWrite, NameRefusal,
    RelationId, RequestKey, SignedName, Timestamp,
};
use crate::tls::{ClientCertificate, ClientRequest};

/// Most certificates that one relation has at once: each takes some 6 KiB of
/// our databag, which Juju hands to every unit whenever one of them changes.
const MAX_REQUESTS_OF_RELATION: usize = 200;

/// Most names that one relation holds, those included that it had: as many as it
/// may make requests for access.
const MAX_NAMES_OF_RELATION: usize = 100;

/// Most names that all relations hold: every hook reads them.
const MAX_NAMES: usize = 3_000;

/// By how much the end on record may be earlier than it would be by this moment's
/// clock: so that what was claimed a moment ago is signed as it was claimed.
const SLACK_SECONDS: i64 = 3600;

/// A request that is in order, and what it has.
#[derive(Clone, Debug)]
pub struct Signable {
    /// The request, as it is answered.
    pub csr: String,
    /// What is signed.
    pub request: ClientRequest,
    /// The certificate that it was answered with, if that is of the present
    /// authority, and the end of it.
    pub answer: Option<(Answer, Timestamp)>,
}

/// A request that is not signed, and why.
#[derive(Clone, Debug)]
pub struct Unsignable {
    /// The request, as it is answered.
    pub csr: String,
    /// Why it is not.
    pub refusal: SigningRefusal,
}

/// Why nobody has access in this name for now.
fn revoked(name: &CommonName, record: &SignedName) -> Reason {
    let refusal = NameRefusal::SignedRevoked(free_after(record.not_after));
    Reason::Name(name.clone(), refusal)
}

/// The names that requests in scope bring.
pub(super) fn requested_names(observed: &Observed) -> BTreeSet<CommonName> {
    let relations = observed.clients.signing.values();
    relations.flat_map(names_of).collect()
}

fn names_of(relation: &SigningRelation) -> BTreeSet<CommonName> {
    let asked = relation.asked.iter().flatten();
    asked
        .filter_map(|request| ClientRequest::check(&request.csr).ok())
        .map(|request| request.common_name)
        .collect()
}

/// What is signed for each request of a relation, or why it is not; requests are
/// looked at in the order of their texts. Nothing, as long as there is no authority
/// for clients.
pub fn signable(
    observed: &Observed,
    cluster: &Cluster,
    ledger: &Ledger,
    id: RelationId,
) -> Vec<Result<Signable, Unsignable>> {
    let relation = observed.clients.signing.get(&id);
    let (Some(relation), Some(ca)) = (relation, observed.machine.signing_authority()) else {
        return Vec::new();
    };
    let (Ok(asked), Some(app)) = (&relation.asked, &relation.app) else {
        return Vec::new();
    };
    let answers = answers::read(&relation.own).unwrap_or_default();
    let mut judge = Judge {
        observed,
        cluster,
        ledger,
        id,
        app,
        new_names: BTreeSet::new(),
        count: 0,
    };
    asked
        .iter()
        .map(|request| {
            let refuse = |refusal| Unsignable {
                csr: request.csr.clone(),
                refusal,
            };
            let found = judge.judge(&request.csr, request.is_ca).map_err(refuse)?;
            let answer = answers.certificate(&request.csr);
            Ok(Signable {
                answer: answer.and_then(|answer| if_it_stands(answer, &found, ca)),
                csr: request.csr.clone(),
                request: found,
            })
        })
        .collect()
}

/// An answer, if it still stands, and when it ends.
fn if_it_stands(answer: &Answer, request: &ClientRequest, ca: &str) -> Option<(Answer, Timestamp)> {
    let leaf = ClientCertificate::read_back(&answer.certificate).ok()?;
    leaf.issuer_among(ca)?;
    let is_it = leaf.common_name == request.common_name;
    is_it.then(|| (answer.clone(), leaf.not_after))
}

/// Judges the requests of one relation one after the other, since they count
/// together.
struct Judge<'a> {
    observed: &'a Observed,
    cluster: &'a Cluster,
    ledger: &'a Ledger,
    id: RelationId,
    app: &'a AppName,
    new_names: BTreeSet<CommonName>,
    count: usize,
}

impl Judge<'_> {
    fn judge(&mut self, csr: &str, is_ca: bool) -> Result<ClientRequest, SigningRefusal> {
        if is_ca {
            return Err(SigningRefusal::Authority);
        }
        let request = ClientRequest::check(csr).map_err(SigningRefusal::Request)?;
        self.judge_name(&request.common_name)?;
        self.count += 1;
        if self.count > MAX_REQUESTS_OF_RELATION {
            return Err(SigningRefusal::Requests(MAX_REQUESTS_OF_RELATION));
        }
        Ok(request)
    }

    fn judge_name(&mut self, name: &CommonName) -> Result<(), SigningRefusal> {
        let applicant = Applicant::Signing {
            relation: self.id,
            app: self.app,
        };
        let app = self.observed.unit.app();
        name_admission::admit(name, applicant, app, self.cluster, self.ledger)
            .map_err(|refusal| SigningRefusal::Name(name.clone(), refusal))?;
        match self.ledger.signed.contains_key(name) {
            // It is this relation's, or it would not have been admitted.
            true => Ok(()),
            false => self.count_name(name),
        }
    }

    fn count_name(&mut self, name: &CommonName) -> Result<(), SigningRefusal> {
        if self.new_names.contains(name) {
            return Ok(());
        }
        let known = self.ledger.signed.values();
        let of_relation = known.filter(|record| record.relation == self.id).count();
        let more = self.new_names.len() + 1;
        if of_relation + more > MAX_NAMES_OF_RELATION {
            return Err(SigningRefusal::NamesOfRelation(MAX_NAMES_OF_RELATION));
        }
        if self.ledger.signed.len() + more > MAX_NAMES {
            return Err(SigningRefusal::Names(MAX_NAMES));
        }
        self.new_names.insert(name.clone());
        Ok(())
    }
}

impl Planner<'_, '_> {
    /// Ends the access in names in scope that nobody asks for any more, and takes
    /// back that end for those that are asked for again over the same relation.
    pub(super) fn revoke_signed(&mut self) {
        let requested: BTreeMap<_, _> = self
            .observed
            .clients
            .signing
            .iter()
            .filter(|(_, relation)| relation.asked.is_ok())
            .map(|(id, relation)| (*id, names_of(relation)))
            .collect();
        let scope = &self.observed.clients.scope;
        let signed = self.ledger.signed.iter();
        let signed = signed.filter(|(_, record)| scope.contains(record.relation));
        let signed: Vec<_> = signed
            .map(|(name, record)| (name.clone(), record.clone()))
            .collect();
        for (name, record) in signed {
            let is_asked_for = match self.observed.clients.signing.contains_key(&record.relation) {
                false => false,
                true => match requested.get(&record.relation) {
                    Some(names) => names.contains(&name),
                    // What cannot be read is not withdrawn.
                    None => !record.is_revoked,
                },
            };
            if !is_asked_for {
                self.end_access_in(&name, &record);
            } else if !self.has_grant(&name) {
                self.delete_access(&name);
            }
            let record = SignedName {
                is_revoked: !is_asked_for,
                ..record
            };
            self.write([LedgerWrite::Signed(name, record)]);
        }
    }

    fn has_grant(&self, name: &CommonName) -> bool {
        self.ledger.names.get(name).is_some_and(|claim| {
            let record = self.ledger.clients.get(&claim.holder);
            let grant = record.and_then(|record| record.grant.as_ref());
            !claim.releasing && grant.is_some_and(|grant| grant.common_name == *name)
        })
    }

    fn end_access_in(&mut self, name: &CommonName, record: &SignedName) {
        let holder = self
            .ledger
            .names
            .get(name)
            .map(|claim| claim.holder.clone());
        match holder.filter(|_| self.has_grant(name)) {
            Some(holder) => {
                let before = self
                    .ledger
                    .clients
                    .get(&holder)
                    .cloned()
                    .unwrap_or_default();
                let ended = ClientRecord {
                    grant: None,
                    condition: Some(revoked(name, record).into()),
                    ..before
                };
                self.end_grant_as(&holder, name, ended);
            }
            None => self.delete_access(name),
        }
    }

    /// Claims the names that are asked for, so far ahead as a certificate that is
    /// signed now is valid, and forgets those whose certificates are long over.
    pub(super) fn keep_signed(&mut self) {
        let now = self.observed.now;
        let end = now.plus_seconds(self.observed.options.client_validity_seconds());
        for id in self.observed.clients.signing.keys().copied() {
            let relation = &self.observed.clients.signing[&id];
            let Some(app) = relation.app.clone() else {
                continue;
            };
            let judged = signable(self.observed, self.cluster, &self.ledger, id);
            self.note_unsigned(id, &app, relation, &judged);
            for signable in judged.into_iter().flatten() {
                let name = signable.request.common_name;
                let before = self.ledger.signed.get(&name);
                let known = before.map(|record| record.not_after);
                let needed = match &signable.answer {
                    Some((_, answered)) => *answered,
                    None if known >= Some(end.plus_seconds(-SLACK_SECONDS)) => continue,
                    None => end,
                };
                let record = SignedName {
                    relation: id,
                    app: app.clone(),
                    not_after: known.map_or(needed, |known| known.max(needed)),
                    ended_at: before.and_then(|record| record.ended_at),
                    is_revoked: false,
                };
                self.write([LedgerWrite::Signed(name, record)]);
            }
        }
        self.forget_unsigned();
        if self.observed.clients.scope == Scope::All {
            self.forget_signed(now);
        }
    }

    fn forget_signed(&mut self, now: Timestamp) {
        for (name, record) in self.ledger.signed.clone() {
            let has_ended = record.not_after < now;
            let ended_at = has_ended.then(|| record.ended_at.unwrap_or(now));
            let is_over = kept::is_over(ended_at, now);
            let write = match is_over && record.is_revoked {
                true => LedgerWrite::ForgetSigned(name),
                false => LedgerWrite::Signed(name, SignedName { ended_at, ..record }),
            };
            self.write([write]);
        }
    }

    /// The authority of ours that has signed a certificate, `None` where none has.
    ///
    /// # Errors
    /// One has, and not for this request.
    pub(super) fn issuer(
        &self,
        key: &RequestKey,
        certificate: &ClientCertificate,
    ) -> Result<Option<Fingerprint>, Box<Decision>> {
        let authority = self.observed.machine.client_ca.as_deref();
        let issuer = authority.and_then(|authority| certificate.issuer_among(authority));
        let Some(issuer) = issuer else {
            return Ok(None);
        };
        let name = &certificate.common_name;
        let refused = |reason| Box::new(Decision::Keep(reason));
        match self.ledger.signed.get(name) {
            Some(record) if Some(&record.app) != self.app_of(key) => {
                Err(refused(Reason::ForeignCertificate))
            }
            Some(record) if record.is_revoked => {
                Err(Box::new(Decision::Withdrawn(revoked(name, record))))
            }
            Some(_) => Ok(Some(issuer)),
            None => Err(refused(Reason::UselessCertificate)),
        }
    }
}
