//! Whose turn it is to restart with another program: one unit at a time, the
//! replicas first, and the primary when it has handed over.

use juju_hooks::UnitName;

use super::cluster::{is_replica_in_step, primary};
use crate::facts::{Juju, Known, Nodes};
use crate::valkey::Role;

/// The unit that may restart now, as the leader decides. Who has its turn keeps it
/// until it says that it is done. The primary waits until no other has an older
/// release than it will have: what it writes, an older one cannot read.
pub fn turn(juju: &Juju, nodes: &Nodes) -> Option<UnitName> {
    let waits = |unit: &UnitName| {
        juju.members
            .get(unit)
            .is_some_and(|member| member.restart.is_some())
    };
    if let Some(holder) = juju.ledger.turn.as_ref().filter(|unit| waits(unit)) {
        return Some(holder.clone());
    }
    let Known::Known(primary) = primary(juju, nodes) else {
        return None;
    };
    let waiting = juju.members.keys().filter(|unit| waits(unit));
    let replica = waiting.clone().find(|unit| **unit != primary);
    let last = || {
        let wanted = numbers(juju.members.get(&primary)?.restart.as_ref()?);
        let others = juju.members.iter();
        let mut others = others.filter(|(unit, member)| **unit != primary && member.joined);
        let ready = others.all(|(unit, _)| release(nodes, unit) >= Some(wanted.clone()));
        ready.then_some(&primary)
    };
    replica.or_else(last).cloned()
}

/// Why a unit whose turn it is has to wait; none if it may restart now. The others
/// must be able to take writes meanwhile, and one that has an older release than the
/// primary cannot be in step before its own turn.
pub fn waits_for(juju: &Juju, nodes: &Nodes) -> Option<String> {
    let primary = match primary(juju, nodes) {
        Known::Known(primary) => primary,
        Known::Unknown(reason) => return Some(reason),
    };
    let others = juju.members.iter();
    let others = others.filter(|(unit, member)| **unit != juju.unit && member.joined);
    for (unit, member) in others {
        let server = nodes.get(unit).and_then(|node| node.server.known());
        let serves = server.is_some_and(|server| {
            matches!(server.role, Role::Primary { .. }) || is_replica_in_step(server)
        });
        let is_behind = member.restart.is_some()
            && server.is_some()
            && release(nodes, unit) < release(nodes, &primary);
        if !serves && !is_behind {
            return Some(format!("{unit} is not in step"));
        }
    }
    None
}

/// The release that a unit's server runs, if it answers.
fn release(nodes: &Nodes, unit: &UnitName) -> Option<Vec<u32>> {
    let server = nodes.get(unit)?.server.known()?;
    Some(numbers(&server.version))
}

/// A release as numbers, which can be compared.
pub fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split('.');
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::{away, follows, is_primary, juju, node, nodes, unit};

    #[test]
    fn replicas_go_first_and_one_at_a_time() {
        let mut juju = juju(&[1, 2, 3]);
        let all = nodes([
            node(is_primary(9), 1),
            node(follows(1, 9), 1),
            node(follows(1, 9), 1),
        ]);
        assert_eq!(turn(&juju, &all), None);
        for member in juju.members.values_mut() {
            member.restart = Some("9.1.2".to_owned());
        }
        assert_eq!(turn(&juju, &all), Some(unit(2)));
        juju.ledger.turn = Some(unit(3));
        assert_eq!(turn(&juju, &all), Some(unit(3)), "it is not done");
        juju.members.get_mut(&unit(3)).expect("a member").restart = None;
        assert_eq!(turn(&juju, &all), Some(unit(2)));
        juju.members.get_mut(&unit(2)).expect("a member").restart = None;
        assert_eq!(turn(&juju, &all), Some(unit(1)));
        let newer = Some("9.1.3".to_owned());
        juju.members.get_mut(&unit(1)).expect("a member").restart = newer;
        assert_eq!(turn(&juju, &all), None, "the others are older");
        let unknown = nodes([node(is_primary(9), 1), away(), away()]);
        assert_eq!(turn(&juju, &unknown), None, "unknown is not safe");
    }

    #[test]
    fn nobody_restarts_while_another_is_not_in_step() {
        let mut juju = juju(&[1, 2, 3]);
        juju.unit = unit(2);
        let all = nodes([
            node(is_primary(9), 1),
            node(follows(1, 9), 1),
            node(follows(1, 9), 1),
        ]);
        assert_eq!(waits_for(&juju, &all), None);
        let one_away = nodes([node(is_primary(9), 1), node(follows(1, 9), 1), away()]);
        let reason = Some("valkey/3 is not in step".to_owned());
        assert_eq!(waits_for(&juju, &one_away), reason);
        juju.members.get_mut(&unit(3)).expect("a member").restart = Some("9.1.2".to_owned());
        assert_eq!(waits_for(&juju, &one_away), reason, "it does not answer");
    }
}
