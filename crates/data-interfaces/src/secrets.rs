//! What is inside the secrets of a relation, and what they are called.

use std::collections::{BTreeMap, BTreeSet};

use juju_hooks::Endpoint;
use secret_value::Secret;

use crate::{Dialect, Interface, RequestKey};

/// The key of a certificate, in the requirer's secret as in its databag. The
/// value is PEM: the client's own certificate first, others may follow.
pub const CERTIFICATE: &str = "mtls-cert";

/// The key of the databag under which a provider publishes the URI of the secret
/// with its encryption key, and a requirer says that it has taken it over.
pub const ENCRYPTION_SECRET: &str = "encryption-secret";

/// The key of that secret under which the encryption key is.
pub const ENCRYPTION_KEY: &str = "encryption-key";

/// Which of the secrets of a relation: the libraries find a value only in the
/// secret that they group it with (`SECRET_LABEL_MAP`).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SecretGroup {
    /// The provider's: the key that a requirer in another model encrypts its
    /// certificate with. There is one for a relation.
    Encryption,
    /// The requirer's, which it shares with nobody: the certificate of its client
    /// and the key.
    Identity,
    /// The requirer's: its client's certificate.
    Mtls,
    /// The provider's: what a client needs for TLS.
    Tls,
    /// The provider's: the user, and where to use it.
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
            Self::Identity => "identity",
            Self::Mtls => "mtls",
            Self::Tls => "tls",
            Self::User => "user",
        }
    }
}

/// What is in the secret with the user.
#[derive(Clone, Debug)]
pub struct UserSecret<'u> {
    /// The user's name.
    pub username: &'u str,
    /// Its password; `None` where a certificate is what logs in.
    pub password: Option<&'u Secret<String>>,
    /// The endpoints as URIs, where the interface has them.
    pub uris: Option<String>,
}

impl UserSecret<'_> {
    /// Endpoints (`host:port`, in any order) as URIs of this scheme.
    pub fn uris(scheme: &str, endpoints: &[String]) -> String {
        joined(&format!("{scheme}://"), endpoints)
    }

    /// The content of the secret.
    pub fn content(self) -> BTreeMap<String, Secret<String>> {
        let mut values = vec![("username", self.username.to_owned())];
        values.extend(self.uris.map(|uris| ("uris", uris)));
        let password = self.password.map(|password| password.expose().clone());
        values.extend(password.map(|password| ("password", password)));
        content(values)
    }
}

/// The secret with what a client needs for TLS: the authority of the servers'
/// certificates as PEM, or `None` where TLS is off. That is said in the words of
/// each dialect: version 1 reads JSON, which Python's `True` is not, and version 0
/// is told what its own provider tells it.
pub fn tls_secret(
    interface: &Interface,
    dialect: Dialect,
    tls_ca: Option<&str>,
) -> BTreeMap<String, Secret<String>> {
    let [off, on] = match dialect {
        Dialect::V0 => interface.v0_tls,
        Dialect::V1 => ["false", "true"],
    };
    match tls_ca {
        None => content([("tls", off.to_owned())]),
        Some(tls_ca) => content([("tls", on.to_owned()), ("tls-ca", tls_ca.to_owned())]),
    }
}

/// The secret with a key from [`crate::fernet::new_key`].
pub fn encryption_secret(key: &Secret<String>) -> BTreeMap<String, Secret<String>> {
    content([(ENCRYPTION_KEY, key.expose().clone())])
}

/// Endpoints as one text: sorted, so that the same set is the same text.
pub(crate) fn joined(scheme: &str, endpoints: &[String]) -> String {
    let endpoints: BTreeSet<_> = endpoints
        .iter()
        .map(|endpoint| format!("{scheme}{endpoint}"))
        .collect();
    Vec::from_iter(endpoints).join(",")
}

fn content<'k>(
    values: impl IntoIterator<Item = (&'k str, String)>,
) -> BTreeMap<String, Secret<String>> {
    values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), Secret::new(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use juju_hooks::RelationId;

    use super::*;

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
