//! What others may read: answers to clients, what units tell each other, the
//! version. Only what is true by now is published, and an answer only whole.

mod endpoints;
mod legacy;
mod peers;
mod request;
mod signing;
mod stale_secrets;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};

use super::serving::trust;
use super::sharing::{is_answered, may_share, needs_encryption_key};
use crate::facts::authorities::Authorities;
use crate::facts::observed::{ClientRelation, Observed, Pass, request_key};
use crate::facts::{
    ClientRecord, Cluster, Databag, LedgerWrite, Relation, RelationId, RequestKey, Secret,
    SecretUri,
};
use crate::plan::digest::{content_digest, hex};
pub use crate::relation::peer::Changes;
use crate::relation::{self, Asked, Correlation, ETCD_CLIENT, SecretGroup};
pub use legacy::{EndedIdentities, LegacyPublication};
use peers::{app_changes, forgotten_members, trust_digest, unit_changes};
use request::request;
pub use signing::{SigningPublication, ToSign};
use stale_secrets::{all_secrets, departed_requests};
pub use transfer::TransferPublication;

/// Everything that one hook publishes.
#[derive(Clone, Debug, Default)]
pub struct Publication {
    /// Whether to make the authorities and name the unit that bootstraps the
    /// cluster, the leader's first deed.
    pub founds: bool,
    /// Writes to the ledger that must stand before anything is published.
    pub ledger: Vec<LedgerWrite>,
    /// Answers, one for each relation in scope that is not as it should be.
    pub relations: Vec<RelationPublication>,
    /// Secrets of ours that nobody needs any more.
    pub obsolete_secrets: Vec<SecretUri>,
    /// Requests that are gone: their secrets are looked for by label, and once
    /// none is left the record is forgotten.
    pub departed: Vec<DepartedRequest>,
    /// Answers on the legacy interfaces, which every unit gives for itself.
    pub legacy: Vec<LegacyPublication>,
    /// Identities of relations that are gone.
    pub ended: Vec<EndedIdentities>,
    /// Changes of what the leader tells all units.
    pub peer_app: Changes,
    /// Changes of what this unit tells the others.
    pub peer_unit: Changes,
    /// The authorities of this application, where they are to be replaced.
    pub authorities: Option<Authorities>,
    /// Whether to make the authority of clients, which an application of an earlier
    /// revision does not have.
    pub makes_client_authority: bool,
    /// Certificates that were asked for, one for each relation in scope that is not
    /// as it should be.
    pub signing: Vec<SigningPublication>,
    /// Whom to trust, one for each relation that is not told.
    pub transfers: Vec<TransferPublication>,
    /// What this unit asks a provider for, where its databag does not say it.
    pub request: Option<(Relation, String)>,
    /// The version of etcd, for `juju status`. Every unit says it again and again:
    /// Juju shows what was said last, which is nothing after a unit was added.
    pub version: Option<String>,
}

/// A request that is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DepartedRequest {
    /// The request.
    pub key: RequestKey,
    /// The labels of the secrets that may be left of it.
    pub labels: Vec<String>,
}

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

/// What can be published while this unit still waits for something.
pub fn while_waiting(observed: &Observed) -> Publication {
    let Some(peers) = &observed.peers else {
        return Publication::default();
    };
    Publication {
        founds: observed.leader
            && observed.machine.authorities.is_none()
            && peers.app.authorities_secret.is_none(),
        peer_unit: unit_changes(observed, peers),
        request: request(observed),
        ..Publication::default()
    }
}

/// What the leader tells the other units where rights were taken away and it
/// cannot be written down that all of them were.
pub fn unsettled(observed: &Observed) -> Publication {
    Publication {
        peer_app: peers::unsettled(observed),
        ..Publication::default()
    }
}

