//! Secrets that nobody needs any more.

use std::collections::BTreeSet;

use super::DepartedRequest;
use crate::facts::observed::Observed;
use crate::facts::{Cluster, Databag, SecretUri};
use crate::relation::{self, ETCD_CLIENT, SecretGroup};

/// The requests that are gone. The key for encryption is the relation's, so it
/// goes with the first request of a relation that is gone itself: whoever takes
/// back a request and asks again still has that key.
pub(super) fn departed_requests(observed: &Observed, cluster: &Cluster) -> Vec<DepartedRequest> {
    let mut gone = BTreeSet::new();
    cluster
        .ledger
        .clients
        .entries()
        .filter(|entry| entry.view().departed)
        .map(|entry| {
            let key = entry.key();
            let mut groups = vec![SecretGroup::User, SecretGroup::Tls];
            let is_gone = !observed.clients.relations.contains_key(&key.relation);
            if is_gone && gone.insert(key.relation) {
                groups.push(SecretGroup::Encryption);
            }
            let label = |group| relation::secret_label(ETCD_CLIENT, key, group);
            DepartedRequest {
                key: key.clone(),
                labels: groups.into_iter().map(label).collect(),
            }
        })
        .collect()
}

/// Every secret of ours that this databag names.
pub(super) fn all_secrets(own: &Databag) -> Vec<SecretUri> {
    let of_answers = relation::read_own(own)
        .into_values()
        .flat_map(|answer| [answer.secret_user, answer.secret_tls])
        .flatten();
    let encryption = own
        .get(relation::ENCRYPTION_SECRET)
        .and_then(|uri| uri.parse().ok());
    of_answers.chain(encryption).collect()
}
