//! Who is the primary, and what this unit's own nodes have to do about it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use juju_hooks::UnitName;

use super::answer::TLS_PORT;
use crate::facts::{Juju, Known, Node, Nodes, Server};
use crate::relation::ledger::Appointment;
use crate::valkey::{Address, Link, Monitored, Role, Seen};

/// The primary, as a majority of the sentinels and the server itself say. One
/// sentinel alone may be cut off, and whoever was the primary may be it no more.
pub fn primary(juju: &Juju, nodes: &Nodes) -> Known<UnitName> {
    let Some(host) = named_by_majority(juju, nodes) else {
        return Known::Unknown("the sentinels do not agree".to_owned());
    };
    let mut members = juju.members.iter();
    let Some((unit, _)) = members.find(|(_, member)| member.address == Some(host)) else {
        return Known::Unknown(format!("{host} is no unit"));
    };
    match nodes.get(unit).map(|node| &node.server) {
        Some(Known::Known(server)) if matches!(server.role, Role::Primary { .. }) => {
            Known::Known(unit.clone())
        }
        Some(Known::Known(_)) => Known::Unknown(format!("{unit} is being changed")),
        _ => Known::Unknown(format!("{unit} does not answer")),
    }
}

/// The host that most of the sentinels of all joined units name. It is none while
/// another sentinel knows of a later election of a unit that is there: the others will
/// hear of that. Who names one that is gone has not carried out an appointment.
fn named_by_majority(juju: &Juju, nodes: &Nodes) -> Option<IpAddr> {
    let joined = joined(juju);
    let mut votes = BTreeMap::<IpAddr, (usize, u64)>::new();
    for monitored in joined.iter().filter_map(|unit| sentinel_of(nodes, unit)) {
        let (count, epoch) = votes.entry(monitored.primary.host).or_default();
        *count += 1;
        *epoch = monitored.epoch.max(*epoch);
    }
    let of_members = votes.iter().filter(|(host, _)| is_member(juju, **host));
    let latest = of_members.map(|(_, (_, epoch))| *epoch).max().unwrap_or(0);
    let (host, (count, epoch)) = votes.into_iter().max_by_key(|(_, (count, _))| *count)?;
    (count * 2 > joined.len() && epoch >= latest).then_some(host)
}

fn joined(juju: &Juju) -> Vec<&UnitName> {
    let joined = juju.members.iter().filter(|(_, member)| member.joined);
    joined.map(|(unit, _)| unit).collect()
}

fn sentinel_of<'n>(nodes: &'n Nodes, unit: &UnitName) -> Option<&'n Monitored> {
    nodes.get(unit)?.sentinel.known()?.as_ref()
}

/// Whether the server is a replica that gets everything new.
pub fn is_replica_in_step(server: &Server) -> bool {
    matches!(server.role, Role::Replica { link: Link::Up, .. })
}

/// Whom the leader makes the primary: itself when there is no one yet, and the
/// replica that has come furthest when the unit of the primary is gone and the
/// sentinels that are left cannot choose. None where sentinels decide.
pub fn appoint(juju: &Juju, nodes: &Nodes) -> Option<Appointment> {
    let own = juju.members.get(&juju.unit)?.address?;
    let appointed = juju.ledger.appointment.as_ref();
    let epoch = appointed.map_or(1, |appointment| appointment.epoch + 1);
    let joined = joined(juju);
    if joined.is_empty() {
        // The first, or the first after all have gone.
        let waits = appointed.is_some_and(|appointment| is_member(juju, appointment.address));
        return (!waits).then_some(Appointment {
            epoch,
            address: own,
        });
    }
    // An appointment is carried out before another is made.
    if appointed.is_some_and(|appointment| {
        is_member(juju, appointment.address) && !has_obeyed(juju, nodes, appointment.address)
    }) {
        return None;
    }
    let named = joined.iter().filter_map(|unit| sentinel_of(nodes, unit));
    let mut named = named.map(|monitored| monitored.primary.host);
    let address = match named.find(|host| is_member(juju, *host)) {
        Some(host) => only_known(juju, nodes, host),
        None => furthest(juju, nodes),
    };
    address.map(|address| Appointment { epoch, address })
}

/// The server that has come furthest, whatever it is. Whoever has not answered may
/// have come further than those who have, or know of a primary.
fn furthest(juju: &Juju, nodes: &Nodes) -> Option<IpAddr> {
    let mut best = None;
    for unit in joined(juju) {
        let node = nodes.get(unit)?;
        node.sentinel.known()?;
        let (offset, is_primary) = match &node.server.known()?.role {
            Role::Primary { offset, .. } => (*offset, true),
            Role::Replica { offset, .. } => (*offset, false),
        };
        best = best.max(Some((offset, is_primary, juju.members.get(unit)?.address?)));
    }
    best.map(|(_, _, address)| address)
}

