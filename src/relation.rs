//! Codecs of the relations with clients: from databags to the vocabulary and
//! back. There is no input or output in here, and no decision.
//!
//! The wire of `etcd_client` is that of all data relations, see
//! [`data_interfaces`]; what is etcd's own stands here: that a resource is a
//! prefix, and what is in the secrets.

pub mod authorities;
pub mod legacy;
pub mod peer;

use std::collections::BTreeMap;

pub use data_interfaces::provider::{
    Correlation, OfferedCertificate, PublishedResponse, RelationRefusal, Response, write,
};
pub use data_interfaces::{
    CERTIFICATE, Dialect, ENCRYPTION_KEY, ENCRYPTION_SECRET, SecretGroup, encryption_secret,
    fernet, secret_label,
};
use data_interfaces::{Interface, UserSecret, provider};

use crate::facts::{CommonName, Databag, Endpoint, Prefix, PrefixRefusal, RequestId, Secret};

/// The endpoint over which applications ask for access.
pub const ETCD_CLIENT: Endpoint = Endpoint("etcd-client");

/// The endpoint over which applications ask for certificates.
pub const CERTIFICATES: Endpoint = Endpoint("certificates");

/// The endpoint over which members are given what they show to clients.
pub const CLIENT_CERTIFICATES: Endpoint = Endpoint("client-certificates");

/// The endpoint over which applications are told whom to trust.
pub const SEND_CA_CERT: Endpoint = Endpoint("send-ca-cert");

/// The endpoint that binds the units of this application together.
pub const CLUSTER: Endpoint = Endpoint("cluster");

/// What the charm provides.
const INTERFACE: Interface = Interface::ETCD_CLIENT;

/// What a requirer asks for.
pub type Asked = provider::Requests<Prefix>;
/// One request of it that can be named.
pub type Entry = provider::Entry<Prefix>;
/// A request, well formed.
pub type Request = provider::Request<Prefix>;
/// Why one request is refused.
pub type RequestRefusal = provider::RequestRefusal<PrefixRefusal>;

/// Reads the databag of a requirer's application; see [`provider::read`].
///
/// # Errors
/// The requirer is at fault, and nothing that it asks can be told.
pub fn read(bag: &Databag) -> Result<Option<Asked>, RelationRefusal> {
    provider::read(&INTERFACE, bag)
}

/// What changes our databag from `own` to `wanted`; see [`provider::changes`].
pub fn changes(own: &Databag, wanted: &Databag) -> BTreeMap<String, Option<String>> {
    provider::changes(&INTERFACE, own, wanted)
}

/// The answers in our own databag, by request; see [`provider::read_published`].
pub fn read_own(bag: &Databag) -> BTreeMap<Option<RequestId>, PublishedResponse> {
    provider::read_published(&INTERFACE, bag)
}

/// The secret with the user's name and the endpoints (`ip:port`, in any order)
/// as URIs. There is no password: the certificate is what logs in.
pub fn user_secret(
    common_name: &CommonName,
    endpoints: &[String],
) -> BTreeMap<String, Secret<String>> {
    let secret = UserSecret {
        username: common_name.as_str(),
        password: None,
        uris: Some(UserSecret::uris("https", endpoints)),
    };
    secret.content()
}

/// The secret with the servers' certificate authority, as PEM.
pub fn tls_secret(dialect: Dialect, tls_ca: &str) -> BTreeMap<String, Secret<String>> {
    data_interfaces::tls_secret(&INTERFACE, dialect, Some(tls_ca))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_19_a_prefix_is_passed_on_byte_for_byte() {
        for (text, range_end) in [
            ("/test", "/tesu"),
            ("/test/", "/test0"),
            ("123", "124"),
            ("true", "truf"),
            ("-x/", "-x0"),
            ("ü", "ý"),
        ] {
            let requests = serde_json::json!([{"resource": text, "salt": "s"}]).to_string();
            let v1 = [("requests", requests.as_str()), ("version", "v1")];
            for bag in [&[("prefix", text)][..], &v1] {
                let bag = bag
                    .iter()
                    .map(|(key, value)| ((*key).into(), (*value).into()));
                let asked = read(&bag.collect()).expect("well formed").expect("it asks");
                let request = asked.requests[0].outcome.as_ref().expect("well formed");
                assert_eq!(request.resource.range().key, text.as_bytes());
                assert_eq!(request.resource.range().range_end, range_end.as_bytes());
            }
        }
    }

    #[test]
    fn a_prefix_that_cannot_be_granted_is_refused() {
        let entries = r#"[{"resource": ""}, {"resource": "\u0000etcd"}]"#;
        let bag = [("requests", entries), ("version", "v1")];
        let asked = read(&bag.map(|(key, value)| (key.into(), value.into())).into());
        let asked = asked.expect("well formed").expect("it asks");
        let refusals = asked.requests.iter().map(|entry| match &entry.outcome {
            Ok(_) => panic!("it is refused"),
            Err(refusal) => refusal.to_string(),
        });
        assert_eq!(
            refusals.collect::<Vec<_>>(),
            [
                "the prefix is empty",
                "the prefix reaches keys that are reserved for the charm"
            ]
        );
    }
}
