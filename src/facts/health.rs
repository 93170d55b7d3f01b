//! What a member says of itself beyond what every hook needs.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Alarm, AlarmKind, AppName, Cause, Member, MemberId, MemberName, MemberStatus};

/// All that a member says of itself; its own word, which needs no agreement
/// with the others and so no quorum.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MemberDetails {
    /// Who it is, whom it follows and which version it runs.
    pub status: MemberStatus,
    /// Size of its database file, in bytes.
    pub size: u64,
    /// How much of that is in use; the rest is given back by a defragmentation.
    pub in_use: u64,
    /// The size at which it takes no more writes; only 3.6 and newer tell it.
    pub quota: Option<u64>,
    /// The latest revision of the keys that it has applied.
    pub revision: u64,
    /// What it finds wrong, alarms among it, in etcd's words.
    pub errors: Vec<String>,
}

impl MemberDetails {
    /// How much of the database file is free space within it, in percent.
    pub fn fragmentation(&self) -> u64 {
        let free = self.size.saturating_sub(self.in_use);
        // An empty file is not fragmented.
        free.saturating_mul(100).checked_div(self.size).unwrap_or(0)
    }

    /// The alarms among what a member finds wrong, its own and those of others, as Protobuf's text form writes it:
    /// `memberID:10276657743932975437 alarm:NOSPACE` (`v3rpc/maintenance.go`,
    /// `Status`).
    pub fn alarms(&self) -> BTreeSet<Alarm> {
        Self::alarms_in(&self.errors)
    }

    /// The same, of errors that are nobody's yet.
    pub fn alarms_in(errors: &[String]) -> BTreeSet<Alarm> {
        errors.iter().filter_map(|error| alarm(error)).collect()
    }
}

fn alarm(text: &str) -> Option<Alarm> {
    let field = |name: &str| {
        let mut words = text.split_whitespace();
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix(':'))
    };
    Some(Alarm {
        // Protobuf leaves out a zero.
        member: MemberId(field("memberID").map_or(Some(0), |id| id.parse().ok())?),
        kind: match field("alarm")? {
            "NOSPACE" => AlarmKind::NoSpace,
            "CORRUPT" => AlarmKind::Corrupt,
            _ => AlarmKind::Other,
        },
    })
}

/// What became of a compaction.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compaction {
    /// The history before the revision is gone.
    Done,
    /// It was gone before.
    Already,
    /// There is no such revision yet.
    Future,
}

/// The members, and what each of them said.
#[derive(Clone, Debug)]
pub struct Health {
    /// The application that they are of.
    pub app: AppName,
    /// In the order of their names.
    pub members: Vec<MemberHealth>,
}

/// One member.
#[derive(Clone, Debug)]
pub struct MemberHealth {
    /// Its entry in the member list.
    pub member: Member,
    /// What it is called. Before its first start that is not on the list, and then
    /// it is the name that the unit at its address is going to give it.
    pub name: Option<MemberName>,
    /// What it said.
    pub answer: Answer,
}

/// What a member said when it was asked.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Nothing, and why.
    Unreachable(Silence),
    /// How it is, and how long a read took that needs the agreement of the
    /// cluster; or why there was none.
    Answers(Box<MemberDetails>, Result<Duration, NoRead>),
}

/// Why a member says nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Silence {
    /// It has not started yet.
    NotStarted,
    /// It failed the call with this.
    Failed(Cause),
}

/// Why a member serves no reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoRead {
    /// It has no vote yet, and serves nobody.
    NoVote,
    /// It failed one with this.
    Failed(Cause),
}

impl MemberHealth {
    /// A member of the list, and what it said; `unit` is the one at its address.
    pub fn new(member: Member, unit: Option<&MemberName>, answer: Answer) -> Self {
        let name = member.name.as_ref().or(unit).cloned();
        Self {
            name,
            member,
            answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(size: u64, in_use: u64, errors: &[&str]) -> MemberDetails {
        MemberDetails {
            status: MemberStatus {
                member: MemberId(1),
                leader: None,
                version: "3.4.23".parse().expect("a version"),
                learner: false,
                alarms: BTreeSet::new(),
            },
            size,
            in_use,
            quota: None,
            revision: 1,
            errors: errors.iter().map(|error| (*error).to_owned()).collect(),
        }
    }

    #[test]
    fn fragmentation_is_what_is_not_in_use() {
        for (size, in_use, percent) in [(100, 100, 0), (200, 50, 75), (0, 0, 0), (1, 2, 0)] {
            let details = details(size, in_use, &[]);
            assert_eq!(details.fragmentation(), percent, "{in_use} of {size}");
        }
    }

    #[test]
    fn alarms_are_read_from_what_a_member_finds_wrong() {
        let details = details(
            1,
            1,
            &[
                "etcdserver: no leader",
                "memberID:10276657743932975437 alarm:NOSPACE ",
                "memberID:7  alarm:CORRUPT",
                "alarm:NEW",
            ],
        );
        let alarm = |member, kind| Alarm {
            member: MemberId(member),
            kind,
        };
        let alarms: Vec<_> = details.alarms().into_iter().collect();
        assert_eq!(
            alarms,
            [
                alarm(0, AlarmKind::Other),
                alarm(7, AlarmKind::Corrupt),
                alarm(10_276_657_743_932_975_437, AlarmKind::NoSpace),
            ]
        );
    }
}
