//! Why something that an operator has set or attached is not taken, as a unit notes it
//! for itself: it was looked at once, and is told of for as long as it stands.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Version;

/// A reason as a unit has it noted, in the words of the revision of the charm that noted
/// it. Only a reason makes one, or what stands in a unit's state.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RefusalNote(String);

impl RefusalNote {
    /// As an operator reads it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) const fn new(words: String) -> Self {
        Self(words)
    }
}

impl fmt::Display for RefusalNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an archive is no etcd for this machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ArchiveFault {
    /// It cannot be read.
    Unreadable,
    /// This program is not in it.
    Lacks(&'static str),
    /// This program in it does not run here; the machine, in the names of etcd's
    /// releases.
    DoesNotRun(&'static str, &'static str),
}

/// Why a member is not started with another release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpgradeRefusal {
    /// What it runs.
    pub from: Version,
    /// What it is not started with.
    pub to: Version,
    /// What it can be started with.
    pub instead: Instead,
}

/// The release to attach instead of one that cannot follow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Instead {
    /// One of this series, which is that of the members.
    OfSeries(u32, u32),
    /// One of this series, on the way to the other.
    FirstOfSeries(u32, u32),
    /// This one of its series or a newer one, on the way to the other.
    FirstFrom(u32, u32, u32),
}

impl fmt::Display for ArchiveFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("attach a release of etcd: etcd.tar.gz is no archive"),
            Self::Lacks(program) => {
                write!(f, "attach a release of etcd: etcd.tar.gz has no {program}")
            }
            Self::DoesNotRun(program, machine) => write!(
                f,
                "attach a release of etcd for linux-{machine}: {program} in etcd.tar.gz does not run"
            ),
        }
    }
}

impl fmt::Display for UpgradeRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to, instead } = self;
        write!(f, "etcd {to} cannot follow {from}: attach {instead}")
    }
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfSeries(major, minor) => write!(f, "a release of {major}.{minor}"),
            Self::FirstOfSeries(major, minor) => write!(f, "a release of {major}.{minor} first"),
            Self::FirstFrom(major, minor, patch) => {
                write!(
                    f,
                    "{major}.{minor}.{patch} or newer of {major}.{minor} first"
                )
            }
        }
    }
}

impl From<ArchiveFault> for RefusalNote {
    fn from(fault: ArchiveFault) -> Self {
        Self::new(fault.to_string())
    }
}

impl From<UpgradeRefusal> for RefusalNote {
    fn from(refusal: UpgradeRefusal) -> Self {
        Self::new(refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As units have it on their disks: what an older or newer revision wrote stays.
    #[test]
    fn what_is_noted_is_a_text_and_stays_one() {
        let version = |text: &str| text.parse().expect("a version");
        let refusal = UpgradeRefusal {
            from: version("3.5.1"),
            to: version("3.6.16"),
            instead: Instead::FirstFrom(3, 5, 26),
        };
        for (noted, text) in [
            (
                ArchiveFault::Unreadable.into(),
                r#""attach a release of etcd: etcd.tar.gz is no archive""#,
            ),
            (
                ArchiveFault::Lacks("etcdctl").into(),
                r#""attach a release of etcd: etcd.tar.gz has no etcdctl""#,
            ),
            (
                ArchiveFault::DoesNotRun("etcd", "arm64").into(),
                r#""attach a release of etcd for linux-arm64: etcd in etcd.tar.gz does not run""#,
            ),
            (
                RefusalNote::from(refusal),
                r#""etcd 3.6.16 cannot follow 3.5.1: attach 3.5.26 or newer of 3.5 first""#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&noted).expect("JSON"), text);
            let read: RefusalNote = serde_json::from_str(text).expect("a text");
            assert_eq!(read, noted);
        }
    }
}
