//! Who is a member of the cluster, one change at a time.

mod departed;
mod pause;
#[cfg(test)]
mod tests;

use self::departed::{in_our_place, without_unit};
pub(super) use pause::may_pause;

use super::configuration::is_outdated;
use super::members::{is_joining, member_url, own_member};
use super::safety::keeps_quorum_without;
use super::{ReleaseFault, Report, Wait, upgrade};
use crate::facts::observed::{Observed, Pass};
use crate::facts::{Bootstrap, Cluster, Known, Member, MemberId};

/// A change of who is a member, or of how they trust each other.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MembershipStep {
    /// Makes `root` the administrator and switches authentication on.
    EnableAuthentication,
    /// Adds this unit as a member without a vote.
    AddLearner(String),
    /// This unit is on the member list: remembers the words to join with.
    Join(Bootstrap),
    /// Gives this unit's member, which follows without a vote, its vote.
    Promote(MemberId),
    /// Tells the others the new address of this unit's member.
    Move(MemberId, String),
    /// Moves the leadership of the cluster to this member.
    MoveLeader(MemberId),
    /// Takes a member off the member list, asking at this client URL where that
    /// must not be our own.
    Remove(MemberId, Option<String>),
}

/// Where the others should reach this unit's member.
fn own_peer_url(observed: &Observed) -> Option<String> {
    let address = observed.machine.address.as_deref()?;
    Some(member_url(address, observed.options.peer_port))
}

/// The URL that the others have yet to learn, where they know another one.
pub(super) fn new_peer_url(observed: &Observed, own: &Member) -> Option<String> {
    own_peer_url(observed).filter(|url| own.peer_urls != [url.as_str()])
}

/// The next step of membership; `None` when there is none, or when the report
/// says what is waited for.
pub(super) fn plan(observed: &Observed, report: &mut Report) -> Option<MembershipStep> {
    if observed.pass == Pass::Event {
        return None;
    }
    let cluster = match &observed.cluster {
        Known::Known(cluster) => cluster,
        Known::Unknown(_) if observed.machine.bootstrap.is_none() => {
            report.wait_for(wait_for_cluster(observed));
            return None;
        }
        Known::Unknown(_) => return None,
    };
    if observed.machine.bootstrap.is_none() {
        return join(observed, cluster, report);
    }
    if observed.machine.has_lost_its_data() {
        let step = leave(observed, cluster);
        if step.is_none()
            && let Some(peers) = observed.peers.read()
        {
            report.wait_for(super::bootstrap::lost_member(peers));
        }
        return step;
    }
    if cluster.authentication == Some(false) {
        return Some(MembershipStep::EnableAuthentication);
    }
    if let Some(gone) = without_unit(observed, cluster) {
        return Some(MembershipStep::Remove(gone, None));
    }
    let own = own_member(observed, cluster)?;
    if let Some(url) = new_peer_url(observed, own)
        && !moves_with_its_restart(observed, cluster, own)
    {
        return Some(MembershipStep::Move(own.id, url));
    }
    own.learner.then_some(MembershipStep::Promote(own.id))
}

/// What a unit waits for that is no member yet and cannot ask any.
fn wait_for_cluster(observed: &Observed) -> Wait {
    let Some(peers) = observed.peers.read() else {
        return Wait::PeerRelation;
    };
    let initial_member = peers.app.generation.initial_member.as_ref();
    match initial_member.and_then(|initial_member| initial_member.unit(observed.unit.app())) {
        _ if peers.app.is_bootstrapped => Wait::Reach,
        Some(unit) => Wait::Bootstrap(unit),
        None => Wait::Authorities,
    }
}

/// Whether the others are told of a new URL only when this member, which serves
/// under the old one, restarts in its turn. Told at once, they would look for it
/// where it is not, all members at the same time. One that does not answer is
/// not where they look for it anyway, and may need to be found to answer again.
fn moves_with_its_restart(observed: &Observed, cluster: &Cluster, own: &Member) -> bool {
    is_outdated(observed) && cluster.answers(own.id)
}

