//! Members on the list that no unit has any more.

use crate::facts::observed::Observed;
use crate::facts::{Cluster, Member, MemberId, MemberName};
use crate::plan::members::is_at;
use crate::plan::safety::keeps_quorum_without;

/// A member whose unit has left, if the leader may take it off the list now. A
/// unit that this one has only not met yet is no such unit.
pub(super) fn without_unit(observed: &Observed, cluster: &Cluster) -> Option<MemberId> {
    if !observed.leader {
        return None;
    }
    // A member on record was a unit's once. One that an operator has added under
    // the name of a unit never was, and stays.
    let lost_its_unit = |name: &MemberName| {
        let units = observed.units.as_ref();
        units.is_some_and(|units| !units.contains(name))
            && cluster.ledger.members.contains_key(name)
    };
    let has_left = |member: &&Member| match &member.name {
        Some(name) => observed.departed.contains_key(name) || lost_its_unit(name),
        // It was added and never started; only its address tells whose it was.
        None => {
            observed
                .departed
                .values()
                .flatten()
                .any(|address| is_at(member, address))
                || is_nobodys(observed, member)
        }
    };
    cluster
        .members
        .iter()
        .find(has_left)
        .map(|member| member.id)
        .filter(|id| keeps_quorum_without(cluster, *id))
}

/// Whether a learner that never started was added for a unit that is gone: every
/// unit that there is has told where it is, and none is there.
fn is_nobodys(observed: &Observed, member: &Member) -> bool {
    let (Some(units), Some(peers)) = (&observed.units, observed.peers.read()) else {
        return false;
    };
    let own = observed.member();
    let is_elsewhere = |unit: &MemberName| match peers.others.get(unit) {
        Some(unit) => {
            let published = unit.address.iter().chain(&unit.ingress_address);
            let mut published = published.peekable();
            published.peek().is_some() && published.all(|address| !is_at(member, address))
        }
        None => false,
    };
    let own_address = observed.machine.address.as_deref();
    member.learner
        && own_address.is_some_and(|address| !is_at(member, address))
        && units.iter().filter(|unit| **unit != own).all(is_elsewhere)
}

/// A member in the place of this unit, which has none: an earlier one of its own,
/// or that of a unit that had its address.
pub(super) fn in_our_place<'c>(
    observed: &Observed,
    cluster: &'c Cluster,
    peer_url: &str,
) -> Option<&'c Member> {
    let own = observed.member();
    let address = observed.machine.address.as_deref()?;
    let is_in_our_place = |member: &&Member| match &member.name {
        Some(name) => *name == own || member.peer_urls.iter().any(|url| url == peer_url),
        None => is_at(member, address),
    };
    cluster.members.iter().find(is_in_our_place)
}
