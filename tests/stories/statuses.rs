//! How often a status is set: Juju keeps each in a log.

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{HookRun, UnitName, World};

use crate::support::deployed;

/// How many statuses a hook has set.
fn set(run: &HookRun) -> usize {
    let calls = run.calls.iter();
    calls.filter(|call| call.tool == "status-set").count()
}

fn update_status(world: &mut World, unit: &UnitName) -> HookRun {
    let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
    world.settle();
    run
}

pub(crate) fn that_have_not_changed_are_not_set() {
    let (mut world, unit) = deployed();
    world.rest();
    for _ in 0..2 {
        let run = update_status(&mut world, &unit);
        assert!(run.succeeded(), "{}", run.stderr);
        assert_eq!(set(&run), 0, "{:?}", run.calls);
    }
    world.model.set_config("etcd", "log-level", "debug");
    let runs = world.settle();
    let all: usize = runs.iter().map(set).sum();
    assert_eq!(all, 2, "one of the unit and one of the application");
    assert_eq!(world.model.unit_status(unit.clone()).status, "blocked");
    assert_eq!(set(&update_status(&mut world, &unit)), 0);
}

pub(crate) fn that_a_kill_left_behind_are_set_again() {
    let (mut world, unit) = deployed();
    world.rest();
    let healthy = world.model.unit_status(unit.clone());
    world.model.set_config("etcd", "log-level", "debug");
    // What it has set is shown, and it could not note that any more.
    world.model.kill_after_tool_call(unit.clone(), "status-set");
    world.settle();
    world.model.set_config("etcd", "log-level", "info");
    world.rest();
    let status = world.model.unit_status(unit);
    assert_eq!(status.message, healthy.message);
    assert_eq!(status.status, "active");
}

pub(crate) fn of_the_application_are_the_new_leaders() {
    let (mut world, first) = deployed();
    let second = world.add_unit();
    world.rest();
    world.model.set_leader("etcd", second);
    world.model.set_config("etcd", "log-level", "debug");
    world.rest();
    assert_eq!(world.model.app_status("etcd").status, "blocked");
    world.model.set_config("etcd", "log-level", "info");
    world.model.set_leader("etcd", first);
    world.rest();
    assert_eq!(world.model.app_status("etcd").status, "active");
}
