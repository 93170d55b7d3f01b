//! What is inside the secrets of the relation, and what they are called.

use std::collections::{BTreeMap, BTreeSet};

use super::Dialect;
use crate::model::{CommonName, Endpoint, RequestKey, Secret};

/// The key of a certificate, in the requirer's secret as in its databag. The
/// value is PEM: the client's own certificate first, others may follow.
pub const CERTIFICATE: &str = "mtls-cert";

/// The key of the databag under which a provider publishes the URI of the secret
/// with its encryption key, and a requirer says that it has taken it over.
pub const ENCRYPTION_SECRET: &str = "encryption-secret";

/// Which of our secrets: requirers find a value only in the secret that the
/// libraries group it with (`SECRET_LABEL_MAP`).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SecretGroup {
    /// The key that a requirer in another model encrypts its certificate with.
    /// There is one for a relation.
    Encryption,
    /// The server's certificate authority.
    Tls,
    /// The user's name and where to use it.
    User,
}

/// The label by which we find one of our secrets again, as the libraries form
/// it: `etcd-client.5.user.secret`, or with a request's id after the relation.
pub fn secret_label(endpoint: Endpoint, key: &RequestKey, group: SecretGroup) -> String {
    let RequestKey { relation, request } = key;
    match (group, request) {
        (SecretGroup::Encryption, _) => format!("{endpoint}.{relation}.encryption.secret"),
        (group, None) => format!("{endpoint}.{relation}.{}.secret", group.name()),
        (group, Some(request)) => {
            format!("{endpoint}.{relation}.{request}.{}.secret", group.name())
        }
    }
}

impl SecretGroup {
    fn name(self) -> &'static str {
        match self {
            Self::Encryption => "encryption",
            Self::Tls => "tls",
            Self::User => "user",
        }
    }
}

/// The secret with the user's name and the endpoints (`ip:port`, in any order)
/// as URIs. There is no password: the certificate is what logs in.
pub fn user_secret(
    common_name: &CommonName,
    endpoints: &[String],
) -> BTreeMap<String, Secret<String>> {
    content([
        ("uris", joined("https://", endpoints)),
        ("username", common_name.to_string()),
    ])
}

/// The secret with the server's certificate authority, as PEM. That TLS is on is
/// said in the words of each dialect: version 1 reads JSON, which Python's
/// `True` is not, and version 0 is told what its own provider tells it.
pub fn tls_secret(dialect: Dialect, tls_ca: &str) -> BTreeMap<String, Secret<String>> {
    let tls = match dialect {
        Dialect::V0 => "True",
        Dialect::V1 => "true",
    };
    content([("tls", tls.to_owned()), ("tls-ca", tls_ca.to_owned())])
}

/// The secret with the key from [`super::fernet::new_key`].
pub fn encryption_secret(key: &Secret<String>) -> BTreeMap<String, Secret<String>> {
    content([("encryption-key", key.expose().clone())])
}

/// Endpoints as one text: sorted, so that the same set is the same text.
pub(super) fn joined(scheme: &str, endpoints: &[String]) -> String {
    let endpoints: BTreeSet<_> = endpoints
        .iter()
        .map(|endpoint| format!("{scheme}{endpoint}"))
        .collect();
    Vec::from_iter(endpoints).join(",")
}

fn content<const N: usize>(values: [(&str, String); N]) -> BTreeMap<String, Secret<String>> {
    values
        .map(|(key, value)| (key.to_owned(), Secret::new(value)))
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RelationId;

    #[test]
    fn labels_tell_relations_requests_and_groups_apart() {
        let label = |relation, request: Option<&str>, group| {
            let key = RequestKey {
                relation: RelationId(relation),
                request: request.map(|id| id.parse().expect("an id")),
            };
            secret_label(Endpoint("etcd-client"), &key, group)
        };
        let id = Some("0b047bb88ba93a70");
        for (label, expected) in [
            (
                label(5, None, SecretGroup::User),
                "etcd-client.5.user.secret",
            ),
            (label(5, None, SecretGroup::Tls), "etcd-client.5.tls.secret"),
            (
                label(50, id, SecretGroup::Tls),
                "etcd-client.50.0b047bb88ba93a70.tls.secret",
            ),
            (
                label(5, id, SecretGroup::Encryption),
                "etcd-client.5.encryption.secret",
            ),
            // An id that looks like a group is no other label's.
            (
                label(5, Some("user"), SecretGroup::User),
                "etcd-client.5.user.user.secret",
            ),
        ] {
            assert_eq!(label, expected);
        }
    }

    #[test]
    fn the_key_is_shown_to_nobody() {
        let content = encryption_secret(&Secret::new("hunter2".to_owned()));
        assert!(!format!("{content:?}").contains("hunter2"));
        assert_eq!(content["encryption-key"].expose(), "hunter2");
    }
}
