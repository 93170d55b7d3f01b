//! Whether a cluster without a member to spare may pause for a client.

use crate::facts::observed::Observed;
use crate::facts::{Cluster, Member};
use crate::plan::members::own_member;

/// After how many regular passes in a row, which come five minutes apart, a
/// member that was unreachable in each is not waited for any more. A machine that
/// boots is back before the second, and a restart or an election long before.
const GIVEN_UP_AFTER: u32 = 2;

/// How many passes longer the leader of the cluster waits, so that a follower is the one
/// that pauses. A leader asks the others for their release every few seconds. etcd 3.4 and
/// 3.5 set no time for the answer: where packets to a member are dropped, one that leads, or
/// did so when that began, does not stop until systemd kills it, and as long as it
/// does not, it neither serves nor lets the others elect a leader without it.
const LEADER_WAITS: u32 = 1;

/// Whether this unit's member may be restarted although what remains has no
/// quorum meanwhile. It is asked only for a client that no member lets in, and
/// for a restart that changes nothing but whom the member trusts.
///
/// A cluster of three that has lost one has no member to spare, exactly like one
/// of two: it pauses for as long as the restart takes. That is 0.7 s, and 5 s
/// where etcd has to give up a connection to the unreachable member first. Nothing is
/// lost by it: what was acknowledged is on the disks of both. The price is the
/// chance that the member does not come up again, so it is paid once, by one
/// member, and not while the unreachable one may come back by itself. Without it a
/// client would wait for as long as a machine takes to be replaced.
pub(crate) fn may_pause(observed: &Observed, cluster: &Cluster) -> bool {
    let own = observed.member();
    let leads =
        own_member(observed, cluster).is_some_and(|own| cluster.status.leader == Some(own.id));
    let given_up_after = match leads {
        true => GIVEN_UP_AFTER + LEADER_WAITS,
        false => GIVEN_UP_AFTER,
    };
    let is_expected = |member: &Member| {
        let name = member.name.as_ref().filter(|name| **name != own);
        let passes = name.and_then(|name| observed.unreachable.get(name));
        let is_given_up = passes.is_some_and(|passes| *passes >= given_up_after);
        !member.learner && !cluster.answers(member.id) && !is_given_up
    };
    cluster.status.leader.is_some() && !cluster.members.iter().any(is_expected)
}