fn is_member(juju: &Juju, host: IpAddr) -> bool {
    let mut members = juju.members.values();
    members.any(|member| member.address == Some(host))
}

/// The primary at `host`, which some sentinel names, if no majority will ever come of
/// itself: all sentinels answer, and most of them look after nothing. A sentinel that
/// is only slow, or has not heard of an election yet, decides with the others.
fn only_known(juju: &Juju, nodes: &Nodes, host: IpAddr) -> Option<IpAddr> {
    let joined = joined(juju);
    let mut names = 0;
    for unit in &joined {
        match nodes.get(*unit)?.sentinel.known()? {
            Some(monitored) if monitored.primary.host == host => names += 1,
            Some(_) => return None,
            None => {}
        }
    }
    let mut members = juju.members.iter();
    let (unit, _) = members.find(|(_, member)| member.address == Some(host))?;
    let server = nodes.get(unit)?.server.known()?;
    let is_primary = matches!(server.role, Role::Primary { .. });
    (names * 2 <= joined.len() && is_primary).then_some(host)
}

/// Whether somebody already looks after the appointed server, or it has been
/// replaced by election.
fn has_obeyed(juju: &Juju, nodes: &Nodes, appointed: IpAddr) -> bool {
    let named = juju.members.keys().any(|unit| {
        let monitored = sentinel_of(nodes, unit);
        monitored.is_some_and(|monitored| monitored.primary.host == appointed)
    });
    let mut members = juju.members.iter();
    let joined = members.any(|(_, member)| member.address == Some(appointed) && member.joined);
    named || joined
}

/// What this unit's own nodes have to do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Local {
    /// Let the sentinel look after this primary.
    pub monitor: Option<Address>,
    /// Let the server follow this one, or take writes itself.
    pub follow: Option<Option<Address>>,
    /// Remember that this appointment was carried out.
    pub obeyed: Option<u64>,
    /// Whether both have their places now.
    pub joined: bool,
}

/// The host of the server that should be the primary, as far as anybody can say;
/// `appointed` is what this unit has yet to obey.
fn wanted_primary(
    juju: &Juju,
    nodes: &Nodes,
    appointed: Option<IpAddr>,
    was_joined: bool,
) -> Option<IpAddr> {
    let known = match primary(juju, nodes) {
        Known::Known(unit) => juju.members.get(&unit).and_then(|member| member.address),
        Known::Unknown(_) => None,
    };
    let nobody_joined = juju.members.values().all(|member| !member.joined);
    match (appointed, known) {
        // An appointment from before this unit came was for others.
        (Some(_), Some(known)) if !was_joined => Some(known),
        (Some(appointed), _) => Some(appointed),
        (None, Some(known)) => Some(known),
        // The first is about to take its place.
        (None, None) if nobody_joined => {
            let appointed = juju.ledger.appointment.as_ref();
            appointed.map(|appointment| appointment.address)
        }
        (None, None) => None,
    }
}

/// Compares what the unit's own nodes are with what they should be. `obeyed` is
/// the last appointment that this unit has carried out.
pub fn local(juju: &Juju, nodes: &Nodes, obeyed: u64) -> Local {
    let own = juju
        .members
        .get(&juju.unit)
        .and_then(|member| member.address);
    let (Some(own), Some(node)) = (own, nodes.get(&juju.unit)) else {
        return Local::default();
    };
    let (Known::Known(server), Known::Known(sentinel)) = (&node.server, &node.sentinel) else {
        return Local::default();
    };
    let new = juju.ledger.appointment.as_ref();
    let new = new.filter(|appointment| appointment.epoch > obeyed);
    let appointed = new.map(|appointment| appointment.address);
    let was_joined = juju.members[&juju.unit].joined;
    let host = wanted_primary(juju, nodes, appointed, was_joined);
    // Where a restore was killed, the server follows the one with the snapshot.
    let follows_itself = matches!(
        &server.role,
        Role::Replica { of, link, .. } if of.host == own && *link != Link::Syncing
    );
    let Some(host) = host else {
        return Local {
            follow: follows_itself.then_some(None),
            joined: sentinel.is_some() && was_joined && !follows_itself,
            ..Local::default()
        };
    };
    let target = Address {
        host,
        port: TLS_PORT,
    };
    let mut local = Local {
        obeyed: new.map(|appointment| appointment.epoch),
        ..Local::default()
    };
    let in_step = host == own || is_replica_in_step(server);
    // A sentinel asks the primary for its replicas when it begins, and then every
    // ten seconds: it begins when this unit's is among them.
    let may_begin = sentinel.is_some() || in_step;
    if may_begin && sentinel.as_ref().map(|monitored| monitored.primary) != Some(target) {
        local.monitor = Some(target);
    }
    match &server.role {
        Role::Primary { .. } if host != own => local.follow = Some(Some(target)),
        // Only a decision turns a replica into a primary here; an election does
        // it by itself.
        Role::Replica { .. } if host == own => {
            local.follow = (appointed.is_some() || follows_itself).then_some(None);
        }
        Role::Replica { of, .. } if *of != target => local.follow = Some(Some(target)),
        Role::Primary { .. } | Role::Replica { .. } => {}
    }
    local.joined = local.monitor.is_none() && local.follow.is_none() && in_step;
    local
}

