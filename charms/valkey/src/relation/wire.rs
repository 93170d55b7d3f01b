//! The databags of a client relation: what `valkey_client` is among the data
//! relations, and the one place that knows their wire.

use std::collections::BTreeMap;

use data_interfaces::provider::{self, Correlation, RequestRefusal, Requests as Wire};
use data_interfaces::{Dialect, Field, Interface, RequestId};
use juju_hooks::{Databag, SecretUri};

/// What the charm provides.
pub const INTERFACE: Interface = Interface::VALKEY_CLIENT;

/// One request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// What it is called; empty in version 0.
    pub id: String,
    /// What the id was made with.
    pub salt: String,
    /// What is asked for.
    pub resource: String,
    /// Whether a kind of user is asked for that we do not have.
    pub entity: bool,
}

/// What a relation asks for; nothing that is wrong with one request is a reason
/// not to read the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Requests {
    /// The requests that can be read, in their order.
    pub requests: Vec<Request>,
    /// What is wrong with others. While there is anything, nobody can say that a
    /// request is gone.
    pub malformed: Vec<String>,
}

/// What is told about one request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Response {
    /// What the request is called.
    pub id: String,
    /// Its salt.
    pub salt: String,
    /// What was granted.
    pub resource: String,
    /// The secret with name and password.
    pub user: String,
    /// The secret about TLS.
    pub tls: String,
}

/// What is told about the servers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Servers {
    /// The primary.
    pub endpoints: Vec<String>,
    /// The replicas; none with one unit.
    pub read_only: Vec<String>,
    /// The sentinels.
    pub sentinels: Vec<String>,
    /// The release.
    pub version: String,
}

/// Reads what the other application wrote.
pub fn read(bag: &Databag) -> Requests {
    let wire: Wire = match provider::read(&INTERFACE, bag) {
        Ok(Some(wire)) => wire,
        Ok(None) => return Requests::default(),
        Err(refusal) => {
            return Requests {
                malformed: vec![refusal.to_string()],
                ..Requests::default()
            };
        }
    };
    let mut found = Requests::default();
    for unnamed in wire.unnamed {
        found.malformed.push(unnamed.refusal.to_string());
    }
    for entry in wire.requests {
        match entry.outcome {
            Ok(request) => found.requests.push(Request {
                id: entry.request.map(String::from).unwrap_or_default(),
                salt: request.correlation.salt,
                resource: request.resource,
                entity: request.has_entity_type,
            }),
            Err(RequestRefusal::NoResource) => found.requests.push(Request {
                id: entry.request.map(String::from).unwrap_or_default(),
                salt: String::new(),
                resource: String::new(),
                entity: false,
            }),
            Err(refusal) => found.malformed.push(refusal.to_string()),
        }
    }
    found
}

/// What our databag is to say: keys with texts, and keys that must not be there.
pub fn answer(responses: &[Response], servers: &Servers) -> BTreeMap<String, Option<String>> {
    // Only version 0 has a request without a name, and no other beside it.
    let dialect = match responses.iter().any(|response| response.id.is_empty()) {
        true => Dialect::V0,
        false => Dialect::V1,
    };
    let asked: Wire = Wire {
        dialect,
        encryption_secret_copied: false,
        requests: Vec::new(),
        unnamed: Vec::new(),
    };
    let responses: Vec<_> = responses
        .iter()
        .filter_map(|response| respond(response, servers))
        .collect();
    let bag = provider::write(&asked, &responses);
    // As if each key were there, with another text: then each is in the changes.
    let all = keys().map(|key| (key.to_owned(), "?".to_owned())).collect();
    provider::changes(&INTERFACE, &all, &bag)
}

fn respond(response: &Response, servers: &Servers) -> Option<provider::Response> {
    let id = Some(&response.id).filter(|id| !id.is_empty());
    let uri = |text: &str| text.parse::<SecretUri>().ok();
    let mut fields = BTreeMap::from([
        (Field::MODE, "sentinel".to_owned()),
        (Field::SENTINEL_ENDPOINTS, servers.sentinels.join(",")),
    ]);
    if !servers.read_only.is_empty() {
        fields.insert(Field::READ_ONLY_ENDPOINTS, servers.read_only.join(","));
    }
    Some(provider::Response {
        request: id.and_then(|id| id.parse::<RequestId>().ok()),
        correlation: Correlation {
            resource: response.resource.clone(),
            salt: response.salt.clone(),
            secret_mtls: None,
        },
        endpoints: servers.endpoints.clone(),
        version: servers.version.clone(),
        secret_user: uri(&response.user)?,
        secret_tls: uri(&response.tls)?,
        fields,
    })
}

/// All keys that an answer may have.
fn keys() -> impl Iterator<Item = &'static str> {
    [
        "data",
        "endpoints",
        "mode",
        "read-only-endpoints",
        "requests",
        "secret-tls",
        "secret-user",
        "sentinel-endpoints",
        "sentinel_endpoints",
        "version",
    ]
    .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(pairs: &[(&str, &str)]) -> Databag {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn one_bad_request_does_not_hide_the_others() {
        let text = r#"[7, {"salt": "x"}, {"resource": 1}, {"resource": "a", "request-id": "a b"},
            {"resource": "b:*", "request-id": "good"}, {"resource": "c", "request-id": "good"}]"#;
        let requests = read(&bag(&[("version", "v1"), ("requests", text)]));
        let good: Vec<_> = requests
            .requests
            .iter()
            .filter(|request| request.id == "good")
            .collect();
        assert_eq!(good.len(), 1);
        assert!(requests.malformed.len() >= 3, "{requests:?}");
    }

    #[test]
    fn both_versions_have_all_keys_and_none_of_the_other() {
        let uri = "secret:cuvbv6p34trs48a10a2g".to_owned();
        let mut response = Response {
            id: String::new(),
            salt: "s".to_owned(),
            resource: "a:*".to_owned(),
            user: uri.clone(),
            tls: uri,
        };
        let servers = Servers {
            endpoints: vec!["10.0.0.1:6379".to_owned()],
            sentinels: vec!["10.0.0.1:26379".to_owned()],
            ..Servers::default()
        };
        let v0 = answer(&[response.clone()], &servers);
        assert_eq!(v0["sentinel-endpoints"].as_deref(), Some("10.0.0.1:26379"));
        assert_eq!(v0["sentinel-endpoints"], v0["sentinel_endpoints"]);
        assert_eq!((&v0["data"], &v0["read-only-endpoints"]), (&None, &None));
        response.id = "id".to_owned();
        let v1 = answer(&[response], &servers);
        assert!(v1["data"].is_some() && v1["endpoints"].is_none());
        assert_eq!(v1.len(), keys().count());
        assert!(answer(&[], &servers).values().all(Option::is_none));
    }
}
