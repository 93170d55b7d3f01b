//! How far a member has come, by its own word. It needs no quorum for that.

use super::{Client, EtcdError};
use crate::facts::{MemberId, RaftProgress};

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