/// The units that are lost for so many milliseconds, as most sentinels say: their
/// nodes do not answer, and were taken for lost that long. What others are given
/// need not wait for them, since they have to take it over before they can be the
/// primary (see [`may_be_primary`]).
pub fn lost(juju: &Juju, nodes: &Nodes, milliseconds: u64) -> BTreeSet<UnitName> {
    let joined = juju.members.iter().filter(|(_, member)| member.joined);
    let joined: Vec<_> = joined.collect();
    let says_lost = |by: &UnitName, host: IpAddr| {
        let is_lost = |seen: &Seen| seen.host == host && seen.down && seen.down_for >= milliseconds;
        sentinel_of(nodes, by).is_some_and(|monitored| {
            monitored.replicas.iter().any(is_lost) && monitored.sentinels.iter().any(is_lost)
        })
    };
    let is_lost = |unit: &UnitName, host: IpAddr| {
        let answers = nodes
            .get(unit)
            .is_some_and(|node| node.server.known().is_some() || node.sentinel.known().is_some());
        let votes = joined.iter().filter(|(by, _)| says_lost(by, host)).count();
        *unit != juju.unit && !answers && votes * 2 > joined.len()
    };
    joined
        .iter()
        .filter(|(unit, member)| member.address.is_some_and(|host| is_lost(unit, host)))
        .map(|(unit, _)| (*unit).clone())
        .collect()
}

/// Whether this unit's server may become the primary, now that it has the users
/// that it should have: most sentinels answer, so that no decision was made without
/// this unit. Until then its `replica-priority` is 0, with which it starts and which
/// the watcher gives it when this unit is cut off.
pub fn may_be_primary(juju: &Juju, nodes: &Nodes) -> bool {
    let joined = joined(juju);
    let answer = joined.iter().filter(|unit| {
        let node = nodes.get(unit);
        node.is_some_and(|node| node.sentinel.known().is_some())
    });
    answer.count() * 2 > joined.len()
}

/// Whether the sentinel sees so few others that it is cut off.
pub fn is_cut_off(monitored: &Monitored) -> bool {
    let others = monitored.sentinels.len();
    let up = monitored.sentinels.iter().filter(|seen| !seen.down).count();
    (up + 1) * 2 <= others + 1
}

/// How many sentinels must find the primary down.
pub fn quorum(juju: &Juju) -> u32 {
    let joined = joined(juju).len();
    u32::try_from(joined.max(1) / 2 + 1).unwrap_or(1)
}

/// Whether this unit's sentinel should forget what it knows, since it knows nodes
/// that are gone. One sentinel at a time: none can elect while it learns anew.
/// So whoever comes first among the units goes first, and the others wait until
/// it knows everything again.
pub fn should_reset(juju: &Juju, nodes: &Nodes) -> bool {
    let joined = joined(juju);
    let hosts: BTreeSet<_> = juju
        .members
        .values()
        .filter_map(|member| member.address)
        .collect();
    let is_stale = |monitored: &Monitored| {
        let seen = monitored.sentinels.iter().chain(&monitored.replicas);
        seen.into_iter()
            .any(|seen| seen.down && !hosts.contains(&seen.host))
    };
    for unit in &joined {
        let Some(monitored) = sentinel_of(nodes, unit) else {
            return false;
        };
        if **unit == juju.unit {
            return is_stale(monitored);
        }
        if is_stale(monitored) || !knows_all(monitored, joined.len()) {
            return false;
        }
    }
    false
}

/// Whether a sentinel knows as many others as there are.
pub fn knows_all(monitored: &Monitored, members: usize) -> bool {
    monitored.sentinels.len() + 1 >= members && monitored.replicas.len() + 1 >= members
}

/// In one word what this unit's sentinel sees, for the other units: a change of
/// it lets them look again.
pub fn seen(node: Option<&Node>) -> String {
    match node.map(|node| &node.sentinel) {
        Some(Known::Known(Some(monitored))) => format!(
            "{} {} {}",
            monitored.primary.host,
            monitored.sentinels.len(),
            monitored.replicas.len()
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
