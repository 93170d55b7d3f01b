//! How far a member has come, by its own word.

use super::MemberId;

/// What one member says of its own copy of the data.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct RaftProgress {
    /// The raft term that it knows. Members stand for election only where they
    /// would win it (`pre-vote`), so it does not grow in a member that is cut
    /// off.
    pub term: u64,
    /// The last entry that it knows to be agreed on.
    pub index: u64,
    /// The last entry that is in its database.
    pub applied: u64,
    /// The revision of its keys.
    pub revision: i64,
    /// The member that leads, if it knows one.
    pub leader: Option<MemberId>,
    /// The member itself.
    pub member: MemberId,
    /// Whether it follows without a vote.
    pub learner: bool,
}
