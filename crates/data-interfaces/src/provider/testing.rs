//! Two interfaces for tests, and databags as the libraries were seen to write
//! them.

use std::collections::BTreeMap;
use std::str::FromStr;

use juju_hooks::{Databag, SecretUri};
use thiserror::Error;

use super::{Entry, Requests, Response, read};
use crate::Interface;

/// Clients log in with certificates.
pub(crate) const ETCD: Interface = Interface::ETCD_CLIENT;

/// Clients log in with passwords.
pub(crate) const VALKEY: Interface = Interface::VALKEY_CLIENT;

/// A resource that is not every text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Keys(String);

#[derive(Clone, Copy, Debug, Error, PartialEq)]
pub(crate) enum KeysRefusal {
    #[error("the keys are empty")]
    Empty,
    #[error("the keys are reserved")]
    Reserved,
}

impl FromStr for Keys {
    type Err = KeysRefusal;

    fn from_str(text: &str) -> Result<Self, KeysRefusal> {
        match text.as_bytes() {
            [] => Err(KeysRefusal::Empty),
            [0, ..] => Err(KeysRefusal::Reserved),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl Keys {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

pub(crate) fn bag<const N: usize>(entries: [(&str, &str); N]) -> Databag {
    entries
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

pub(crate) fn asked(bag: &Databag) -> Requests<Keys> {
    asked_over(&ETCD, bag)
}

pub(crate) fn asked_over(interface: &Interface, bag: &Databag) -> Requests<Keys> {
    read(interface, bag)
        .expect("it is well formed")
        .expect("it asks")
}

pub(crate) fn uri(text: &str) -> SecretUri {
    text.parse().expect("a URI")
}

/// A response to a request.
pub(crate) fn answer(entry: &Entry<Keys>, user: &str, tls: &str) -> Response {
    let request = entry.outcome.as_ref().expect("it is well formed");
    Response {
        request: entry.request.clone(),
        correlation: request.correlation.clone(),
        endpoints: vec!["10.0.0.2:2379".to_owned(), "10.0.0.1:2379".to_owned()],
        version: "3.6.4".to_owned(),
        secret_user: uri(user),
        secret_tls: uri(tls),
        fields: BTreeMap::new(),
    }
}

/// What `data_interfaces` v0 asks with.
pub(crate) fn v0_requirer() -> Databag {
    bag([
        ("prefix", "/test/"),
        ("provided-secrets", r#"["mtls-cert"]"#),
        (
            "requested-secrets",
            r#"["username", "password", "tls", "tls-ca", "uris", "read-only-uris", "entity-name", "entity-password"]"#,
        ),
        ("secret-mtls", "secret:dqhgta57akkhue4kgffq"),
    ])
}

/// What `data_interfaces` v1 asks with.
pub(crate) fn v1_requirer() -> Databag {
    bag([
        (
            "requests",
            r#"[{"resource": "/test/", "request-id": "0b047bb88ba93a70", "salt": "KTRVA3q2u8N5IE3e", "extra-user-roles": null, "extra-group-roles": null, "external-node-connectivity": false, "entity-type": null, "entity-permissions": null, "secret-mtls": "secret:dgn34ncrkv8nhk3si8n4"}]"#,
        ),
        ("version", "v1"),
    ])
}

/// What `dpcharmlibs-interfaces` asks a Valkey with.
pub(crate) fn v1_valkey_requirer() -> Databag {
    bag([
        (
            "requests",
            r#"[{"resource": "application:*", "request-id": "aab671783f226b26", "salt": "QBXthX2z8LjJeVb3", "extra-user-roles": null, "extra-group-roles": null, "external-node-connectivity": false, "entity-type": null, "entity-permissions": null, "secret-mtls": null, "mtls-cert": null, "secret-requested-entity": null, "entity-name": null, "password": null, "prefix-matching": null, "entity-password": null}]"#,
        ),
        ("version", "v1"),
    ])
}
