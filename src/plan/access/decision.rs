//! What each request amounts to, before anybody else's is looked at.

use std::collections::BTreeSet;

use super::Planner;
use crate::facts::observed::{Certificate, Observed, request_key};
use crate::facts::{Grant, Ledger, Reason, RelationId, RequestKey, SecretId};
use crate::plan::sharing::{is_answered, may_share};
use crate::relation::{Asked, Entry, OfferedCertificate};
use crate::tls::ClientCertificate;

/// What a request amounts to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    /// It is there no more.
    Gone,
    /// It names no certificate (any more), so it has no access.
    Withdrawn(Reason),
    /// What it asks now is not in force; what it had stays.
    Keep(Reason),
    /// This is what it should have, if nobody else stands against it.
    Grant(Grant),
}

/// All requests in scope: those asked for and those on record.
pub(super) fn requests(observed: &Observed, ledger: &Ledger) -> BTreeSet<RequestKey> {
    let on_record = ledger.clients.entries();
    let on_record = on_record
        .filter(|entry| observed.clients.scope.contains(entry.relation()))
        .map(|entry| entry.key().clone());
    let asked = observed
        .clients
        .relations
        .iter()
        .flat_map(|(id, relation)| {
            let keys: Vec<_> = match &relation.asked {
                Ok(Some(asked)) => {
                    let named = asked.requests.iter().map(|entry| request_key(*id, entry));
                    let nameless = (!asked.unnamed.is_empty()).then(|| whole(*id));
                    named.chain(nameless).collect()
                }
                Ok(None) => Vec::new(),
                Err(_) => vec![whole(*id)],
            };
            keys
        });
    on_record.chain(asked).collect()
}

/// Under which key a reason is kept that concerns a relation as a whole: that
/// of the only request of version 0, which no request of version 1 can have.
fn whole(relation: RelationId) -> RequestKey {
    RequestKey {
        relation,
        request: None,
    }
}

/// Why some entries of a version 1 list cannot even be named, if so.
fn unnamed(asked: &Asked) -> Option<Reason> {
    let first = asked.unnamed.first()?;
    Some(Reason::Unnamed {
        position: first.position,
        refusal: first.refusal.clone(),
    })
}

/// The certificates of all requests in scope that are good.
pub fn certificates(observed: &Observed) -> impl Iterator<Item = ClientCertificate> {
    observed
        .clients
        .relations
        .values()
        .flat_map(|relation| relation.certificates.values())
        .filter_map(|certificate| match certificate {
            Certificate::Text(text) => ClientCertificate::check(text.as_bytes(), observed.now).ok(),
            Certificate::Absent | Certificate::Unreadable(_) => None,
        })
}

/// The requirer's secret that a request points to.
pub(super) fn secret_of(observed: &Observed, key: &RequestKey) -> Option<SecretId> {
    match &entry(observed, key)?.outcome.as_ref().ok()?.certificate {
        OfferedCertificate::Secret(uri) => Some(uri.id().clone()),
        _ => None,
    }
}

impl Planner<'_, '_> {
    pub(super) fn decision(&self, key: &RequestKey) -> Decision {
        let decision = self.wanted(key);
        let relation = self.observed.clients.relations.get(&key.relation);
        let needs_secrets = relation.is_some_and(|relation| !is_answered(relation, key));
        match (decision, may_share(self.observed, key.relation)) {
            // Nobody could tell it what it was granted.
            (Decision::Grant(_), Err(reason)) if needs_secrets => Decision::Keep(reason),
            (Decision::Withdrawn(_), Err(reason)) if needs_secrets => Decision::Withdrawn(reason),
            (decision, _) => decision,
        }
    }

    fn wanted(&self, key: &RequestKey) -> Decision {
        let Some(relation) = self.observed.clients.relations.get(&key.relation) else {
            return Decision::Gone;
        };
        if let Err(reason) = &relation.asked {
            return Decision::Keep(reason.clone());
        }
        let Some(entry) = entry(self.observed, key) else {
            let asked = relation.asked.as_ref().ok().and_then(Option::as_ref);
            return match asked.and_then(unnamed) {
                Some(reason) if key.request.is_none() => Decision::Keep(reason),
                _ => Decision::Gone,
            };
        };
        let request = match &entry.outcome {
            Ok(request) => request,
            Err(refusal) => return Decision::Keep(Reason::Request(refusal.clone())),
        };
        let text = match relation.certificates.get(key) {
            Some(Certificate::Text(text)) => text,
            Some(Certificate::Unreadable(fault)) => {
                return Decision::Keep(Reason::UnreadableCertificate(*fault));
            }
            Some(Certificate::Absent) | None => {
                return Decision::Withdrawn(Reason::NoCertificate);
            }
        };
        match ClientCertificate::check(text.as_bytes(), self.observed.now) {
            Err(refusal) => Decision::Keep(Reason::Certificate(refusal)),
            Ok(certificate) => match self.issuer(key, &certificate) {
                Err(decision) => *decision,
                Ok(issuer) => Decision::Grant(Grant {
                    issuer,
                    common_name: certificate.common_name,
                    prefix: request.resource.clone(),
                    certificate: certificate.pem,
                    fingerprint: certificate.fingerprint,
                    not_after: certificate.not_after,
                    granted_at: self.observed.now,
                }),
            },
        }
    }
}

fn entry<'o>(observed: &'o Observed, key: &RequestKey) -> Option<&'o Entry> {
    let relation = observed.clients.relations.get(&key.relation)?;
    let asked = relation.asked.as_ref().ok()?.as_ref()?;
    asked
        .requests
        .iter()
        .find(|entry| entry.request == key.request)
}
