//! What the stories have in common.

use std::time::Instant;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{Programs, UnitName, World};

use crate::support;

/// A cluster of so many units, at rest.
pub(crate) fn cluster(units: usize) -> (World, Vec<UnitName>) {
    support::cluster(Programs::oldest(), units)
}

/// Runs due hooks one by one, and looks after each. Gives when the hook that
/// ends so was over on the leader.
pub(crate) fn step_through(
    world: &mut World,
    end: &str,
    mut look: impl FnMut(&mut World),
) -> Option<Instant> {
    let mut over = None;
    while let Some(run) = world.model.step() {
        assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
        if run.name.ends_with(end) && world.model.is_leader(run.unit.clone()) {
            over.get_or_insert_with(Instant::now);
        }
        look(world);
    }
    over
}

/// One full pass of each unit and the hooks that it leads to, looking after each.
pub(crate) fn pass(world: &mut World, units: &[UnitName], mut look: impl FnMut(&mut World)) {
    for unit in units {
        let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
        assert!(run.succeeded(), "{} failed: {}", run.name, run.stderr);
        look(world);
        step_through(world, "-", &mut look);
    }
}