/// How this unit leaves the cluster, step by step; `None` when nothing is left
/// to do but to stop. What remains must keep its quorum. Where that is not
/// known this unit just stops, and the leader takes it off the list.
pub(super) fn leave(observed: &Observed, cluster: &Cluster) -> Option<MembershipStep> {
    let own = own_member(observed, cluster)?;
    let others: Vec<&Member> = cluster
        .members
        .iter()
        .filter(|member| member.id != own.id && cluster.answering.contains(&member.id))
        .collect();
    if !keeps_quorum_without(cluster, own.id) {
        return None;
    }
    // One that does not answer cannot hand over, and leads no longer than until the
    // others have noticed.
    if cluster.status.leader == Some(own.id) && cluster.answers(own.id) {
        let transferee = others.iter().find(|member| !member.learner)?;
        return Some(MembershipStep::MoveLeader(transferee.id));
    }
    // Asked of itself, it would stop before it has answered.
    let url = others
        .iter()
        .find_map(|member| member.client_urls.first())?;
    Some(MembershipStep::Remove(own.id, Some(url.clone())))
}

/// Why this unit cannot join with the etcd that it has, if so. Its resource may
/// be one that the members have refused: among them it would be a release that
/// cannot go on with what they write, or that they cannot go on with.
fn refused_release(observed: &Observed, cluster: &Cluster) -> Option<Wait> {
    match observed.machine.release.as_ref()? {
        Known::Known(own) => {
            let members = &cluster.status.version;
            let instead = upgrade::instead(members, own)?;
            Some(Wait::Release(ReleaseFault::CannotJoin {
                members: members.clone(),
                own: own.clone(),
                instead,
            }))
        }
        Known::Unknown(reason) => Some(Wait::Release(ReleaseFault::Unreadable(reason.clone()))),
    }
}

/// How a unit without a member gets one. It joins as nobody but the member that
/// was added for it: one that is on the list already may have promised what this
/// unit has no data of.
fn join(observed: &Observed, cluster: &Cluster, report: &mut Report) -> Option<MembershipStep> {
    if let Some(refused) = refused_release(observed, cluster) {
        report.wait_for(refused);
        return None;
    }
    let peer_url = own_peer_url(observed)?;
    let added = observed.machine.identity.map(|identity| identity.member);
    if let Some(own) = cluster
        .members
        .iter()
        .find(|member| Some(member.id) == added)
    {
        return Some(MembershipStep::Join(words(observed, cluster, own)?));
    }
    if let Some(ghost) = in_our_place(observed, cluster, &peer_url) {
        // The unit may have moved, and be about to tell the others.
        let name = ghost.name.as_ref().filter(|name| {
            let peers = observed.peers.read();
            !observed.departed.contains_key(name)
                && peers.is_none_or(|peers| peers.others.contains_key(name))
        });
        if let Some(unit) = name.and_then(|name| name.unit(observed.unit.app())) {
            report.wait_for(Wait::Address(unit));
            return None;
        }
        if keeps_quorum_without(cluster, ghost.id) {
            return Some(MembershipStep::Remove(ghost.id, None));
        }
        report.wait_for(Wait::OtherJoiner);
        return None;
    }
    if cluster.members.iter().any(is_joining) {
        report.wait_for(Wait::OtherJoiner);
        return None;
    }
    Some(MembershipStep::AddLearner(peer_url))
}

/// The words to join with as this member.
fn words(observed: &Observed, cluster: &Cluster, own: &Member) -> Option<Bootstrap> {
    let mut members: Vec<String> = cluster
        .members
        .iter()
        .flat_map(|member| {
            let name = match &member.name {
                _ if member.id == own.id => observed.member().to_string(),
                Some(name) => name.to_string(),
                None => member.id.to_string(),
            };
            let urls = member.peer_urls.iter();
            urls.map(|url| format!("{name}={url}")).collect::<Vec<_>>()
        })
        .collect();
    // etcd lists members by random numbers; the text is the same each time.
    members.sort();
    let peers = observed.peers.read()?;
    Some(Bootstrap {
        initial_cluster: members.join(","),
        existing: true,
        token: peers.newest().token.clone()?,
        generation: peers.generation(),
    })
}
