//! Why something is not done now, in words.

mod parameter;
mod refusal;

pub use parameter::parameter;
pub use refusal::{after_revocation, no_name, refusal};

use crate::facts::observed::NotEnded;
use crate::facts::{AppName, NoAnswer, NoRead, Silence, UnitName};
use crate::plan::ReleaseFault;
use crate::plan::advisory::{Advice, Way};
use crate::plan::refusal::{DefragRefusal, Unfit};
use crate::plan::restart::{AuthorityFault, RestartWait};
use crate::plan::safety::Unsafe;

/// Where to run what only the leader may do, as the end of a sentence. The command names
/// no unit: who has noted last that it leads may do so no more, and `leader` is always
/// whoever does. The unit is named beside it for what has to be brought there first.
pub fn on_leader(noted: Option<&UnitName>, app: &AppName, action: &str) -> String {
    let noted = noted.map(|unit| format!(" ({unit} when last seen)"));
    let noted = noted.unwrap_or_default();
    format!("Juju's leader{noted}: juju run {app}/leader {action}")
}

/// Why it is not safe now that a member does not answer for a moment.
pub fn not_safe(reason: Unsafe) -> String {
    match reason {
        Unsafe::NoLeader => "the cluster has no leader".to_owned(),
        Unsafe::NoQuorum { answering, others } => {
            format!("{answering} of {others} other members answer")
        }
    }
}

/// Why etcd cannot be asked.
pub fn no_answer(reason: &NoAnswer) -> String {
    let text = match reason {
        NoAnswer::NoCertificate => "this unit has no administrator's certificate yet",
        NoAnswer::NoMember => "no member is known yet",
        NoAnswer::NoLeader => "the members elect a leader",
        NoAnswer::Disagreement => "the cluster does not agree in time",
        NoAnswer::Minority(_) => "the majority of the members is lost",
        NoAnswer::Failed(error) => return error.to_string(),
    };
    text.to_owned()
}

/// Why this machine cannot end the connections of clients.
pub fn not_ended(reason: &NotEnded) -> String {
    match reason {
        NotEnded::Left(count) => format!("this kernel leaves {count} connections open"),
        NotEnded::Failed(error) => error.to_string(),
    }
}

/// Why a member says nothing.
pub fn silence(silence: &Silence) -> String {
    match silence {
        Silence::NotStarted => "it has not started yet".to_owned(),
        Silence::Failed(error) => error.to_string(),
    }
}

/// Why a member serves no reads.
pub fn no_read(reason: &NoRead) -> String {
    match reason {
        NoRead::NoVote => "it has no vote yet, and serves nobody".to_owned(),
        NoRead::Failed(error) => error.to_string(),
    }
}

/// Why etcd of this unit is not restarted now.
pub fn restart(wait: &RestartWait) -> String {
    let text = match wait {
        RestartWait::Starting => "it is still starting",
        RestartWait::OtherMember => "another member restarts",
        RestartWait::Authority(AuthorityFault::Unknown) => "the admin authority is not known yet",
        RestartWait::Authority(AuthorityFault::Unreadable) => "the admin authority is unreadable",
        RestartWait::NotAMember => "this unit is not on the member list",
        RestartWait::TrustFile(error) => return error.to_string(),
        RestartWait::Unsafe(reason) => return not_safe(*reason),
    };
    text.to_owned()
}

/// Why a unit cannot join with the etcd that it has, and what to attach.
pub fn release(fault: &ReleaseFault) -> String {
    match fault {
        ReleaseFault::Archive(reason) => reason.to_string(),
        ReleaseFault::CannotJoin {
            members,
            own,
            instead,
        } => format!("attach {instead}: etcd {own} cannot join members that run {members}"),
        ReleaseFault::Unreadable(reason) => {
            format!("attach another etcd: this one does not say its version ({reason})")
        }
    }
}

/// What somebody who runs a version of etcd should know and do, in full.
pub fn advice(advice: &Advice) -> String {
    let Advice { version, open, way } = advice;
    let open = format!("etcd {version} is open to {}", open.join(", "));
    let Some(Way { first, to }) = way else {
        return open;
    };
    let attach = match first {
        Some(first) => format!("attach {first}, then"),
        None => "attach".to_owned(),
    };
    let (major, minor) = (to.major, to.minor);
    format!("{attach} etcd {to} or newer of {major}.{minor}: {open}")
}

/// Why a member cannot be defragmented, as the end of a sentence about it.
pub fn unfit(reason: Unfit) -> &'static str {
    match reason {
        Unfit::Learner => "has no vote yet; etcd lets nobody defragment such a member",
        Unfit::Silent => "does not answer",
    }
}

/// What is wrong with the name of a member to be defragmented, as the end of a
/// sentence that the parameter begins.
pub fn no_defragmentation(refusal: &DefragRefusal) -> String {
    match refusal {
        DefragRefusal::NotAMember(names) => format!("is no member; there are {}", names.join(", ")),
        DefragRefusal::Unfit(reason) => format!("cannot be done: it {}", unfit(*reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::advisory;

    #[test]
    fn the_way_to_a_safe_release_is_told() {
        let told = |version: &str| {
            let version = version.parse().expect("a version");
            advisory::advice(&version).map(|found| advice(&found))
        };
        let way = "attach a release of 3.5 first, then etcd 3.6.14 or newer of 3.6: ";
        let text = told("3.4.23").expect("some are open");
        assert!(text.starts_with(way), "{text}");
        assert_eq!(
            told("3.7.0").as_deref(),
            Some("attach etcd 3.7.1 or newer of 3.7: etcd 3.7.0 is open to GHSA-xg4h-6gfc-h4m8")
        );
    }

    #[test]
    fn the_leader_is_named_where_it_is_known_and_the_command_is_right_whoever_leads() {
        let app = "etcd".parse().expect("a name");
        let unit = "etcd/1".parse().expect("a unit");
        assert_eq!(
            on_leader(Some(&unit), &app, "restore"),
            "Juju's leader (etcd/1 when last seen): juju run etcd/leader restore"
        );
        assert_eq!(
            on_leader(None, &app, "restore"),
            "Juju's leader: juju run etcd/leader restore"
        );
    }

    #[test]
    fn a_member_that_is_named_in_vain_is_explained() {
        let names = DefragRefusal::NotAMember(vec!["etcd-0".to_owned(), "etcd-1".to_owned()]);
        assert_eq!(
            no_defragmentation(&names),
            "is no member; there are etcd-0, etcd-1"
        );
        assert_eq!(
            no_defragmentation(&DefragRefusal::Unfit(Unfit::Silent)),
            "cannot be done: it does not answer"
        );
        assert!(
            no_defragmentation(&DefragRefusal::Unfit(Unfit::Learner))
                .contains("it has no vote yet")
        );
    }
}
