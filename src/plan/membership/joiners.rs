//! Who is on the way into the cluster.

use super::is_at;
use crate::facts::observed::{Observed, Peers};
use crate::facts::{Cluster, Member, MemberName};

/// Whether a member is on its way into the cluster: what it does not do yet,
/// nobody has to see to.
pub(crate) fn is_joining(member: &Member) -> bool {
    member.learner || member.name.is_none()
}

/// The members that are on their way into the cluster, by their names; one that
/// has never started is known by its address alone, and may be nobody's.
pub(crate) fn joiners<'o>(observed: &'o Observed, cluster: &'o Cluster) -> Vec<&'o MemberName> {
    let at = |member: &Member| unit_at(observed.peers.as_ref()?, member);
    let joining = cluster.members.iter().filter(|member| is_joining(member));
    let mut names: Vec<_> = joining
        .filter_map(|member| member.name.as_ref().or_else(|| at(member)))
        .collect();
    names.sort();
    names
}

/// The member that another unit's is to become, by the address at which the
/// others are to reach it.
pub fn unit_at<'p>(peers: &'p Peers, member: &Member) -> Option<&'p MemberName> {
    let mut others = peers.others.iter();
    let found = others.find(|(_, unit)| {
        let address = unit.address.as_ref();
        address.is_some_and(|address| is_at(member, address))
    });
    found.map(|(name, _)| name)
}
