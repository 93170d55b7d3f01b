//! Which of the members of a cluster is whose, and where it is reached.

use crate::facts::observed::{Observed, Peers};
use crate::facts::tuning::CLIENT_PORT;
use crate::facts::{Cluster, Member, MemberName};
use crate::relation::peer::UnitData;
use crate::workload::configuration::etcd_config::{https_url, port_of};

/// Where a member with this address is reached at a port.
pub fn member_url(address: &str, port: u16) -> String {
    match address.parse() {
        Ok(address) => https_url(address, port),
        Err(_) => format!("https://{address}:{port}"),
    }
}

/// Where clients reach a unit that has told the others this. One that says
/// nothing of its port is of a revision that knows only the usual one.
pub fn client_url(unit: &UnitData) -> Option<String> {
    let address = unit.address.as_ref()?;
    Some(member_url(address, unit.client_port.unwrap_or(CLIENT_PORT)))
}

/// Whether the others reach this member at this address, whatever the port: it
/// may have changed since the member was added.
pub(super) fn is_at(member: &Member, address: &str) -> bool {
    let urls = &mut member.peer_urls.iter();
    urls.any(|url| port_of(url).is_some_and(|port| *url == member_url(address, port)))
}

/// Whether a member is on its way into the cluster: what it does not do yet,
/// nobody has to see to.
pub(super) fn is_joining(member: &Member) -> bool {
    member.learner || member.name.is_none()
}

/// The members that are on their way into the cluster, by their names; one that
/// has never started is known by its address alone, and may be nobody's.
pub(super) fn joiners<'o>(observed: &'o Observed, cluster: &'o Cluster) -> Vec<&'o MemberName> {
    let at = |member: &Member| unit_at(observed.peers.read()?, member);
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

/// Members that are of no unit of this application: an operator has added
/// them, or one of another cluster has. Each has a say in the quorum, so it is
/// told; none is ever removed.
pub(super) fn unmanaged_members(observed: &Observed, cluster: &Cluster) -> Vec<String> {
    let app = observed.unit.app().as_str();
    let is_of_a_unit = |name: &MemberName| {
        let number = name.as_str().strip_prefix(app)?.strip_prefix('-')?;
        number.parse::<u32>().ok()
    };
    let mut unmanaged_members: Vec<String> = cluster
        .members
        .iter()
        .filter(|member| match &member.name {
            Some(name) => is_of_a_unit(name).is_none(),
            // Units join without a vote.
            None => !member.learner,
        })
        .map(|member| member.called(observed.unit.app()))
        .collect();
    unmanaged_members.sort();
    unmanaged_members
}

/// This unit's member on the member list: by its identifier, and by its name
/// where that is not known.
pub fn own_member<'c>(observed: &Observed, cluster: &'c Cluster) -> Option<&'c Member> {
    let name = observed.member();
    let identity = observed.machine.identity;
    cluster.members.iter().find(|member| match identity {
        Some(identity) => member.id == identity.member,
        None => member.name.as_ref() == Some(&name),
    })
}