/// What is to be published now that all stages before are at rest.
pub fn plan(observed: &Observed, cluster: &Cluster) -> Publication {
    let mut publication = match &observed.peers {
        Some(peers) => Publication {
            peer_unit: unit_changes(observed, peers)
                .into_iter()
                .chain(trust::confirmation(observed, peers))
                .collect(),
            request: request(observed),
            ..Publication::default()
        },
        None => Publication::default(),
    };
    if observed.restarted && cluster.members.len() > 1 {
        // The others wait for their turn, and the leader for our endpoint.
        let loaded = observed.machine.loaded_leaves.as_ref();
        publication
            .peer_unit
            .extend([relation::peer::trust_change(loaded.map(trust_digest))]);
    }
    publication.legacy = legacy::publications(observed, cluster);
    publication.transfers = transfer::publications(observed);
    if observed.pass == Pass::Full {
        publication.version = Some(cluster.status.version.to_string());
    }
    if !observed.leader {
        return publication;
    }
    publication.ended = legacy::ended(observed, cluster);
    if observed.pass == Pass::Full {
        publication.departed = departed_requests(observed, cluster);
        publication.ledger = forgotten_members(cluster);
        publication.authorities = super::authorities::next(observed, cluster);
        let stored = observed.machine.authorities.as_ref();
        publication.makes_client_authority = publication.authorities.is_none()
            && stored.is_some_and(|stored| stored.client.is_none())
            // Members restart for it, so an upgrade of the charm alone makes none.
            && !observed.clients.signing.is_empty();
    }
    let authorities = publication.authorities.as_ref();
    let authorities = authorities.or(observed.machine.authorities.as_ref());
    publication.peer_app = app_changes(observed, cluster, authorities);
    publication.signing = signing::publications(observed, cluster);
    for (id, relation) in &observed.clients.relations {
        // What cannot be read says nothing about what was granted before, so
        // the client keeps its answer as it keeps its access; and who may be
        // leaving needs no other.
        if relation.asked.is_err() || relation.is_ending {
            continue;
        }
        let answered = answers(observed, cluster, *id, relation);
        let wanted: BTreeSet<_> = answered.iter().map(|answer| &answer.key).collect();
        for (request, published) in relation::read_own(&relation.own) {
            let key = RequestKey {
                relation: *id,
                request,
            };
            if !wanted.contains(&key) {
                let uris = [published.secret_user, published.secret_tls];
                publication
                    .obsolete_secrets
                    .extend(uris.into_iter().flatten());
            }
        }
        publication.ledger.extend(invalidations(&answered));
        let publication_of_relation = RelationPublication {
            relation: *id,
            asked: relation.asked.as_ref().ok().cloned().flatten(),
            own: relation.own.clone(),
            answers: answered,
            makes_encryption_key: needs_encryption_key(relation)
                && may_share(observed, *id).is_ok(),
        };
        if !publication_of_relation.is_published() {
            publication.relations.push(publication_of_relation);
        }
    }
    for own in observed.clients.broken.values() {
        publication.obsolete_secrets.extend(all_secrets(own));
    }
    publication
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

fn answers(
    observed: &Observed,
    cluster: &Cluster,
    id: RelationId,
    relation: &ClientRelation,
) -> Vec<PlannedAnswer> {
    let Some(server_ca) = &observed.clients.server_ca else {
        return Vec::new();
    };
    let Ok(Some(asked)) = &relation.asked else {
        return Vec::new();
    };
    let published = relation::read_own(&relation.own);
    let mut answers = Vec::new();
    for entry in &asked.requests {
        let key = request_key(id, entry);
        let Some(record) = cluster.ledger.clients.get(&key) else {
            continue;
        };
        let Some(grant) = &record.grant else {
            continue;
        };
        let before = published.get(&key.request);
        if !is_answered(relation, &key) && may_share(observed, id).is_err() {
            continue;
        }
        // A request that was granted and cannot be read any more keeps its
        // access, so it keeps its answer, too.
        let correlation = match (&entry.outcome, before) {
            (Ok(request), _) => request.correlation.clone(),
            (Err(_), Some(before)) => before.correlation.clone(),
            (Err(_), None) => continue,
        };
        let known = before.map_or(&[][..], |before| &before.endpoints);
        let mut endpoints = endpoints::ready(observed, cluster, grant, known);
        let mut version = cluster.status.version.to_string();
        let keeps = endpoints.is_empty();
        if keeps {
            // No member is ready at this moment. What was true stays; what was
            // never answered waits.
            match before {
                Some(before) if !before.endpoints.is_empty() => {
                    endpoints = before.endpoints.clone();
                    version = before.version.clone().unwrap_or(version);
                }
                _ => continue,
            }
        }
        let is_fresh = observed.clients.fresh.contains(&key);
        let secret = |group, content, uri| PlannedSecret {
            label: relation::secret_label(ETCD_CLIENT, &key, group),
            description: described(id, &content),
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
            relation::tls_secret(asked.dialect, server_ca),
            before.and_then(|before| before.secret_tls.clone()),
        );
        answers.push(PlannedAnswer {
            digest: content_digest(user.content.iter().chain(&tls.content)),
            correlation,
            endpoints,
            version,
            keeps,
            user,
            tls,
            record: record.clone(),
            key,
        });
    }
    answers
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
