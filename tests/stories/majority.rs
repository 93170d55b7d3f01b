//! Too few machines are left for the cluster to agree on anything.

use std::time::Duration;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{HookRun, JujuVersion, Programs, UnitName, World, service_of};

use crate::support::{ask_v0, assert_serves, certificate, newest, newest_world, world_of};

/// A cluster of three that serves a client, at rest.
pub(crate) fn three(programs: Programs) -> (World, [UnitName; 3]) {
    let mut world = world_of(programs, JujuVersion::V3_6);
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    world.rest();
    (world, units)
}

/// The charm of one unit looks after its member, and must not take long.
pub(crate) fn look_after(world: &mut World, unit: &UnitName) -> HookRun {
    let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
    assert!(run.succeeded(), "update-status failed: {}", run.stderr);
    // Ten seconds are meant; the machine that runs this may be a busy one.
    assert!(
        run.duration < Duration::from_secs(25),
        "update-status took {:?}",
        run.duration
    );
    run
}

pub(crate) fn is_lost_and_returns(programs: Programs) {
    let (mut world, units) = three(programs);
    let shown = certificate("client1");
    let app = ask_v0(&mut world, "app", "/test/", &shown);
    world.rest();
    let told = world.told(&app).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    let starts = world.starts(&units[0]);

    for unit in &units[1..] {
        world.machines[unit].power_off();
    }
    look_after(&mut world, &units[0]);
    let expected = "quorum lost: no answer from etcd/1, etcd/2: start them, or run rebuild-cluster \
                    if gone";
    let status = world.model.unit_status(units[0].clone());
    assert_eq!(
        (status.status.as_str(), &*status.message),
        ("blocked", expected)
    );
    assert_eq!(world.model.app_status("etcd").message, expected);
    // Nothing is destroyed, restarted or taken back on that account; another
    // client has to wait.
    let other = certificate("client2");
    let late = ask_v0(&mut world, "late", "/late/", &other);
    while let Some(run) = world.model.step_unit(units[0].clone()) {
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        assert!(run.duration < Duration::from_secs(25), "{:?}", run.duration);
    }
    assert_eq!(world.told(&late), None);
    assert_eq!(world.told(&app), Some(told.clone()));
    assert_eq!(world.starts(&units[0]), starts);

    for unit in &units[1..] {
        world.machines[unit].power_on();
        world.model.agent_restart(unit.clone(), true);
    }
    world.rest();
    for unit in &units {
        assert_eq!(world.model.unit_status(unit.clone()).status, "active");
    }
    assert_eq!(world.told(&app), Some(told.clone()));
    assert_serves(&mut world, &told, &shown, "/test/");
    let told = world.told(&late).expect("an answer");
    assert_serves(&mut world, &told, &other, "/late/");
}

pub(crate) fn is_lost_by_machines_that_came_back_alone() {
    let (mut world, units) = three(newest());
    for unit in &units {
        world.machines[unit].power_off();
    }
    world.machines[&units[0]].power_on();
    world.model.agent_restart(units[0].clone(), true);
    for _ in 0..2 {
        let run = look_after(&mut world, &units[0]);
        let status = world.model.unit_status(units[0].clone());
        assert_eq!(status.status, "blocked", "{}: {}", run.name, status.message);
        assert!(
            status
                .message
                .contains("quorum lost: no answer from the other units"),
            "{}",
            status.message
        );
    }
    let service = world.machines[&units[0]].service(&service_of(&units[0]));
    assert_eq!(service.crashes, 0, "{service:?}");
    for unit in &units[1..] {
        world.machines[unit].power_on();
        world.model.agent_restart(unit.clone(), true);
    }
    world.rest();
    for unit in &units {
        assert_eq!(world.model.unit_status(unit.clone()).status, "active");
    }
}

/// A unit that joins asks the first member that it knows, which need not be the
/// one that leads.
pub(crate) fn grows_whichever_member_leads() {
    let mut world = newest_world();
    let units = [world.deploy(), world.add_unit()];
    world.rest();
    let status = world.admin(&units[1]).json(&["endpoint", "status"]);
    let second = status[0]["Status"]["header"]["member_id"].as_u64().unwrap();
    // It fails where that member leads already.
    let _ = world
        .admin(&units[0])
        .run(&["move-leader", &format!("{second:x}")]);
    let third = world.add_unit();
    world.rest();
    let members = world.admin(&third).json(&["member", "list"]);
    let members = members["members"].as_array().unwrap();
    assert_eq!(members.len(), 3);
    assert!(members.iter().all(|member| member["isLearner"].is_null()));
}
