//! Whether a cluster may be recreated, from a snapshot or from what is left of it,
//! and from which data. How it is done stands in `apply::recreate`.

use super::refusal::{OwnFault, RecreationRefusal};
use crate::facts::{Bootstrap, MemberName, RaftProgress, Timestamp};

/// What a cluster is rebuilt from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// The data of this one of the members that answer.
    Member(usize),
    /// What this unit has on its own disk.
    OwnData,
}

/// What an operator says to a rebuild.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RebuildRequest {
    /// That the old cluster ends, with whatever only unreachable members have.
    pub confirm: bool,
    /// That this unit has the newest data there is.
    pub use_own_data: bool,
}

/// The member with the newest data, among these that answer: the highest term, then
/// what is agreed on and applied. One without a vote counts only where no other is
/// left.
pub fn newest<'p>(answers: impl IntoIterator<Item = &'p RaftProgress>) -> Option<usize> {
    let rank = |progress: &RaftProgress| {
        let come = (progress.term, progress.index, progress.applied);
        (!progress.learner, come)
    };
    let ranked = answers.into_iter().map(rank).enumerate();
    ranked.max_by_key(|(_, rank)| *rank).map(|(at, _)| at)
}

/// From what a cluster without a majority is rebuilt, where `newest` is the member
/// with the newest data.
///
/// # Errors
/// Nobody has said yet that it may be.
pub fn source(request: RebuildRequest, newest: Option<usize>) -> Result<Source, RecreationRefusal> {
    let source = match newest {
        Some(at) => Source::Member(at),
        None if request.use_own_data => Source::OwnData,
        None => return Err(RecreationRefusal::NobodyAnswers),
    };
    match request.confirm {
        true => Ok(source),
        false => Err(RecreationRefusal::Unconfirmed),
    }
}

/// Whether a snapshot is restored although the member of this unit does not serve:
/// where others do, what they have would be lost, and nobody could stop them in an
/// orderly way.
///
/// # Errors
/// It is not.
pub fn without_own_member(
    fault: OwnFault,
    is_served: bool,
    skip_backup: bool,
) -> Result<(), RecreationRefusal> {
    match skip_backup && !is_served {
        true => Ok(()),
        false => Err(RecreationRefusal::NotServed(fault, is_served)),
    }
}

/// The words of a new cluster that counts from now on: no databag tells of a
/// generation above `newest`.
pub fn bootstrap(
    member: &MemberName,
    peer_url: &str,
    newest: u64,
    now: Timestamp,
    token: String,
) -> Bootstrap {
    let now = u64::try_from(now.0).unwrap_or(0);
    Bootstrap {
        initial_cluster: format!("{member}={peer_url}"),
        existing: false,
        token,
        generation: now.max(newest + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::MemberId;

    fn progress(term: u64, index: u64, learner: bool) -> RaftProgress {
        RaftProgress {
            term,
            index,
            applied: index,
            revision: 1,
            leader: None,
            member: MemberId(1),
            learner,
        }
    }

    #[test]
    fn the_newest_data_is_that_of_the_highest_term_with_a_vote() {
        let behind = progress(3, 90, false);
        let ahead = progress(4, 10, false);
        let learner = progress(5, 100, true);
        assert_eq!(newest([&behind, &ahead, &learner]), Some(1));
        assert_eq!(newest([&progress(4, 9, false), &ahead]), Some(1));
        assert_eq!(newest([&learner]), Some(0));
        assert_eq!(newest([]), None);
    }

    #[test]
    fn a_rebuild_has_to_be_confirmed_and_data_to_come_from_somewhere() {
        let request = |confirm, use_own_data| RebuildRequest {
            confirm,
            use_own_data,
        };
        let unconfirmed = Err(RecreationRefusal::Unconfirmed);
        assert_eq!(source(request(false, false), Some(2)), unconfirmed);
        assert_eq!(source(request(false, true), None), unconfirmed);
        let nobody = Err(RecreationRefusal::NobodyAnswers);
        assert_eq!(source(request(true, false), None), nobody);
        assert_eq!(source(request(true, true), Some(2)), Ok(Source::Member(2)));
        assert_eq!(source(request(true, true), None), Ok(Source::OwnData));
    }

    #[test]
    fn nothing_is_restored_over_a_cluster_that_serves_elsewhere() {
        for (is_served, skip_backup, is_fine) in [
            (false, true, true),
            (false, false, false),
            (true, true, false),
            (true, false, false),
        ] {
            let decided = without_own_member(OwnFault::NoVote, is_served, skip_backup);
            assert_eq!(decided.is_ok(), is_fine, "{is_served} {skip_backup}");
        }
    }

    #[test]
    fn a_recreated_cluster_counts_more_than_any_other() {
        let member = MemberName::new("etcd-0");
        let generation = |newest, now| {
            let words = bootstrap(
                &member,
                "https://a:2380",
                newest,
                Timestamp(now),
                String::new(),
            );
            assert_eq!(words.initial_cluster, "etcd-0=https://a:2380");
            words.generation
        };
        assert_eq!(generation(0, 500), 500);
        // Clocks differ, and what counts must grow.
        assert_eq!(generation(600, 500), 601);
    }
}
