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

/// The host that most of the sentinels of all joined units name.
fn named_by_majority(juju: &Juju, nodes: &Nodes) -> Option<IpAddr> {
    let joined = juju.members.iter().filter(|(_, member)| member.joined);
    let joined: Vec<_> = joined.map(|(unit, _)| unit).collect();
    let mut votes = BTreeMap::<IpAddr, usize>::new();
    for unit in &joined {
        if let Some(monitored) = sentinel_of(nodes, unit) {
            *votes.entry(monitored.primary.host).or_default() += 1;
        }
    }
    let (host, count) = votes.into_iter().max_by_key(|(_, count)| *count)?;
    (count * 2 > joined.len()).then_some(host)
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
    let is_member = |host: IpAddr| {
        let mut members = juju.members.values();
        members.any(|member| member.address == Some(host))
    };
    let joined: Vec<_> = juju
        .members
        .iter()
        .filter(|(_, member)| member.joined)
        .collect();
    if joined.is_empty() {
        // The first, or the first after all have gone.
        let waits = appointed.is_some_and(|appointment| is_member(appointment.address));
        return (!waits).then_some(Appointment {
            epoch,
            address: own,
        });
    }
    // An appointment is carried out before another is made.
    if appointed.is_some_and(|appointment| {
        is_member(appointment.address) && !has_obeyed(juju, nodes, appointment.address)
    }) {
        return None;
    }
    let named = named_by_majority(juju, nodes);
    if named.is_some_and(is_member) {
        return None;
    }
    // Whoever has not answered may have come further than those who have.
    let mut best: Option<(u64, IpAddr)> = None;
    for (unit, member) in joined {
        let server = nodes.get(unit).and_then(|node| node.server.known())?;
        let offset = match &server.role {
            Role::Primary { offset, .. } | Role::Replica { offset, .. } => *offset,
        };
        let candidate = (offset, member.address?);
        best = best.max(Some(candidate));
    }
    let (_, address) = best?;
    Some(Appointment { epoch, address })
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
    let known = match primary(juju, nodes) {
        Known::Known(unit) => juju.members.get(&unit).and_then(|member| member.address),
        Known::Unknown(_) => None,
    };
    let was_joined = juju.members[&juju.unit].joined;
    let nobody_joined = juju.members.values().all(|member| !member.joined);
    let host = match (appointed, known) {
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
    };
    let Some(host) = host else {
        return Local {
            joined: sentinel.is_some() && was_joined,
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
            local.follow = appointed.map(|_| None);
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
    let joined = juju.members.iter().filter(|(_, member)| member.joined);
    let joined: Vec<_> = joined.map(|(unit, _)| unit).collect();
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
    let joined = juju.members.values().filter(|member| member.joined).count();
    u32::try_from(joined.max(1) / 2 + 1).unwrap_or(1)
}

/// Whether this unit's sentinel should forget what it knows, since it knows nodes
/// that are gone. One sentinel at a time: none can elect while it learns anew.
/// So whoever comes first among the units goes first, and the others wait until
/// it knows everything again.
pub fn should_reset(juju: &Juju, nodes: &Nodes) -> bool {
    let joined = juju.members.iter().filter(|(_, member)| member.joined);
    let joined: Vec<_> = joined.map(|(unit, _)| unit).collect();
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
