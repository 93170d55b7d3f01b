//! What others may read: answers to clients, what units tell each other, the
//! version. Only what is true by now is published, and an answer only whole.

mod answers;
mod endpoints;
mod legacy;
mod peers;
mod request;
mod signing;
mod stale_secrets;
#[cfg(test)]
mod tests;
mod transfer;

use super::serving::trust;
use crate::facts::authorities::Authorities;
use crate::facts::observed::{Observed, Pass};
use crate::facts::{Cluster, LedgerWrite, Relation, RequestKey, SecretUri};
use crate::plan::digest::hex;
use crate::relation;
pub use crate::relation::peer::Changes;
pub use answers::{PlannedAnswer, PlannedSecret, RelationPublication};
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
    pub makes_authorities: bool,
    /// Writes to the ledger that must stand before anything is published.
    pub ledger: Vec<LedgerWrite>,
    /// Answers, one for each relation in scope that is not as it should be.
    pub relations: Vec<RelationPublication>,
    /// Secrets of ours for relations that are gone. One that stays behind is found by
    /// its label later.
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

impl Publication {
    /// Whether it cannot be carried out without the keys of the authorities that
    /// there are.
    pub fn needs_authorities(&self) -> bool {
        let signs = |publication: &SigningPublication| !publication.to_sign.is_empty();
        self.makes_client_authority || self.signing.iter().any(signs)
    }
}

/// A request that is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DepartedRequest {
    /// The request.
    pub key: RequestKey,
    /// The labels of the secrets that may be left of it.
    pub labels: Vec<String>,
}

/// What can be published while this unit still waits for something.
pub fn while_waiting(observed: &Observed) -> Publication {
    let Some(peers) = observed.peers.read() else {
        return Publication::default();
    };
    Publication {
        makes_authorities: observed.leader
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
    let mut publication = match observed.peers.read() {
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
        if relation.asked.is_ok() && !relation.is_ending {
            answers::publish(&mut publication, observed, cluster, *id, relation);
        }
    }
    for own in observed.clients.broken.values() {
        publication.obsolete_secrets.extend(all_secrets(own));
    }
    publication
}
