//! Why something in a requirer's databag is refused. The texts are made for a
//! status: one line, bounded in length, nothing of it unescaped.

use juju_hooks::InvalidId;
use thiserror::Error;

use super::{MAX_CERTIFICATE_BYTES, v1};
use crate::RequestId;

/// Why nothing of what a requirer wrote can be used.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RelationRefusal {
    /// The list of requests is larger than any honest one.
    #[error("the requests are larger than {} bytes", v1::MAX_LIST_BYTES)]
    LargeRequests,
    /// The value of `requests` is JSON, but not a list.
    #[error("the requests are not a list")]
    RequestsNotAList,
    /// The value of `requests` is not JSON.
    #[error("the requests are not JSON")]
    RequestsNotJson,
    /// More requests than one relation may make.
    #[error("there are more than {} requests", v1::MAX_REQUESTS)]
    TooManyRequests,
    /// A version of the protocol that came after this crate, or none at all.
    #[error("unsupported version of the interface: {0:?}")]
    UnsupportedVersion(String),
}

impl RelationRefusal {
    /// A refusal of `version`, cut so that a hostile text cannot flood a status.
    pub(super) fn unsupported_version(version: &str) -> Self {
        Self::UnsupportedVersion(version.chars().take(20).collect())
    }
}

/// Why one request is refused. `E` is why a resource is, and as its text goes
/// into a status as well, it should be a line.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum RequestRefusal<E> {
    /// An entry before it has the same id.
    #[error("the request id {0} is there twice")]
    DuplicateId(RequestId),
    /// The certificate in the databag is larger than any honest one.
    #[error("the certificate is larger than {MAX_CERTIFICATE_BYTES} bytes")]
    LongCertificate,
    /// The salt, which a response has to repeat, is larger than any honest one.
    #[error("the salt is longer than {} bytes", v1::MAX_SALT_BYTES)]
    LongSalt,
    /// No resource is asked for.
    #[error("the request names no resource")]
    NoResource,
    /// The entry of the list is not a JSON object.
    #[error("the request is not a JSON object")]
    NotAnObject,
    /// A field that must be text is a number, a list or the like.
    #[error("{0} is not text")]
    NotText(&'static str),
    /// The id is not fit to be part of other names.
    #[error(transparent)]
    RequestId(InvalidId),
    /// The provider does not take this for a resource.
    #[error("{0}")]
    Resource(E),
    /// What should say where the certificate is, does not.
    #[error(transparent)]
    SecretUri(InvalidId),
}
