//! How a unit begins that has no member: it bootstraps the cluster, it takes over the
//! data of one whose units are all gone, or it waits for its turn to join. And
//! what becomes of one whose data is gone.

#[cfg(test)]
mod tests;

use super::machine::step::MachineStep;
use super::members::{member_url, own_member};
use super::{Report, Wait};
use crate::facts::observed::{Observed, Peers};
use crate::facts::{Bootstrap, Known, MemberData};
use crate::relation::peer::UnitData;

/// How a unit without a member begins: the initial member bootstraps the cluster, once, and all
/// others join it.
pub(super) fn begin(
    observed: &Observed,
    peers: &Peers,
    address: &str,
    report: &mut Report,
) -> Vec<MachineStep> {
    // Of a cluster that was recreated since, the leader has not said yet
    // who did it.
    let current = &peers.app.generation;
    let is_initial_member = current.number == peers.generation()
        && current.initial_member.as_ref() == Some(&observed.member());
    let is_bootstrapped = peers.app.is_bootstrapped;
    if is_bootstrapped && is_extinct(observed, peers) {
        return succeed(observed, peers, address, is_initial_member, report);
    }
    match (is_initial_member, is_bootstrapped, &observed.cluster) {
        // Whoever attached data wants it, and etcd without the rest of its
        // cluster, or of another deployment, is not to be used as it is.
        (true, false, _) if observed.machine.has_data() => {
            report.wait_for(Wait::OldData);
            Vec::new()
        }
        (true, false, _) => vec![MachineStep::Bootstrap(words(observed, peers, address, 0))],
        // It bootstrapped the cluster once, and has forgotten it: its disk is
        // another one. To bootstrap it again would split the cluster.
        (true, true, Known::Unknown(_)) => {
            report.wait_for(lost_member(peers));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Whether there was a cluster and no unit has a member of it any more. Every unit
/// that the model has must have been met, and none have told of a member: one that
/// ever had one says so for good.
fn is_extinct(observed: &Observed, peers: &Peers) -> bool {
    let Some(units) = &observed.units else {
        return false;
    };
    let own = observed.member();
    let is_new = |unit: &UnitData| unit.trust.is_none();
    observed.leader
        && observed.cluster.known().is_none()
        && units
            .iter()
            .filter(|unit| **unit != own)
            .all(|unit| peers.others.get(unit).is_some_and(is_new))
        && peers.others.values().all(is_new)
}

/// What comes after a cluster whose units are gone: the same, where this unit's
/// storage holds all of it, and a new one where it holds nothing.
fn succeed(
    observed: &Observed,
    peers: &Peers,
    address: &str,
    is_initial_member: bool,
    report: &mut Report,
) -> Vec<MachineStep> {
    let machine = &observed.machine;
    match &machine.data {
        MemberData::Of(found) => {
            let is_ours = peers.newest_cluster() == Some(&format!("{:x}", found.cluster));
            if is_ours && machine.is_whole {
                let bootstrap = words(observed, peers, address, peers.generation());
                return vec![MachineStep::TakeOver(bootstrap, *found)];
            }
            report.wait_for(Wait::OldData);
            Vec::new()
        }
        MemberData::Unreadable(_) => {
            report.wait_for(Wait::UnreadableData);
            Vec::new()
        }
        // It lost what it had: somebody has to know of that.
        MemberData::Absent if is_initial_member => {
            report.wait_for(Wait::LostCluster);
            Vec::new()
        }
        MemberData::Absent => {
            let now = u64::try_from(observed.now.0).unwrap_or(0);
            let next = now.max(peers.generation() + 1);
            vec![MachineStep::Bootstrap(words(
                observed, peers, address, next,
            ))]
        }
    }
}

/// The words of a cluster that this unit is the first member of.
fn words(observed: &Observed, peers: &Peers, address: &str, next: u64) -> Bootstrap {
    let url = member_url(address, observed.options.peer_port);
    let token = peers.newest().token.clone().unwrap_or_default();
    Bootstrap {
        initial_cluster: format!("{}={url}", observed.member()),
        existing: false,
        // Another cluster has another token: so the two can never mix.
        token: match next == peers.generation() {
            true => token,
            false => format!("{token}-{next}"),
        },
        generation: next,
    }
}

/// What becomes of a unit whose data is gone: its member leaves the list, see
/// [`super::membership`], and then the unit joins anew. Where nobody can be asked
/// for that it waits, since its member may be needed for a majority that it cannot
/// give any more.
pub(super) fn lost(
    observed: &Observed,
    peers: &Peers,
    address: &str,
    report: &mut Report,
) -> Vec<MachineStep> {
    let machine = &observed.machine;
    // Nobody has been told of the cluster yet, so nothing was promised in it.
    if let Some(bootstrap) = &machine.bootstrap
        && !bootstrap.existing
        && is_unpublished(bootstrap, peers)
        && !machine.has_data()
        && machine.is_down()
    {
        let again = words(observed, peers, address, bootstrap.generation);
        return vec![MachineStep::Bootstrap(again)];
    }
    match &observed.cluster {
        Known::Known(cluster) => match own_member(observed, cluster) {
            Some(_) => Vec::new(),
            None => vec![MachineStep::Quarantine(peers.generation())],
        },
        Known::Unknown(_) => {
            report.wait_for(lost_member(peers));
            Vec::new()
        }
    }
}

/// Whether no databag tells of the cluster that was bootstrapped with these words.
fn is_unpublished(bootstrap: &Bootstrap, peers: &Peers) -> bool {
    match bootstrap.generation {
        0 => !peers.app.is_bootstrapped,
        own => peers.generation().max(peers.own.generation.number) < own,
    }
}

/// What a unit waits for whose data is gone.
pub(super) fn lost_member(peers: &Peers) -> Wait {
    match peers.others.is_empty() {
        true => Wait::LostCluster,
        false => Wait::LostMember,
    }
}
