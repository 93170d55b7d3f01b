//! What etcd says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use super::{AppName, CommonName, InvalidId, KeyRange, Ledger, MemberId, MemberName};

/// The cluster as one unit saw it at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cluster {
    /// The members, in etcd's own order.
    pub members: Vec<Member>,
    /// The members that answered when they were asked; only filled where there
    /// is more than one.
    pub answering: BTreeSet<MemberId>,
    /// What the member on this machine, or the one that answered in its
    /// place, says of itself.
    pub status: MemberStatus,
    /// Whether authentication is on; `None` where it was not asked.
    pub authentication: Option<bool>,
    /// At which revision of etcd's users and roles they are read, where this release of
    /// etcd tells and this pass asked.
    pub rights_revision: Option<u64>,
    /// The ledger.
    pub ledger: Ledger,
    /// Users and roles, for the names that mattered to this pass.
    pub access: BTreeMap<CommonName, Access>,
    /// What a client may have left behind that made itself `root`; `None` where
    /// that was not looked for.
    pub audit: Option<Audit>,
}

/// What was looked for in a release of etcd in which clients can become `root`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Audit {
    /// How many bytes the database of the member that answered has.
    pub size: u64,
    /// Whether somebody can log in as `root` with a password.
    pub root_has_password: bool,
    /// Users that are neither `root` nor in the ledger, with those of their roles
    /// that only `root`, or whoever is in the ledger, should have.
    pub usurpers: BTreeMap<String, BTreeSet<String>>,
    /// Users in the ledger as which somebody can log in with a password.
    pub passwords: BTreeSet<CommonName>,
}

impl Cluster {
    /// Whether a member answered when it was asked: where there is only one, it
    /// is the one that told all this.
    pub fn answers(&self, member: MemberId) -> bool {
        self.status.member == member || self.answering.contains(&member)
    }
}

/// One entry of the member list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// The identifier that etcd gave it.
    pub id: MemberId,
    /// The name it was started with; `None` until it has started once.
    pub name: Option<MemberName>,
    /// Where other members reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it; empty until it has started once.
    pub client_urls: Vec<String>,
    /// Whether it follows without a vote.
    pub learner: bool,
}

impl Member {
    /// What it is called where an operator of this application reads of it: by
    /// its unit if it is of one, and by its address until it has started once,
    /// when it has no name yet.
    pub fn called(&self, app: &AppName) -> String {
        match &self.name {
            Some(name) => match name.unit(app) {
                Some(unit) => unit.to_string(),
                None => format!("member {name}"),
            },
            None => {
                let url = self.peer_urls.first().map(String::as_str);
                let url = url.unwrap_or("an unknown address");
                format!("the member at {}", url.trim_start_matches("https://"))
            }
        }
    }
}

/// Something that etcd has found wrong, and reports until an operator has
/// dealt with it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Alarm {
    /// The identifier of the member that raised it.
    pub member: MemberId,
    /// What is wrong.
    pub kind: AlarmKind,
}

/// What an alarm says.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum AlarmKind {
    /// The database has reached its quota: no member takes writes.
    NoSpace,
    /// The data of the member differs from that of the others.
    Corrupt,
    /// One that this revision of the charm does not know.
    Other,
}

impl AlarmKind {
    /// etcd's own word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSpace => "NOSPACE",
            Self::Corrupt => "CORRUPT",
            Self::Other => "UNKNOWN",
        }
    }
}

impl fmt::Display for AlarmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a member says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MemberStatus {
    /// The member that answered.
    pub member: MemberId,
    /// The member that leads, if one does.
    pub leader: Option<MemberId>,
    /// The version of etcd that runs.
    pub version: Version,
    /// Whether it follows without a vote.
    pub learner: bool,
    /// The alarms that it knows of, its own and those of others.
    pub alarms: BTreeSet<Alarm>,
}

/// The user and the role of one name, as they are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Access {
    /// The roles of the user; `None` if there is no such user.
    pub user: Option<BTreeSet<String>>,
    /// The permissions of the role; `None` if there is no such role.
    pub role: Option<BTreeSet<Permission>>,
}

/// One permission of a role.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Permission {
    /// Whether it covers both reading and writing.
    pub read_write: bool,
    /// The keys it covers.
    pub range: KeyRange,
}

/// A version of etcd: `3.6.4`, also with a suffix such as `-rc.0`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
    text: String,
}

impl FromStr for Version {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once(['-', '+']).map_or(text, |(head, _)| head);
        let mut parts = numbers.split('.').map(str::parse::<u32>);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch)), None) => Ok(Self {
                major,
                minor,
                patch,
                text: text.to_owned(),
            }),
            _ => Err(InvalidId::new("version of etcd", text)),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text: &str| text.parse::<Version>().expect(text);
        assert!(version("3.4.9") < version("3.4.23"));
        assert_eq!(version("3.7.0-rc.0").minor, 7);
        assert_eq!(version("3.6.4").to_string(), "3.6.4");
        for text in ["", "3.6", "3.6.x", "v3.6.4", "3.6.4.1"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
