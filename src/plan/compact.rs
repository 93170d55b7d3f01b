//! Up to which revision the history of keys is dropped, and what etcd's answer means
//! to whoever has asked for it.

use super::refusal::ParameterFault;
use crate::facts::Compaction;

/// What an operator asks to be dropped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CompactRequest {
    /// The history before this revision; before the latest where there is none.
    pub revision: Option<u64>,
    /// Whether the work is waited for.
    pub physical: bool,
}

/// A compaction, with no choice left in it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CompactStep {
    /// The history before this revision is dropped.
    pub revision: u64,
    /// Whether the work is waited for.
    pub physical: bool,
}

impl CompactRequest {
    /// What is to be done in a cluster whose latest revision is this one.
    pub fn step(self, latest: u64) -> CompactStep {
        CompactStep {
            revision: self.revision.unwrap_or(latest),
            physical: self.physical,
        }
    }

    /// What came of the step: whether anything was dropped.
    ///
    /// # Errors
    /// There is no such revision, or no more.
    pub fn outcome(self, answer: Compaction, latest: u64) -> Result<bool, ParameterFault> {
        match (answer, self.revision) {
            (Compaction::Done, _) => Ok(true),
            // The latest one is only compacted where nothing was written since.
            (Compaction::Already, None) => Ok(false),
            (Compaction::Already, Some(revision)) => {
                Err(ParameterFault::Compacted(revision, latest))
            }
            (Compaction::Future, _) => Err(ParameterFault::Future(latest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_revision_is_meant_where_none_is_named() {
        let request = |revision| CompactRequest {
            revision,
            physical: true,
        };
        assert_eq!(request(None).step(9).revision, 9);
        assert_eq!(request(Some(7)).step(9).revision, 7);
        let outcome = |revision, answer| request(revision).outcome(answer, 9);
        assert_eq!(outcome(Some(7), Compaction::Done), Ok(true));
        assert_eq!(outcome(None, Compaction::Already), Ok(false));
        let compacted = Err(ParameterFault::Compacted(7, 9));
        assert_eq!(outcome(Some(7), Compaction::Already), compacted);
        let future = Err(ParameterFault::Future(9));
        assert_eq!(outcome(Some(12), Compaction::Future), future);
    }
}
