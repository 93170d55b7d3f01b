//! What relations of the legacy interfaces are told, and what remains of those
//! that are gone.

use std::collections::BTreeMap;

use crate::facts::observed::Observed;
use crate::facts::{Cluster, CommonName, IssuedState, Purpose, Relation};
use crate::plan::access::identity_in_use;
use crate::relation::legacy::{self, LegacyBag, Offer};

/// Changes of this unit's databag in one relation; no value of it is shown.
#[derive(Clone, Debug)]
pub struct LegacyPublication {
    /// The relation.
    pub relation: Relation,
    /// Values to set.
    pub changes: LegacyBag,
}

/// The identities of a relation that is gone. Their secret is looked for by
/// label, and once it is gone they are forgotten.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EndedIdentities {
    /// The label of the secret that may be left.
    pub label: String,
    /// The names to be forgotten.
    pub names: Vec<CommonName>,
}

/// What this unit has to write: an answer only whole, and none before its
/// identity is in force.
pub(super) fn publications(observed: &Observed, cluster: &Cluster) -> Vec<LegacyPublication> {
    let Some(server_ca) = &observed.clients.server_ca else {
        return Vec::new();
    };
    let mut publications = Vec::new();
    for (id, relation) in &observed.clients.legacy {
        let (Some(own), Some(held)) = (&relation.own, &relation.held) else {
            continue;
        };
        if identity_in_use(&cluster.ledger, *id, relation).is_none() {
            continue;
        }
        let offer = Offer {
            certificate: &held.certificate,
            key: &held.key,
            server_ca,
            members: &cluster.members,
            version: &cluster.status.version,
        };
        let changes = legacy::differences(own, legacy::offer(relation.interface, &offer));
        if !changes.is_empty() {
            publications.push(LegacyPublication {
                relation: Relation {
                    endpoint: relation.interface.endpoint(),
                    id: *id,
                },
                changes,
            });
        }
    }
    publications
}

/// What remains of relations in scope that are gone.
pub(super) fn ended(observed: &Observed, cluster: &Cluster) -> Vec<EndedIdentities> {
    let mut ended: BTreeMap<String, Vec<CommonName>> = BTreeMap::new();
    for (name, record) in &cluster.ledger.issued {
        let Purpose::Relation(interface, id) = record.purpose else {
            continue;
        };
        let is_gone = observed.clients.scope.contains(id)
            && !observed.clients.legacy.contains_key(&id)
            && record.state == IssuedState::Revoked;
        if is_gone {
            let label = legacy::identity_label(interface, id);
            ended.entry(label).or_default().push(name.clone());
        }
    }
    ended
        .into_iter()
        .map(|(label, names)| EndedIdentities { label, names })
        .collect()
}
