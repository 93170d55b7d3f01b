//! What the stories have in common.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{
    Certificate, ClientAuthority, JujuVersion, Programs, UnitName, V0, World, WorldOptions,
};

/// A cluster of so many units, at rest.
pub(crate) fn cluster(units: usize) -> (World, Vec<UnitName>) {
    let mut world = World::new(WorldOptions {
        dispatch: env!("CARGO_BIN_EXE_etcd-charm").into(),
        charm: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        programs: Programs::oldest(),
        juju: JujuVersion::V3_6,
        seed: 1,
    });
    let mut names = vec![world.deploy()];
    for _ in 1..units {
        names.push(world.add_unit());
    }
    world.rest();
    (world, names)
}

/// A certificate from an authority of its own.
pub(crate) fn certificate(name: &str) -> Certificate {
    ClientAuthority::new().issue(name)
}

/// A client of version 0 that has asked; nothing has run yet.
pub(crate) fn ask(world: &mut World, app: &str, prefix: &str, shown: &Certificate) -> V0 {
    let relation = world.relate(app);
    let mut asking = V0::ask(&mut world.model, app, relation, prefix);
    asking.set_certificate(&mut world.model, &shown.certificate);
    asking
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

/// A line for whoever runs the tests, shown also when they pass.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("stderr");
}
