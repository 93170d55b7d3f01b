//! Identifiers. Each is a type of its own and is compared whole.

use std::fmt;

use juju_hooks::{AppName, UnitName};
use serde::{Deserialize, Serialize};

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

/// The identifier that etcd gave a member. It reads as in etcd's own log: in
/// hexadecimal digits.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct MemberId(pub u64);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_id_reads_as_in_etcds_log_and_is_stored_as_a_number() {
        let id = MemberId(0x8e9e_05c5_2164_694d);
        assert_eq!(id.to_string(), "8e9e05c52164694d");
        let stored = serde_json::to_string(&id).expect("a number");
        assert_eq!(stored, "10276657743932975437");
        let read: MemberId = serde_json::from_str(&stored).expect("an identifier");
        assert_eq!(read, id);
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
