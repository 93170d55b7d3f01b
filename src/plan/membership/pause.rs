//! Whether a cluster without a member to spare may pause for a client.

use crate::facts::observed::Observed;
use crate::facts::{Cluster, Member};

/// After how many regular passes in a row, which come five minutes apart, a
/// member that was unreachable in each is not waited for any more. A machine that
/// boots is back before the second, and a restart or an election long before.
const GIVEN_UP_AFTER: u32 = 2;

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
    let is_expected = |member: &Member| {
        let name = member.name.as_ref().filter(|name| **name != own);
        let passes = name.and_then(|name| observed.unreachable.get(name));
        let is_given_up = passes.is_some_and(|passes| *passes >= GIVEN_UP_AFTER);
        !member.learner && !cluster.answers(member.id) && !is_given_up
    };
    cluster.status.leader.is_some() && !cluster.members.iter().any(is_expected)
}
