//! Identifiers. Each is a type of its own and is compared whole.

use std::fmt;
use std::str::FromStr;

use juju_hooks::{AppName, InvalidId, RelationId, UnitName};
use serde::{Deserialize, Serialize};

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

/// The name of a member of the etcd cluster: the unit's with `-` for `/`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct MemberName(String);

impl MemberName {
    /// The name as etcd's member list shows it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name of this unit's member.
    pub fn of(unit: &UnitName) -> Self {
        Self(format!("{}-{}", unit.app(), unit.number()))
    }

    /// The unit of this application whose member has this name, if it is one.
    pub fn unit(&self, app: &AppName) -> Option<UnitName> {
        let number = self.0.strip_prefix(app.as_str())?.strip_prefix('-')?;
        format!("{app}/{number}").parse().ok()
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
    fn a_unit_is_a_member_of_the_same_name() {
        let unit: UnitName = "etcd/10".parse().expect("a unit name");
        assert_eq!(MemberName::of(&unit).as_str(), "etcd-10");
        let app = unit.app();
        assert_eq!(MemberName::of(&unit).unit(app), Some(unit.clone()));
        for other in ["etcd", "etcd-", "etcd-01", "etcd-x", "other-1", "etcd-1-1"] {
            assert_eq!(MemberName::new(other).unit(app), None, "{other}");
        }
    }
}
