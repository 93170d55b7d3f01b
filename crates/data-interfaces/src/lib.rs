//! The wire of Juju's data relations (`etcd_client`, `valkey_client` and their
//! kind), for the charm that provides a service and for the one that uses it.
//!
//! Two protocols share the name of each interface, and both are defined by the
//! libraries that charms use: version 0 by `data_interfaces` v0 of
//! `data_platform_libs` (flat keys, one request), version 1 by its v1 and by
//! `dpcharmlibs-interfaces` (a JSON list of requests). A requirer is answered in
//! the one that it asked in; the other would be ignored, or make its hook fail.
//!
//! [`Interface`] says in what one interface differs from another; what is behind
//! it, a database or a key-value store, is nothing that this crate knows.
//! [`provider`] reads requests and writes responses, [`requirer`] writes requests
//! and reads what came of them.
//!
//! There is no input or output in here. Keys and tokens of [`fernet`] are random,
//! and nothing else is.

pub mod fernet;
mod id;
mod interface;
pub mod provider;
pub mod requirer;
mod secrets;

pub use id::{RequestId, RequestKey, request_id};
pub use interface::{Dialect, Field, Interface};
pub use secrets::{
    CERTIFICATE, ENCRYPTION_KEY, ENCRYPTION_SECRET, SecretGroup, UserSecret, encryption_secret,
    secret_label, tls_secret,
};

use juju_hooks::{Databag, SecretUri};

/// How a requirer offers the certificate of its client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OfferedCertificate {
    /// In the databag as PEM: a certificate is public, and across models secrets
    /// of the requirer cannot be shared.
    Clear(String),
    /// In the databag as a Fernet token, made with the key that the provider published in
    /// its `encryption-secret`.
    Encrypted(String),
    /// Not yet, which is normal: it may come much later.
    None,
    /// In a secret, under the key [`CERTIFICATE`].
    Secret(SecretUri),
}

/// A databag's value; an empty one is none.
fn filled<'b>(bag: &'b Databag, key: &str) -> Option<&'b str> {
    bag.get(key)
        .map(String::as_str)
        .filter(|text| !text.is_empty())
}
