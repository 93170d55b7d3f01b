//! The provider's side: what requirers ask for, and what they are answered.
//!
//! What a requirer writes is untrusted: a mistake in one request is a reason
//! beside that request and touches no other. All that is read has a limit.

mod published;
mod refusal;
mod response;
mod v0;
mod v1;

#[cfg(test)]
mod captured_tests;
#[cfg(test)]
mod malformed_tests;
#[cfg(test)]
mod sentence_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod valkey_tests;

use std::str::FromStr;

use juju_hooks::Databag;

pub use crate::OfferedCertificate;
use crate::{Dialect, Interface, RequestId, filled};
pub use published::{PublishedResponse, changes, read_published};
pub use refusal::{RelationRefusal, RequestRefusal};
pub use response::{Response, write};

/// Largest certificate that is taken from a databag, in bytes. Chains of ten
/// certificates with long keys stay below 32 KiB, encryption adds a third.
const MAX_CERTIFICATE_BYTES: usize = 256 * 1024;

/// What a requirer asks for. `R` is what the provider takes for a resource; its
/// `FromStr` decides which texts it accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests<R: FromStr = String> {
    /// How the requirer asks, and is to be answered.
    pub dialect: Dialect,
    /// Whether the requirer has taken over our `encryption-secret`. Until then an
    /// answer across models must wait: version 0 would miss it for ever.
    pub encryption_secret_copied: bool,
    /// The requests in the order in which they stand there, each id once.
    pub requests: Vec<Entry<R>>,
    /// Entries that cannot be told from others, and so are nobody's request.
    pub unnamed: Vec<Unnamed<R::Err>>,
}

/// A request that can be named, and what became of reading it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry<R: FromStr = String> {
    /// Its id; `None` is the only request of version 0, and no other.
    pub request: Option<RequestId>,
    /// The request, or why it is refused.
    pub outcome: Result<Request<R>, RequestRefusal<R::Err>>,
}

/// An entry of a version 1 list without an id of its own: the id is unusable or
/// already taken by an entry before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unnamed<E> {
    /// Its place in the list, from 0.
    pub position: usize,
    /// What is wrong with it.
    pub refusal: RequestRefusal<E>,
}

/// A request for access, well formed.
#[derive(Clone, Debug, PartialEq)]
pub struct Request<R = String> {
    /// What is asked for.
    pub resource: R,
    /// Where the client's certificate is; [`OfferedCertificate::None`] where the
    /// interface has none.
    pub certificate: OfferedCertificate,
    /// Whether an account of another kind is asked for (`entity-type`): a group, or
    /// a user whose name the requirer chooses. Who cannot give one should refuse,
    /// since an answer without it is never noticed.
    pub has_entity_type: bool,
    /// What a response has to repeat.
    pub correlation: Correlation,
}

/// What ties a response in version 1 to its request, as it was received.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Correlation {
    /// The resource.
    pub resource: String,
    /// What makes the request's id unique.
    pub salt: String,
    /// The URI of the certificate's secret.
    pub secret_mtls: Option<String>,
}

/// Reads the databag of a requirer's application. `None` means that nothing is
/// asked (yet, or any more): the databag is empty, version 0 has no resource, or
/// version 1 has no request in its list.
///
/// # Errors
/// The requirer is at fault, and nothing that it asks can be told: see
/// [`RelationRefusal`].
pub fn read<R: FromStr>(
    interface: &Interface,
    bag: &Databag,
) -> Result<Option<Requests<R>>, RelationRefusal> {
    match filled(bag, "version") {
        None => Ok(v0::read(interface, bag)),
        Some("v1") => v1::read(interface, bag),
        Some(version) => Err(RelationRefusal::unsupported_version(version)),
    }
}

/// The certificate that is offered by a secret's URI, or else in the databag.
fn offered<E>(
    secret_mtls: Option<&str>,
    mtls_cert: Option<&str>,
) -> Result<OfferedCertificate, RequestRefusal<E>> {
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
