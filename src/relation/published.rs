//! Our own side of the databag: what stands there, and what has to change.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Echo, filled};
use crate::model::{Databag, RequestId, SecretUri};

/// The keys of a provider that are answers. Others, `encryption-secret` first
/// among them, are never touched from here: it must outlive a change of answers,
/// or the requirer's certificate could no longer be read.
const KEYS: [&str; 6] = [
    "data",
    "endpoints",
    "requests",
    "secret-tls",
    "secret-user",
    "version",
];

/// What we published for one request before, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishedAnswer {
    /// The secret with the user's name.
    pub secret_user: Option<SecretUri>,
    /// The secret with the server's certificate authority.
    pub secret_tls: Option<SecretUri>,
    /// Where the client was sent: `ip:port`.
    pub endpoints: Vec<String>,
    /// The version of etcd.
    pub version: Option<String>,
    /// What the answer repeated of the request; nothing in version 0, which
    /// repeats nothing.
    pub echo: Echo,
}

/// What changes our databag from `own` to `wanted`; `None` deletes a key.
///
/// A value that differs in writing alone is left as it is, since requirers take
/// any difference for news: JSON is compared as JSON, and a secret's URI by the
/// secret.
pub fn changes(own: &Databag, wanted: &Databag) -> BTreeMap<String, Option<String>> {
    KEYS.into_iter()
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

/// The answers in our own databag, by request. Whatever cannot be read is
/// absent: it will be written anew.
pub fn read_own(bag: &Databag) -> BTreeMap<Option<RequestId>, PublishedAnswer> {
    match filled(bag, "version") {
        Some("v1") => responses(
            filled(bag, "requests").unwrap_or_default(),
            filled(bag, "data").unwrap_or_default(),
        ),
        _ => {
            let answer = PublishedAnswer::new(|key| filled(bag, key));
            if answer == PublishedAnswer::default() {
                return BTreeMap::new();
            }
            BTreeMap::from([(None, answer)])
        }
    }
}

impl PublishedAnswer {
    fn new<'f>(field: impl Fn(&str) -> Option<&'f str>) -> Self {
        let uri = |key| field(key).and_then(|text| text.parse().ok());
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
            echo: Echo::default(),
        }
    }
}

fn responses(requests: &str, data: &str) -> BTreeMap<Option<RequestId>, PublishedAnswer> {
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
            let echo = Echo {
                resource: text("resource").unwrap_or_default().to_owned(),
                salt: text("salt").unwrap_or_default().to_owned(),
                secret_mtls: memory.and_then(Value::as_str).map(str::to_owned),
            };
            let answer = PublishedAnswer {
                echo,
                ..PublishedAnswer::new(text)
            };
            Some((Some(id.parse().ok()?), answer))
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
