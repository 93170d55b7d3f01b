//! How far a member has come, by its own word. It needs no quorum for that.

use super::{Client, EtcdError};
use crate::facts::MemberId;

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

impl Client {
    /// What the member that answers says of its copy.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn raft_progress(&self) -> Result<RaftProgress, EtcdError> {
        let mut client = self.inner.maintenance_client();
        let answer = self
            .call("get the status of the member", client.status())
            .await?;
        let header = answer.header();
        Ok(RaftProgress {
            term: answer.raft_term(),
            index: answer.raft_index(),
            applied: answer.raft_applied_index(),
            revision: header.map_or(0, |header| header.revision()),
            leader: Some(MemberId(answer.leader())).filter(|id| id.0 != 0),
            member: MemberId(header.map_or(0, |header| header.member_id())),
            learner: answer.is_learner(),
        })
    }
}
