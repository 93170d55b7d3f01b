//! Whether a member may be without an answer for a moment, be it stopped or busy:
//! the one question before a restart and before a defragmentation.

use super::members::own_member;
use crate::facts::observed::Observed;
use crate::facts::{Cluster, Known, MemberId};

/// Why a member must go on answering now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unsafe {
    /// The cluster has no leader.
    NoLeader,
    /// The members that answer would be too few for quorum without it.
    NoQuorum {
        /// How many of the other voting members answer.
        answering: usize,
        /// How many other voting members there are.
        others: usize,
    },
}

/// Whether the member of this unit may be restarted now, whatever for. Where no member
/// answers nothing is served that it could interrupt, and nothing that could be lost is
/// acknowledged.
///
/// # Errors
/// Why not.
pub(super) fn safe_to_restart(observed: &Observed) -> Result<(), Unsafe> {
    let Known::Known(cluster) = &observed.cluster else {
        return Ok(());
    };
    match own_member(observed, cluster) {
        Some(own) => safe_without(cluster, own.id),
        // Nobody counts on it.
        None => Ok(()),
    }
}

/// Whether this member may be without an answer for a moment: what remains must
/// keep quorum, unless the cluster is so small that it never could.
///
/// # Errors
/// Why not. What is not known to be well counts as not being well.
pub(super) fn safe_without(cluster: &Cluster, member: MemberId) -> Result<(), Unsafe> {
    let others: Vec<_> = cluster
        .members
        .iter()
        .filter(|other| !other.learner && other.id != member)
        .collect();
    if others.is_empty() {
        return Ok(());
    }
    if cluster.status.leader.is_none() {
        return Err(Unsafe::NoLeader);
    }
    let answering = others
        .iter()
        .filter(|other| cluster.answering.contains(&other.id))
        .count();
    let voters = others.len() + 1;
    let keeps_quorum = answering > voters / 2;
    if keeps_quorum || answering == others.len() {
        Ok(())
    } else {
        Err(Unsafe::NoQuorum {
            answering,
            others: others.len(),
        })
    }
}

/// Whether the voters that answer are a quorum of those that remain once this
/// member is off the list.
pub(super) fn keeps_quorum_without(cluster: &Cluster, gone: MemberId) -> bool {
    let remaining: Vec<_> = cluster
        .members
        .iter()
        .filter(|member| !member.learner && member.id != gone)
        .collect();
    let well = remaining
        .iter()
        .filter(|member| cluster.answering.contains(&member.id))
        .count();
    !remaining.is_empty() && well > remaining.len() / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::NoAnswer;
    use crate::plan::testing::Bench;

    #[test]
    fn a_member_is_stopped_only_where_the_rest_keeps_quorum() {
        // Voters, how many of the others answer, and whether it may.
        for (voters, well, is_safe) in [
            (1, 0, true),
            (2, 1, true),
            (2, 0, false),
            (3, 2, true),
            (3, 1, false),
            (3, 0, false),
            (4, 3, true),
            (4, 2, false),
            (5, 4, true),
            (5, 3, true),
            (5, 2, false),
        ] {
            let mut bench = Bench::new(voters);
            bench.cluster.answering = (0..=well).map(|unit| MemberId(100 + unit)).collect();
            let decision = safe_without(&bench.cluster, MemberId(100));
            assert_eq!(
                decision.is_ok(),
                is_safe,
                "{well} others of {voters} answer"
            );
        }
        let mut bench = Bench::new(3);
        bench.cluster.status.leader = None;
        let decision = safe_without(&bench.cluster, MemberId(100));
        assert_eq!(decision, Err(Unsafe::NoLeader));
        // A learner has no part in the quorum, however well it is.
        let mut bench = Bench::new(4);
        bench.cluster.members[3].learner = true;
        bench.cluster.answering.remove(&MemberId(102));
        assert_eq!(
            safe_without(&bench.cluster, MemberId(100)),
            Err(Unsafe::NoQuorum {
                answering: 1,
                others: 2
            })
        );
    }

    /// Before a restart, whatever it is for, and before a defragmentation it is the same
    /// question.
    #[test]
    fn a_restart_asks_the_same_question() {
        let mut bench = Bench::new(3);
        bench.cluster.answering = [MemberId(100)].into();
        bench.observed.cluster = Known::Known(bench.cluster.clone());
        let refused = Unsafe::NoQuorum {
            answering: 0,
            others: 2,
        };
        assert_eq!(safe_to_restart(&bench.observed), Err(refused));
        assert_eq!(safe_without(&bench.cluster, MemberId(100)), Err(refused));
        // Nobody answers: there is nothing that it could interrupt.
        bench.observed.cluster = Known::Unknown(NoAnswer::NoLeader);
        assert_eq!(safe_to_restart(&bench.observed), Ok(()));
    }
}
