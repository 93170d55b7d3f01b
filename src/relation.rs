//! Codecs of the `etcd_client` relation: from databags to the vocabulary and
//! back. There is no input or output in here, and no decision.
//!
//! Two protocols share the interface's name, and both are defined by the
//! libraries that requirers use: version 0 by `data_interfaces` v0 of
//! `data_platform_libs` (flat keys, one request), version 1 by its v1 and by
//! `dpcharmlibs-interfaces` (a JSON list of requests). A requirer is answered in
//! the one that it asked in; the other would be ignored, or make its hook fail.
//!
//! What a requirer writes is untrusted: a mistake in one request is a reason
//! beside that request and touches no other.

mod answer;
mod content;
pub mod fernet;
pub mod older;
mod published;
mod refusal;
mod v0;
mod v1;

#[cfg(test)]
mod captured_tests;
#[cfg(test)]
mod malformed_tests;
#[cfg(test)]
mod sentence_tests;

pub use answer::{Answer, write};
pub use content::{
    CERTIFICATE, ENCRYPTION_SECRET, SecretGroup, encryption_secret, secret_label, tls_secret,
    user_secret,
};
pub use published::{PublishedAnswer, changes, read_own};
pub use refusal::{RelationRefusal, RequestRefusal};
pub use v1::request_id;

use crate::model::{Databag, Endpoint, Prefix, RequestId, SecretUri};

/// The endpoint over which applications ask for access.
pub const ETCD_CLIENT: Endpoint = Endpoint("etcd-client");

/// The endpoint that binds the units of this application together.
pub const CLUSTER: Endpoint = Endpoint("cluster");

/// Largest certificate that is taken from a databag, in bytes. Chains of ten
/// certificates with long keys stay below 32 KiB, encryption adds a third.
const MAX_CERTIFICATE_BYTES: usize = 256 * 1024;

/// Which of the two protocols is spoken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialect {
    /// Flat keys and one request, which has no id.
    V0,
    /// A list of requests, each with an id.
    V1,
}

/// What a requirer asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// How it asks, and is to be answered.
    pub dialect: Dialect,
    /// Whether the requirer has taken over our `encryption-secret`. Until then an
    /// answer across models must wait: version 0 would miss it for ever.
    pub encryption_secret_copied: bool,
    /// The requests in the order in which they stand there, each id once.
    pub requests: Vec<Entry>,
    /// Entries that cannot be told from others, and so are nobody's request.
    pub set_aside: Vec<SetAside>,
}

/// A request that can be named, and what became of reading it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its id; `None` is the only request of version 0, and no other.
    pub request: Option<RequestId>,
    /// The request, or why it is refused.
    pub outcome: Result<Request, RequestRefusal>,
}

/// An entry of a version 1 list without an id of its own: the id is unusable or
/// already taken by an entry before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SetAside {
    /// Its place in the list, from 0.
    pub position: usize,
    /// What is wrong with it.
    pub refusal: RequestRefusal,
}

/// A request for access, well formed.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The keys that are asked for.
    pub prefix: Prefix,
    /// Where the client's certificate is.
    pub certificate: OfferedCertificate,
    /// What an answer has to repeat.
    pub echo: Echo,
}

/// How a requirer offers the certificate of its client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum OfferedCertificate {
    /// In the databag as PEM: a certificate is public, and across models secrets
    /// of the requirer cannot be shared.
    Clear(String),
    /// In the databag as a Fernet token, made with the key that we published in
    /// our `encryption-secret`.
    Encrypted(String),
    /// Not yet, which is normal: it may come much later.
    None,
    /// In a secret, under the key [`CERTIFICATE`].
    Secret(SecretUri),
}

/// What an answer in version 1 repeats of its request, as it was received.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Echo {
    /// The prefix.
    pub resource: String,
    /// What makes the request's id unique.
    pub salt: String,
    /// The URI of the certificate's secret.
    pub secret_mtls: Option<String>,
}

/// Reads the databag of a requirer's application. `None` means that nothing is
/// asked (yet, or any more): the databag is empty, version 0 has no prefix, or
/// version 1 has no request in its list.
///
/// # Errors
/// The requirer is at fault, and nothing that it asks can be told: see
/// [`RelationRefusal`].
pub fn read(bag: &Databag) -> Result<Option<Asked>, RelationRefusal> {
    match filled(bag, "version") {
        None => Ok(v0::read(bag)),
        Some("v1") => v1::read(bag),
        Some(version) => Err(RelationRefusal::unsupported_version(version)),
    }
}

/// A databag's value; an empty one is none.
fn filled<'b>(bag: &'b Databag, key: &str) -> Option<&'b str> {
    bag.get(key)
        .map(String::as_str)
        .filter(|text| !text.is_empty())
}

/// The certificate that is offered by a secret's URI, or else in the databag.
fn offered(
    secret_mtls: Option<&str>,
    mtls_cert: Option<&str>,
) -> Result<OfferedCertificate, RequestRefusal> {
    if let Some(uri) = secret_mtls {
        let uri = uri.parse().map_err(RequestRefusal::SecretUri)?;
        return Ok(OfferedCertificate::Secret(uri));
    }
    match mtls_cert {
        None => Ok(OfferedCertificate::None),
        Some(text) if text.len() > MAX_CERTIFICATE_BYTES => Err(RequestRefusal::LongCertificate),
        // How every token begins: its version, 0x80, and the upper bits of a time
        // in 64 bits, which stay zero for longer than anybody will ask. No PEM does.
        Some(text) if text.starts_with("gAAAA") => {
            Ok(OfferedCertificate::Encrypted(text.to_owned()))
        }
        Some(text) => Ok(OfferedCertificate::Clear(text.to_owned())),
    }
}
