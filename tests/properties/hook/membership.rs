//! Steps that concern who is a member.

use std::collections::BTreeSet;

use etcd_charm::facts::{Member, MemberId, MemberIdentity};
use etcd_charm::plan::membership::MembershipStep;

use super::{Next, World};

impl World {
    pub(super) fn change_membership(&mut self, unit: usize, step: MembershipStep) -> Next {
        match step {
            MembershipStep::EnableAuthentication => {
                self.etcd.authentication = true;
                self.etcd
                    .users
                    .insert("root".into(), ["root".into()].into());
                self.etcd.roles.insert("root".into(), BTreeSet::new());
            }
            MembershipStep::AddLearner(peer_url) => {
                // As etcd itself does with its strict check.
                if self.etcd.members.iter().any(|member| member.learner) {
                    return Next::Failed;
                }
                let id = self.etcd.members.iter().map(|member| member.id).max();
                let id = MemberId(id.unwrap_or_default().0 + 1);
                let cluster = 9;
                let identity = MemberIdentity {
                    member: id,
                    cluster,
                };
                self.units[unit].machine.identity = Some(identity);
                self.etcd.members.push(Member {
                    id,
                    name: None,
                    peer_urls: vec![peer_url],
                    client_urls: Vec::new(),
                    learner: true,
                });
            }
            MembershipStep::Move(id, peer_url) => {
                for member in &mut self.etcd.members {
                    if member.id == id {
                        member.peer_urls = vec![peer_url.clone()];
                    }
                }
            }
            MembershipStep::MoveLeader(id) => self.etcd.leader = Some(id),
            MembershipStep::Remove(id, _) => self.remove_member(id),
            MembershipStep::Join(bootstrap) => {
                self.units[unit].machine.bootstrap = Some(bootstrap);
                self.units[unit].machine.may_begin = true;
            }
            MembershipStep::Promote(id) => {
                for member in &mut self.etcd.members {
                    if member.id == id {
                        member.learner = false;
                    }
                }
            }
        }
        Next::Further
    }
}
