//! What tells requests apart.

use std::fmt;
use std::str::FromStr;

use juju_hooks::{InvalidId, RelationId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What tells the requests of one relation in version 1 apart: 16 hexadecimal
/// digits from the libraries, up to 64 letters, digits, `-` and `_` accepted. It
/// becomes part of labels and of other names, which is why no other character is
/// let in.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let first_fits = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        let rest_fits = text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if first_fits && rest_fits && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("request id", text))
        }
    }
}

impl TryFrom<String> for RequestId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id that a resource and a salt make, and so that of a request which came
/// without one: the first 16 hexadecimal digits of the SHA-256 of both
/// (`gen_hash` in the libraries).
pub fn request_id(resource: &str, salt: &str) -> RequestId {
    let digest = Sha256::digest(format!("{resource}:{salt}"));
    RequestId(digest[..8].iter().map(|b| format!("{b:02x}")).collect())
}

/// One request: the only one of a relation in version 0 has no id.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct RequestKey {
    /// The relation over which it was made.
    pub relation: RelationId,
    /// Which of the relation's requests it is.
    pub request: Option<RequestId>,
}

impl fmt::Display for RequestKey {
    /// `5` or `5/0b047bb88ba93a70`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.request {
            Some(request) => write!(f, "{}/{request}", self.relation),
            None => self.relation.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_escape_their_place_in_a_key() {
        assert!("0b047bb88ba93a70".parse::<RequestId>().is_ok());
        for text in ["", "-", "a/b", "../x", "a b", "a\0b", &"x".repeat(65)] {
            assert!(text.parse::<RequestId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn ids_are_computed_as_in_the_libraries() {
        for (resource, salt, id) in [
            ("/test/", "KTRVA3q2u8N5IE3e", "0b047bb88ba93a70"),
            ("/c/", "EcJGM1Fpe1W5gpaT", "ac224273fc4e734c"),
            ("application:*", "QBXthX2z8LjJeVb3", "aab671783f226b26"),
        ] {
            assert_eq!(request_id(resource, salt).as_str(), id, "{resource} {salt}");
        }
    }
}
