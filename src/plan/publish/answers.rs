//! Answers to clients: which secrets and endpoints each request is told of.

use std::collections::{BTreeMap, BTreeSet};

use super::{Changes, Publication, endpoints};
use crate::facts::observed::{ClientRelation, Observed, request_key};
use crate::facts::{
    ClientRecord, Cluster, Databag, LedgerWrite, RelationId, RequestKey, Secret, SecretUri,
};
use crate::plan::digest::content_digest;
use crate::plan::sharing::{is_answered, may_share, needs_encryption_key};
use crate::relation::{
    self, Asked, Correlation, ETCD_CLIENT, Entry, PublishedResponse, SecretGroup,
};

/// What one relation is told.
#[derive(Clone, Debug)]
pub struct RelationPublication {
    /// The relation.
    pub relation: RelationId,
    /// In which dialect it asked, and what.
    pub asked: Option<Asked>,
    /// What our databag holds now.
    pub own: Databag,
    /// What it should be told.
    pub answers: Vec<PlannedAnswer>,
    /// Secrets of answers that it was told and is not told any more. Our databag is all
    /// that leads to them, so they go before it is changed.
    pub obsolete_secrets: Vec<SecretUri>,
    /// Whether it needs a key to encrypt its certificate with.
    pub makes_encryption_key: bool,
}

/// An answer in which only the URIs of its secrets may still be open.
#[derive(Clone, Debug)]
pub struct PlannedAnswer {
    /// The request that is answered.
    pub key: RequestKey,
    /// What the answer repeats of the request.
    pub correlation: Correlation,
    /// `ip:port` of the members that let this client in, sorted.
    pub endpoints: Vec<String>,
    /// The version of etcd.
    pub version: String,
    /// The secret with the user's name.
    pub user: PlannedSecret,
    /// The secret with the servers' authority.
    pub tls: PlannedSecret,
    /// Tells the contents of both secrets from all others.
    pub digest: String,
    /// No member is ready for this client at the moment: what it was told
    /// stands, contents of secrets included, until one is.
    pub keeps: bool,
    /// The record of the request, to note in it that the contents were seen.
    pub record: ClientRecord,
}

/// A secret of ours as it should be.
#[derive(Clone, Debug)]
pub struct PlannedSecret {
    /// Our label, by which it is found again.
    pub label: String,
    /// All of its content.
    pub content: BTreeMap<String, Secret<String>>,
    /// What an operator reads of it. It tells the content from every other one, so
    /// that we need not read what is ours: whoever has read a secret is told of
    /// each new revision.
    pub description: String,
    /// Its URI, where one was published.
    pub uri: Option<SecretUri>,
    /// Whether a secret of this label may exist without having been published:
    /// a commit that failed half-way leaves that behind.
    pub may_exist: bool,
}

impl PlannedAnswer {
    /// Whether the contents are known to stand as they should.
    pub fn is_verified(&self) -> bool {
        let is_known = self.record.answer.as_deref() == Some(self.digest.as_str());
        self.keeps || (is_known && self.user.uri.is_some() && self.tls.uri.is_some())
    }
}

impl RelationPublication {
    /// Whether all of it stands already, so that there is nothing to do.
    fn is_published(&self) -> bool {
        let is_verified = self.answers.iter().all(PlannedAnswer::is_verified);
        let is_whole = !self.makes_encryption_key && is_verified;
        is_whole && self.changes(&BTreeMap::new()).is_empty()
    }

    /// The changes of our databag, given the URIs of secrets made meanwhile,
    /// by label.
    pub fn changes(&self, made: &BTreeMap<String, SecretUri>) -> Changes {
        let uri = |secret: &PlannedSecret| {
            let known = made.get(&secret.label).or(secret.uri.as_ref());
            known.cloned()
        };
        let answers: Vec<_> = self
            .answers
            .iter()
            .filter_map(|answer| {
                Some(relation::Response {
                    request: answer.key.request.clone(),
                    correlation: answer.correlation.clone(),
                    endpoints: answer.endpoints.clone(),
                    version: answer.version.clone(),
                    secret_user: uri(&answer.user)?,
                    secret_tls: uri(&answer.tls)?,
                    fields: BTreeMap::new(),
                })
            })
            .collect();
        let wanted = match &self.asked {
            Some(asked) => relation::write(asked, &answers),
            None => Databag::new(),
        };
        relation::changes(&self.own, &wanted)
    }
}

