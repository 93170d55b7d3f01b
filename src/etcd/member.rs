//! Members of the cluster.

use etcd_client::MemberAddOptions;

use super::{Client, EtcdError};
use crate::facts::{Member, MemberId, MemberIdentity, MemberName, MemberStatus};

impl Client {
    /// The member list, in etcd's own order.
    ///
    /// # Errors
    /// etcd failed the call.
    pub async fn members(&self) -> Result<Vec<Member>, EtcdError> {
        let mut client = self.inner.cluster_client();
        let answer = self
            .call_settled("list members", async || client.member_list().await)
            .await?;
        let members = answer.members().iter().map(|member| Member {
            id: MemberId(member.id()),
            // An unstarted member has no name; that is no error.
            name: Some(member.name())
                .filter(|name| !name.is_empty())
                .map(MemberName::new),
            peer_urls: member.peer_urls().to_vec(),
            client_urls: member.client_urls().to_vec(),
            learner: member.is_learner(),
        });
        Ok(members.collect())
    }

    /// What the member that answers says of itself.
    ///
    /// # Errors
    /// etcd failed the call, or its version is no version.
    pub async fn status(&self) -> Result<MemberStatus, EtcdError> {
        Ok(self.details().await?.status)
    }

    /// Adds a member without a vote, to be promoted when it has caught up.
    /// Which one it is; `None` while etcd thinks it too early: a member that came
    /// last must have been connected for some seconds, and only one may learn at a
    /// time.
    ///
    /// # Errors
    /// etcd refused or failed the call.
    pub async fn add_learner(&self, peer_url: &str) -> Result<Option<MemberIdentity>, EtcdError> {
        let mut client = self.inner.cluster_client();
        let options = MemberAddOptions::new().with_is_learner();
        let added = self
            .call_settled(format!("add member {peer_url}"), async || {
                client
                    .member_add(vec![peer_url.to_owned()], Some(options.clone()))
                    .await
            })
            .await;
        match added {
            Ok(answer) => {
                let member = answer.member().map(|member| MemberId(member.id()));
                let cluster = answer.header().map(etcd_client::ResponseHeader::cluster_id);
                let identity = member.zip(cluster);
                Ok(identity.map(|(member, cluster)| MemberIdentity { member, cluster }))
            }
            Err(error) if error.says(&["unhealthy cluster", "too many learner members"]) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives a learner its vote. `false` while etcd says that it has not
    /// caught up yet.
    ///
    /// # Errors
    /// etcd refused or failed the call.
    pub async fn promote(&self, member: MemberId) -> Result<bool, EtcdError> {
        let mut client = self.inner.cluster_client();
        let answer = self
            .call_settled(format!("promote member {member}"), async || {
                client.member_promote(member.0).await
            })
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.says(&["in sync with leader"]) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Takes a member off the list; that it is not on it is success. `false`
    /// while etcd thinks it too early, since another member has not been
    /// connected for long enough.
    ///
    /// # Errors
    /// etcd refused or failed the call.
    pub async fn remove(&self, member: MemberId) -> Result<bool, EtcdError> {
        let mut client = self.inner.cluster_client();
        let removed = self
            .call_settled(format!("remove member {member}"), async || {
                client.member_remove(member.0).await
            })
            .await;
        match removed {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_there() => Ok(true),
            Err(error) if error.says(&["unhealthy cluster"]) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Says where peers reach a member from now on.
    ///
    /// # Errors
    /// etcd refused or failed the call.
    pub async fn set_peer_url(&self, member: MemberId, peer_url: &str) -> Result<(), EtcdError> {
        let mut client = self.inner.cluster_client();
        self.call_settled(format!("move member {member} to {peer_url}"), async || {
            client
                .member_update(member.0, vec![peer_url.to_owned()])
                .await
        })
        .await
        .map(drop)
    }

    /// Moves the leadership of the cluster to another voter. It has to be
    /// asked of the leader: `false` if the member that is asked does not lead,
    /// or not any more, as one that does not run, if the other has no vote any
    /// more, or nobody knows what came of it. Whoever asked has to look again.
    ///
    /// # Errors
    /// etcd refused or failed the call.
    pub async fn move_leader(&self, to: MemberId) -> Result<bool, EtcdError> {
        let mut client = self.inner.maintenance_client();
        let moved = self
            .call(
                format!("move leadership to member {to}"),
                client.move_leader(to.0),
            )
            .await;
        match moved {
            Ok(_) => Ok(true),
            Err(error)
                if error.is_of_unknown_outcome()
                    || error.says(&["not leader", "bad leader transferee"]) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
