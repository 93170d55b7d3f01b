//! Who is on the way into the cluster.

use super::super::observed::Observed;
use super::is_at;
use crate::model::{Cluster, Member, MemberName};

/// Whether a member is on its way into the cluster: what it does not do yet,
/// nobody has to see to.
pub(crate) fn is_joining(member: &Member) -> bool {
    member.learner || member.name.is_none()
}

/// The members that are on their way into the cluster, by their names; one that
/// has never started is known by its address alone, and may be nobody's.
pub(crate) fn joiners<'o>(observed: &'o Observed, cluster: &'o Cluster) -> Vec<&'o MemberName> {
    let others = observed.peers.iter().flat_map(|peers| &peers.others);
    let at = |member: &Member| {
        let mut others = others.clone();
        let found = others.find(|(_, bag)| {
            let address = bag.get("address");
            address.is_some_and(|address| is_at(member, address))
        });
        found.map(|(name, _)| name)
    };
    let joining = cluster.members.iter().filter(|member| is_joining(member));
    let mut names: Vec<_> = joining
        .filter_map(|member| member.name.as_ref().or_else(|| at(member)))
        .collect();
    names.sort();
    names
}
