//! Identifiers. Each is a type of its own and is compared whole: relation 1 is
//! not relation 10, and `etcd/1` is not `etcd/10`.

mod secret;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use secret::{SecretId, SecretUri};

/// A text that is not the identifier it should be.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("not a {kind}: {text:?}")]
pub struct InvalidId {
    kind: &'static str,
    text: String,
}

impl InvalidId {
    /// An error about `text`, cut so that a hostile text cannot flood a log, or
    /// push what else there is to say out of a status: at 80 characters as they
    /// are shown, since one may be shown as ten.
    pub(crate) fn new(kind: &'static str, text: &str) -> Self {
        let mut room = 80;
        let fits = |c: &char| {
            let width = c.escape_debug().count();
            room = usize::saturating_sub(room, width);
            room > 0
        };
        Self {
            kind,
            text: text.chars().take_while(fits).collect(),
        }
    }
}

/// An endpoint of this charm, as `metadata.yaml` names it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Endpoint(pub &'static str);

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The number of a relation, unique in its model and never used again.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct RelationId(pub u32);

impl FromStr for RelationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        number(text)
            .map(Self)
            .ok_or_else(|| InvalidId::new("relation id", text))
    }
}

/// A number as it is written: `07` and `+7` would be second names for 7.
fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Display for RelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A relation as hook tools want it named: `etcd-client:5`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Relation {
    /// The endpoint on our side.
    pub endpoint: Endpoint,
    /// The relation's number.
    pub id: RelationId,
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.endpoint, self.id)
    }
}

/// What tells the requests of one `etcd_client` v1 relation apart: 16
/// hexadecimal digits from the libraries, up to 64 letters, digits, `-` and `_`
/// accepted. It becomes part of secret labels and of ledger keys, which is why
/// no other character is let in.
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

/// One request for access: the only one of a v0 relation has no id.
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

/// The common name of a client certificate, and so the name of the etcd user
/// and role: 1 to 64 characters (RFC 5280, `ub-common-name`), no control
/// characters.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommonName(String);

impl CommonName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommonName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if (1..=64).contains(&length) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("common name", text))
        }
    }
}

impl TryFrom<String> for CommonName {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CommonName> for String {
    fn from(name: CommonName) -> Self {
        name.0
    }
}

impl fmt::Display for CommonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a certificate's DER bytes, 64 lower-case hexadecimal digits.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a certificate's DER bytes.
    pub fn of_der(der: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        let digits = Sha256::digest(der)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        Self(digits)
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fits {
            Ok(Self(text))
        } else {
            Err(InvalidId::new("certificate fingerprint", &text))
        }
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The UUID of a model.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ModelUuid(String);

impl ModelUuid {
    /// The UUID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModelUuid {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_uuid(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("model UUID", text))
        }
    }
}

impl fmt::Display for ModelUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The name of an application, as deployed.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AppName(String);

impl AppName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase() || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId::new("application name", text))
        }
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a unit: `etcd/0`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct UnitName {
    app: AppName,
    number: u32,
}

impl UnitName {
    /// The application that the unit belongs to.
    pub fn app(&self) -> &AppName {
        &self.app
    }

    /// The name of this unit's member of the etcd cluster.
    pub fn member(&self) -> MemberName {
        MemberName(format!("{}-{}", self.app, self.number))
    }
}

impl FromStr for UnitName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidId::new("unit name", text);
        let (app, unit) = text.split_once('/').ok_or_else(invalid)?;
        Ok(Self {
            app: app.parse().map_err(|_| invalid())?,
            number: number(unit).ok_or_else(invalid)?,
        })
    }
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.app, self.number)
    }
}

/// The name of a member of the etcd cluster: the unit's with `-` for `/`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct MemberName(String);

impl MemberName {
    /// The name as etcd's member list shows it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_cannot_escape_their_place_in_a_key() {
        assert!("0b047bb88ba93a70".parse::<RequestId>().is_ok());
        for text in ["", "-", "a/b", "../x", "a b", "a\0b", &"x".repeat(65)] {
            assert!(text.parse::<RequestId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_error_shows_a_line_of_a_hostile_text() {
        for text in ["\u{10ffff}".repeat(90), "x".repeat(90), "\0".repeat(90)] {
            let error = text.parse::<RequestId>().expect_err("no id");
            assert!(error.to_string().chars().count() <= 110, "{error}");
        }
    }

    #[test]
    fn a_relation_has_one_number() {
        assert_eq!("10".parse(), Ok(RelationId(10)));
        for text in ["", "+10", "010", "-1", "etcd-client:10"] {
            assert!(text.parse::<RelationId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_unit_is_a_member_of_the_same_name() {
        let unit: UnitName = "etcd/10".parse().expect("a unit name");
        assert_eq!(unit.member().as_str(), "etcd-10");
        assert!("etcd".parse::<UnitName>().is_err());
        assert!("etcd/x".parse::<UnitName>().is_err());
        assert!("etcd/+1".parse::<UnitName>().is_err());
    }

    #[test]
    fn a_common_name_has_one_to_64_printable_characters() {
        assert!("client1".parse::<CommonName>().is_ok());
        assert!("ü".repeat(64).parse::<CommonName>().is_ok());
        for text in ["", "a\nb", "a\u{7f}", &"x".repeat(65)] {
            assert!(text.parse::<CommonName>().is_err(), "{text:?}");
        }
    }
}
