//! Too few machines are left for the cluster to agree on anything.

use std::time::Duration;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{HookRun, Programs, UnitName, World, service_of};

use crate::support::{Client, newest, newest_world, three_of};

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
    let (mut world, units) = three_of(programs);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.assert_served(&mut world);
    let starts = world.starts(&units[0]);

    world.power_off(&units[1..]);
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
    let late = Client::ask_as(&mut world, "late", "/late/", "client2");
    while let Some(run) = world.model.step_unit(units[0].clone()) {
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        assert!(run.duration < Duration::from_secs(25), "{:?}", run.duration);
    }
    assert_eq!(world.told(&late.requirer), None);
    assert_eq!(world.told(&app.requirer), Some(told.clone()));
    assert_eq!(world.starts(&units[0]), starts);

    world.power_on(&units[1..]);
    world.rest();
    for unit in &units {
        assert_eq!(world.model.unit_status(unit.clone()).status, "active");
    }
    assert_eq!(app.assert_served(&mut world), told);
    late.assert_served(&mut world);
}

pub(crate) fn is_lost_by_machines_that_came_back_alone() {
    let (mut world, units) = three_of(newest());
    world.power_off(&units);
    world.power_on([&units[0]]);
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
    world.power_on(&units[1..]);
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