/// Adds what this relation is told to what is published, and what it needs no more.
pub(super) fn publish(
    publication: &mut Publication,
    observed: &Observed,
    cluster: &Cluster,
    id: RelationId,
    relation: &ClientRelation,
) {
    let answers = answers(observed, cluster, id, relation);
    let wanted: BTreeSet<_> = answers.iter().map(|answer| &answer.key).collect();
    let mut obsolete_secrets = Vec::new();
    for (request, published) in relation::read_own(&relation.own) {
        let key = RequestKey {
            relation: id,
            request,
        };
        if !wanted.contains(&key) {
            let uris = [published.secret_user, published.secret_tls];
            obsolete_secrets.extend(uris.into_iter().flatten());
        }
    }
    publication.ledger.extend(invalidations(&answers));
    let of_relation = RelationPublication {
        relation: id,
        asked: relation.asked.as_ref().ok().cloned().flatten(),
        own: relation.own.clone(),
        answers,
        obsolete_secrets,
        makes_encryption_key: needs_encryption_key(relation) && may_share(observed, id).is_ok(),
    };
    if !of_relation.is_published() {
        publication.relations.push(of_relation);
    }
}

/// The answers that the requests of this relation should have.
pub(super) fn answers(
    observed: &Observed,
    cluster: &Cluster,
    id: RelationId,
    relation: &ClientRelation,
) -> Vec<PlannedAnswer> {
    let (Some(server_ca), Ok(Some(asked))) = (&observed.clients.server_ca, &relation.asked) else {
        return Vec::new();
    };
    let published = relation::read_own(&relation.own);
    let entries = asked.requests.iter();
    let answers = entries.filter_map(|entry| {
        let key = request_key(id, entry);
        let before = published.get(&key.request);
        if !is_answered(relation, &key) && may_share(observed, id).is_err() {
            return None;
        }
        let tls = relation::tls_secret(asked.dialect, server_ca);
        answer(observed, cluster, key, entry, before, tls)
    });
    answers.collect()
}

/// The answer to one request; `None` while it has no grant, or was never answered and
/// no member is ready for it.
fn answer(
    observed: &Observed,
    cluster: &Cluster,
    key: RequestKey,
    entry: &Entry,
    before: Option<&PublishedResponse>,
    tls: BTreeMap<String, Secret<String>>,
) -> Option<PlannedAnswer> {
    let record = cluster.ledger.clients.get(&key)?;
    let grant = record.grant.as_ref()?;
    // A request that was granted and cannot be read any more keeps its
    // access, so it keeps its answer, too.
    let correlation = match (&entry.outcome, before) {
        (Ok(request), _) => request.correlation.clone(),
        (Err(_), Some(before)) => before.correlation.clone(),
        (Err(_), None) => return None,
    };
    let known = before.map_or(&[][..], |before| &before.endpoints);
    let mut endpoints = endpoints::ready(observed, cluster, grant, known);
    let mut version = cluster.status.version.to_string();
    let keeps = endpoints.is_empty();
    if keeps {
        // No member is ready at this moment. What was true stays; what was
        // never answered waits.
        let before = before.filter(|before| !before.endpoints.is_empty())?;
        endpoints = before.endpoints.clone();
        version = before.version.clone().unwrap_or(version);
    }
    let is_fresh = observed.clients.fresh.contains(&key);
    let secret = |group, content, uri| PlannedSecret {
        label: relation::secret_label(ETCD_CLIENT, &key, group),
        description: described(key.relation, &content),
        content,
        uri,
        may_exist: !is_fresh,
    };
    let user = secret(
        SecretGroup::User,
        relation::user_secret(&grant.common_name, &endpoints),
        before.and_then(|before| before.secret_user.clone()),
    );
    let tls = secret(
        SecretGroup::Tls,
        tls,
        before.and_then(|before| before.secret_tls.clone()),
    );
    Some(PlannedAnswer {
        digest: content_digest(user.content.iter().chain(&tls.content)),
        correlation,
        endpoints,
        version,
        keeps,
        user,
        tls,
        record: record.clone(),
        key,
    })
}

/// Names of users, addresses and an authority: nothing that its digest gives away.
fn described(relation: RelationId, content: &BTreeMap<String, Secret<String>>) -> String {
    let digest = content_digest(content.iter());
    format!("Content {digest} for access to etcd over {ETCD_CLIENT}:{relation}")
}

/// Contents that are about to change are forgotten first, so that the ledger
/// never says that something stands which a later hook has replaced.
fn invalidations(answers: &[PlannedAnswer]) -> Vec<LedgerWrite> {
    answers
        .iter()
        .filter(|answer| answer.record.answer.is_some() && !answer.is_verified())
        .map(|answer| {
            let record = ClientRecord {
                answer: None,
                ..answer.record.clone()
            };
            LedgerWrite::Record(answer.key.clone(), record)
        })
        .collect()
}
