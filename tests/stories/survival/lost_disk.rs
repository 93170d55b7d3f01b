//! A disk that is lost with a member's data, while the others may or may not
//! have what it had.

use std::fs;
use std::path::PathBuf;

use etcd_charm_world::{UnitName, World};

use crate::survival::support::{assert_caught_up, assert_healthy, serving, voters, wait_until_up};

/// The directory of a unit's etcd.
fn storage(world: &World, unit: &UnitName) -> PathBuf {
    let storage = world.model.storage_location(unit.clone(), "data").unwrap();
    storage.join("etcd")
}

/// Takes the data of a member's machine away; the machine is off.
fn lose_disk(world: &World, unit: &UnitName) {
    fs::remove_dir_all(storage(world, unit)).unwrap();
}

/// Switches a machine on and lets this unit's hooks run, and a full pass.
fn switch_on(world: &mut World, unit: &UnitName) {
    world.machines[unit].power_on();
    world.model.agent_restart(unit.clone(), true);
}

/// Lets hooks of these units run; the machines of the others are off.
fn look_after(world: &mut World, units: &[&UnitName]) {
    for unit in units {
        while let Some(run) = world.model.step_unit((*unit).clone()) {
            assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        }
        let hook = etcd_charm_world::juju::Hook::UpdateStatus;
        let run = world.model.run_hook((*unit).clone(), hook);
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
    }
}

/// One member is away while the other two acknowledge writes; one of those loses
/// its disk, and comes back to the one that knows nothing of them.
fn forgets(lost: usize) {
    let (mut world, units, client) = serving(3);
    let (lost, away, keeper) = (
        units[lost].clone(),
        units[1].clone(),
        units[2 - lost].clone(),
    );
    world.machines[&away].power_off();
    let writing = world.client(&keeper, &client.shown);
    let key = format!("{}acknowledged", client.prefix);
    writing.insist(&["put", &key, "value"]);
    for unit in [&keeper, &lost] {
        world.machines[unit].power_off();
    }
    lose_disk(&world, &lost);
    for unit in [&lost, &away] {
        switch_on(&mut world, unit);
    }
    look_after(&mut world, &[&lost, &away]);
    // The one that was away and one that has forgotten are no majority.
    let reading = world.client(&away, &client.shown);
    let read = reading.run(&["get", &key]);
    assert!(
        !read.ok,
        "it serves without what was acknowledged: {read:?}"
    );
    assert!(
        !storage(&world, &lost).join("member").exists(),
        "it started"
    );
    let status = world.model.unit_status(lost.clone());
    assert_eq!(status.status, "blocked", "{}", status.message);

    // With the third there is a majority that has it all: the unit joins anew.
    switch_on(&mut world, &keeper);
    wait_until_up(&world, &keeper);
    world.rest();
    let reading = world.client(&away, &client.shown);
    assert_eq!(reading.lines(&["get", &key]), [key.as_str(), "value"]);
    assert_eq!(voters(&world.admin(&away)).len(), 3);
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

pub(crate) fn of_one_that_joined() {
    forgets(2);
}

pub(crate) fn of_the_initial_member() {
    forgets(0);
}
