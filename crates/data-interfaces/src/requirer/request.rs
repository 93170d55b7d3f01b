//! What a requirer writes.

use std::collections::BTreeMap;

use juju_hooks::{Databag, ModelUuid, Relation};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    CERTIFICATE, Dialect, ENCRYPTION_SECRET, Interface, OfferedCertificate, RequestId, filled,
    request_id,
};

/// The values that version 0 wants in secrets; the libraries send this list
/// whatever the interface has of it.
const REQUESTED_SECRETS: &str = r#"["username", "password", "tls", "tls-ca", "uris", "read-only-uris", "entity-name", "entity-password"]"#;

/// What version 0 gives in secrets itself.
const PROVIDED_SECRETS: &str = r#"["mtls-cert"]"#;

/// The keys of a requirer, besides that of the resource in version 0.
const KEYS: [&str; 7] = [
    ENCRYPTION_SECRET,
    CERTIFICATE,
    "provided-secrets",
    "requested-secrets",
    "requests",
    "secret-mtls",
    "version",
];

/// One request of our own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnRequest {
    /// What is asked for.
    pub resource: String,
    /// What makes the request's id unique in version 1.
    pub salt: String,
    /// The certificate of our client.
    pub certificate: OfferedCertificate,
}

impl OwnRequest {
    /// Its id: none in version 0.
    pub fn id(&self, dialect: Dialect) -> Option<RequestId> {
        match dialect {
            Dialect::V0 => None,
            Dialect::V1 => Some(request_id(&self.resource, &self.salt)),
        }
    }
}

/// The salt of all requests over one relation. The libraries draw it at random and
/// remember it; derived from the relation it needs no memory, and every unit knows
/// the ids of its application's requests though only the leader can read them.
pub fn salt(model: &ModelUuid, relation: Relation) -> String {
    let digest = Sha256::digest(format!("{model}:{relation}"));
    digest[..8].iter().map(|b| format!("{b:02x}")).collect()
}

/// What our application's databag should hold. In version 0 there is one request
/// at most, and the first counts; an empty resource asks for nothing, and equal
/// requests are one. `encryption_secret` is what the provider has published under
/// that key, where a certificate is encrypted with it.
pub fn write(
    interface: &Interface,
    dialect: Dialect,
    requests: &[OwnRequest],
    encryption_secret: Option<&str>,
) -> Databag {
    let mut requests = requests
        .iter()
        .filter(|request| !request.resource.is_empty());
    let entries = match dialect {
        Dialect::V0 => requests.next().map(|request| write_v0(interface, request)),
        Dialect::V1 => {
            let by_id: BTreeMap<_, _> = requests
                .map(|request| (request.id(dialect), request))
                .collect();
            (!by_id.is_empty()).then(|| write_v1(&by_id))
        }
    };
    let Some(entries) = entries else {
        return Databag::new();
    };
    entries
        .into_iter()
        .chain(encryption_secret.map(|uri| (ENCRYPTION_SECRET, uri.to_owned())))
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn write_v0(interface: &Interface, request: &OwnRequest) -> Vec<(&'static str, String)> {
    let mut entries = vec![
        (interface.resource_key, request.resource.clone()),
        ("requested-secrets", REQUESTED_SECRETS.to_owned()),
    ];
    // Across models the list must be absent: it would say that a secret is to be
    // looked for.
    if let (true, OfferedCertificate::None | OfferedCertificate::Secret(_)) =
        (interface.has_client_certificate, &request.certificate)
    {
        entries.push(("provided-secrets", PROVIDED_SECRETS.to_owned()));
    }
    match &request.certificate {
        OfferedCertificate::None => {}
        OfferedCertificate::Secret(uri) => entries.push(("secret-mtls", uri.published())),
        OfferedCertificate::Clear(text) | OfferedCertificate::Encrypted(text) => {
            entries.push((CERTIFICATE, text.clone()));
        }
    }
    entries
}

fn write_v1(requests: &BTreeMap<Option<RequestId>, &OwnRequest>) -> Vec<(&'static str, String)> {
    let models: Vec<_> = requests
        .iter()
        .map(|(id, request)| RequestModel::new(id.as_ref(), request))
        .collect();
    let models = serde_json::to_string(&models).expect("texts under text keys are always JSON");
    vec![("requests", models), ("version", "v1".to_owned())]
}

/// `RequirerCommonModel`, without the fields that would be `null`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RequestModel<'a> {
    resource: &'a str,
    request_id: Option<&'a RequestId>,
    salt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_mtls: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtls_cert: Option<&'a str>,
}

impl<'a> RequestModel<'a> {
    fn new(request_id: Option<&'a RequestId>, request: &'a OwnRequest) -> Self {
        let (secret_mtls, mtls_cert) = match &request.certificate {
            OfferedCertificate::None => (None, None),
            OfferedCertificate::Secret(uri) => (Some(uri.published()), None),
            OfferedCertificate::Clear(text) | OfferedCertificate::Encrypted(text) => {
                (None, Some(text.as_str()))
            }
        };
        Self {
            resource: &request.resource,
            request_id,
            salt: &request.salt,
            secret_mtls,
            mtls_cert,
        }
    }
}

/// What changes our application's databag from `own` to `wanted`; `None` deletes
/// a key. JSON is compared as JSON.
pub fn changes(
    interface: &Interface,
    own: &Databag,
    wanted: &Databag,
) -> BTreeMap<String, Option<String>> {
    KEYS.into_iter()
        .chain([interface.resource_key])
        .filter_map(|key| match (filled(own, key), filled(wanted, key)) {
            (None, None) => None,
            (Some(own), Some(wanted)) if own == wanted || is_same_json(own, wanted) => None,
            (_, wanted) => Some((key.to_owned(), wanted.map(str::to_owned))),
        })
        .collect()
}

/// Lists only: the resources `1` and `1.0` are JSON as well, and are two.
fn is_same_json(own: &str, wanted: &str) -> bool {
    let list = |text| match serde_json::from_str(text) {
        Ok(Value::Array(list)) => Some(list),
        _ => None,
    };
    matches!((list(own), list(wanted)), (Some(own), Some(wanted)) if own == wanted)
}
