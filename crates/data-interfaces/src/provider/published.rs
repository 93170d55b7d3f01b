//! The provider's own side of the databag: what stands there, and what has to
//! change.

use std::collections::BTreeMap;

use juju_hooks::{Databag, SecretUri};
use serde_json::Value;

use super::Correlation;
use crate::{Field, Interface, RequestId, filled};

/// The keys of a provider that are responses on any interface. Others,
/// `encryption-secret` first among them, are never touched from here: it must
/// outlive a change of responses, or the requirer's certificate could no longer be
/// read.
const KEYS: [&str; 6] = [
    "data",
    "endpoints",
    "requests",
    "secret-tls",
    "secret-user",
    "version",
];

/// What was published for one request before, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishedResponse {
    /// The secret with the user.
    pub secret_user: Option<SecretUri>,
    /// The secret with what a client needs for TLS.
    pub secret_tls: Option<SecretUri>,
    /// Where the client was sent: `host:port`.
    pub endpoints: Vec<String>,
    /// The version of the service.
    pub version: Option<String>,
    /// What only this interface has.
    pub fields: BTreeMap<Field, String>,
    /// What the response repeated of the request; nothing in version 0, which
    /// repeats nothing.
    pub correlation: Correlation,
}

/// What changes the provider's databag from `own` to `wanted`; `None` deletes a
/// key.
///
/// A value that differs in writing alone is left as it is, since requirers take
/// any difference for news: JSON is compared as JSON, and a secret's URI by the
/// secret.
pub fn changes(
    interface: &Interface,
    own: &Databag,
    wanted: &Databag,
) -> BTreeMap<String, Option<String>> {
    let further = interface.fields.iter().flat_map(|field| field.keys());
    KEYS.into_iter()
        .chain(further)
        .filter_map(|key| {
            let change = match (filled(own, key), filled(wanted, key)) {
                (None, None) => return None,
                (Some(own), Some(wanted)) if same(key, own, wanted) => return None,
                (_, wanted) => wanted.map(str::to_owned),
            };
            Some((key.to_owned(), change))
        })
        .collect()
}

/// The responses in the provider's own databag, by request. Whatever cannot be
/// read is absent: it will be written anew.
pub fn read_published(
    interface: &Interface,
    bag: &Databag,
) -> BTreeMap<Option<RequestId>, PublishedResponse> {
    match filled(bag, "version") {
        Some("v1") => responses(
            interface,
            filled(bag, "requests").unwrap_or_default(),
            filled(bag, "data").unwrap_or_default(),
        ),
        _ => {
            let response = PublishedResponse::new(interface, |key| filled(bag, key));
            if response == PublishedResponse::default() {
                return BTreeMap::new();
            }
            BTreeMap::from([(None, response)])
        }
    }
}

impl PublishedResponse {
    fn new<'f>(interface: &Interface, field: impl Fn(&str) -> Option<&'f str>) -> Self {
        let uri = |key| field(key).and_then(|text| text.parse().ok());
        let fields = interface.fields.iter();
        Self {
            secret_user: uri("secret-user"),
            secret_tls: uri("secret-tls"),
            endpoints: field("endpoints")
                .unwrap_or_default()
                .split(',')
                .filter(|endpoint| !endpoint.is_empty())
                .map(str::to_owned)
                .collect(),
            version: field("version").map(str::to_owned),
            fields: fields
                .filter_map(|known| {
                    let value = known.keys().find_map(&field)?;
                    Some((*known, value.to_owned()))
                })
                .collect(),
            correlation: Correlation::default(),
        }
    }
}

fn responses(
    interface: &Interface,
    requests: &str,
    data: &str,
) -> BTreeMap<Option<RequestId>, PublishedResponse> {
    let Ok(Value::Array(responses)) = serde_json::from_str(requests) else {
        return BTreeMap::new();
    };
    // It holds what was read of each request; what it does not, is not repeated.
    let memory: Value = serde_json::from_str(data).unwrap_or_default();
    responses
        .iter()
        .filter_map(|response| {
            let id = response.get("request-id")?.as_str()?;
            let text = |key: &str| response.get(key).and_then(Value::as_str);
            let memory = memory.get(id).and_then(|memory| memory.get("secret-mtls"));
            let correlation = Correlation {
                resource: text("resource").unwrap_or_default().to_owned(),
                salt: text("salt").unwrap_or_default().to_owned(),
                secret_mtls: memory.and_then(Value::as_str).map(str::to_owned),
            };
            let response = PublishedResponse {
                correlation,
                ..PublishedResponse::new(interface, text)
            };
            Some((Some(id.parse().ok()?), response))
        })
        .collect()
}

fn same(key: &str, own: &str, wanted: &str) -> bool {
    if own == wanted {
        return true;
    }
    match key {
        "data" => matches!(
            (serde_json::from_str::<Value>(own), serde_json::from_str::<Value>(wanted)),
            (Ok(own), Ok(wanted)) if own == wanted
        ),
        "requests" => matches!(
            (comparable(own), comparable(wanted)),
            (Some(own), Some(wanted)) if own == wanted
        ),
        "secret-tls" | "secret-user" => matches!(
            (own.parse::<SecretUri>(), wanted.parse::<SecretUri>()),
            (Ok(own), Ok(wanted)) if own == wanted
        ),
        _ => false,
    }
}

/// A list of responses with the ids of our secrets in place of their URIs.
fn comparable(requests: &str) -> Option<Value> {
    let mut list: Value = serde_json::from_str(requests).ok()?;
    for response in list.as_array_mut()? {
        for key in ["secret-tls", "secret-user"] {
            if let Some(field) = response.get_mut(key)
                && let Some(uri) = field.as_str().and_then(|text| text.parse().ok())
            {
                let uri: SecretUri = uri;
                *field = uri.id().as_str().into();
            }
        }
    }
    Some(list)
}
