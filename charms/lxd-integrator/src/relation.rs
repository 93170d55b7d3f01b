//! The wire of interface `lxd`: unit databags on both sides. Nothing in here
//! reads, writes or decides.

use std::collections::BTreeMap;

use juju_hooks::{Databag, Endpoint};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::certificate::MAX_BYTES;

/// The endpoint that applications relate to.
pub const API: Endpoint = Endpoint("api");

/// The endpoint that binds the units of this application together.
pub const UNITS: Endpoint = Endpoint("units");

/// The version of the protocol.
const VERSION: &str = "1.0";

/// Most certificates that one unit may ask for.
pub const MAX_CERTIFICATES: usize = 100;

/// Why the list of a unit cannot be read.
#[derive(Clone, Copy, Debug, Eq, Error, Ord, PartialEq, PartialOrd)]
pub enum ListRefusal {
    /// Not JSON, or not a list.
    #[error("its client_certificates is not a JSON list")]
    NotAList,
    /// Too many.
    #[error("it sent more than {MAX_CERTIFICATES} certificates")]
    TooMany,
}

/// The texts that a unit asks to have registered; nothing yet and an empty list
/// are the same. An element that is no text, or longer than a certificate can
/// be, is `None`.
///
/// # Errors
/// The requirer is at fault, and nothing that it asks can be told.
pub fn requested(bag: &Databag) -> Result<Vec<Option<String>>, ListRefusal> {
    let Some(text) = bag.get("client_certificates") else {
        return Ok(Vec::new());
    };
    let elements: Vec<Value> = serde_json::from_str(text).map_err(|_| ListRefusal::NotAList)?;
    if elements.len() > MAX_CERTIFICATES {
        return Err(ListRefusal::TooMany);
    }
    Ok(elements
        .into_iter()
        .map(|element| match element {
            Value::String(text) if text.len() <= MAX_BYTES => Some(text),
            _ => None,
        })
        .collect())
}

/// One LXD server, as a requirer is told of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Node {
    /// Complete, with scheme and port: `https://10.10.10.10:8443`.
    pub endpoint: String,
    /// The server's name.
    pub name: String,
    /// The certificates of this relation that are in the trust store, by
    /// fingerprint. Written as a list; older revisions of providers wrote the text
    /// of one.
    #[serde(deserialize_with = "list_or_its_text")]
    pub trusted_certs_fp: Vec<String>,
    /// The server's certificate, PEM, which the original interface lacks: with it
    /// a requirer can be sure whom it speaks to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The fingerprint of the server's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_fingerprint: Option<String>,
    /// The projects that the certificates are restricted to; none means all. A
    /// requirer has to name one in each request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<String>,
}

fn list_or_its_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        List(Vec<String>),
        Text(String),
    }
    match Either::deserialize(deserializer)? {
        Either::List(list) => Ok(list),
        Either::Text(text) => serde_json::from_str(&text).map_err(serde::de::Error::custom),
    }
}

/// What a requirer is told.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Answer {
    /// All servers through which the same trust store is reached.
    pub nodes: Vec<Node>,
    /// The requirer's own texts of the certificates that are trusted now.
    pub registered: Vec<String>,
}

impl Answer {
    /// The keys and values of the databag of our unit.
    fn write(&self) -> BTreeMap<&'static str, String> {
        let json = |value: Value| value.to_string();
        let nodes = serde_json::to_value(&self.nodes).unwrap_or_default();
        BTreeMap::from([
            ("nodes", json(nodes)),
            (
                "registered_certificates",
                json(self.registered.clone().into()),
            ),
            ("version", VERSION.to_owned()),
        ])
    }

    /// What has to change in our databag for it to say this. Values are compared
    /// by what they mean, so another order of keys is no change.
    pub fn changes(&self, own: &Databag) -> BTreeMap<String, Option<String>> {
        self.write()
            .into_iter()
            .filter(|(key, value)| {
                let old = own.get(*key).map(String::as_str).unwrap_or_default();
                !means_the_same(old, value)
            })
            .map(|(key, value)| (key.to_owned(), Some(value)))
            .collect()
    }
}

fn means_the_same(one: &str, other: &str) -> bool {
    let parsed = |text| serde_json::from_str::<Value>(text);
    one == other || matches!((parsed(one), parsed(other)), (Ok(one), Ok(other)) if one == other)
}

/// The fingerprints that our databag says are trusted, with either spelling.
pub fn told(own: &Databag) -> Vec<String> {
    let nodes = own.get("nodes").map(String::as_str).unwrap_or_default();
    let nodes: Vec<Node> = serde_json::from_str(nodes).unwrap_or_default();
    let first = nodes.into_iter().next();
    first.map(|node| node.trusted_certs_fp).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bag(value: &str) -> Databag {
        [("client_certificates".to_owned(), value.to_owned())].into()
    }

    #[test]
    fn a_list_is_read_element_by_element() {
        let long = "x".repeat(MAX_BYTES + 1);
        let text = format!(r#"["a\nb", 5, null, "{long}"]"#);
        let read = requested(&bag(&text)).expect("a list");
        assert_eq!(read, [Some("a\nb".to_owned()), None, None, None]);
        assert_eq!(requested(&Databag::new()), Ok(Vec::new()));
        assert_eq!(requested(&bag("[]")), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_list_or_too_long_is_refused_whole() {
        for text in ["", "{}", "\"a\"", "[", "null"] {
            let refused = requested(&bag(text));
            assert_eq!(refused, Err(ListRefusal::NotAList), "{text}");
        }
        let many = serde_json::to_string(&vec!["x"; MAX_CERTIFICATES + 1]).expect("JSON");
        assert_eq!(requested(&bag(&many)), Err(ListRefusal::TooMany));
    }

    #[test]
    fn both_spellings_of_fingerprints_are_read_and_a_list_is_written() {
        for spelling in [r#"["aa"]"#, r#""[\"aa\"]""#] {
            let text = format!(
                r#"[{{"endpoint": "https://h:8443", "name": "n", "trusted_certs_fp": {spelling}}}]"#
            );
            let own = [("nodes".to_owned(), text)].into();
            assert_eq!(told(&own), ["aa"], "{spelling}");
        }
        let answer = Answer {
            nodes: vec![Node {
                endpoint: "https://h:8443".to_owned(),
                name: "n".to_owned(),
                trusted_certs_fp: vec!["aa".to_owned()],
                certificate: None,
                certificate_fingerprint: None,
                projects: Vec::new(),
            }],
            registered: Vec::new(),
        };
        let changes = answer.changes(&Databag::new());
        assert_eq!(
            changes["nodes"].as_deref(),
            Some(r#"[{"endpoint":"https://h:8443","name":"n","trusted_certs_fp":["aa"]}]"#)
        );
        assert_eq!(changes["version"].as_deref(), Some("1.0"));
        let own = changes
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        assert!(answer.changes(&own).is_empty());
    }
}
