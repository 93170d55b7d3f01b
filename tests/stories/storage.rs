//! Storage that outlives its unit, and members that outlive theirs.

use std::fs;

use etcd_charm_world::{JujuVersion, Programs, UnitName, World, service_of};

use crate::actions::done;
use crate::support::{Client, assert_serves, cluster_id, newest, three_of, world_of};

fn message(world: &World, unit: &UnitName) -> String {
    let status = world.model.unit_status(unit.clone());
    format!("{}: {}", status.status, status.message)
}

fn voters(world: &World, unit: &UnitName) -> Vec<String> {
    let members = world.admin(unit).json(&["member", "list"]);
    let members = members["members"].as_array().unwrap();
    let voters = members
        .iter()
        .filter(|member| member["isLearner"].is_null());
    let mut names: Vec<_> = voters
        .map(|member| member["name"].as_str().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

/// All units are removed, and the storage of the last comes back.
pub(crate) fn is_brought_back(programs: Programs) {
    let (mut world, units) = three_of(programs);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.told(&mut world);
    let client = world.client(&units[0], &app.shown);
    assert!(client.run(&["put", "/test/kept", "acknowledged"]).ok);
    let before = cluster_id(&world, &units[0]);
    for unit in &units {
        world.remove_unit(unit);
    }
    let status = world.model.app_status("etcd");
    let said = (status.status.as_str(), status.message.as_str());
    let expected = "add a unit with --attach-storage to bring the data back: no unit is left";
    assert_eq!(said, ("blocked", expected));
    // The last to go had all of it.
    let volumes = world.model.detached_storage();
    let unit = world.add_unit_attaching(volumes.last().unwrap());
    world.rest();
    assert_eq!(world.model.unit_status(unit.clone()).status, "active");
    assert_eq!(world.model.app_status("etcd").status, "active");
    assert_eq!(cluster_id(&world, &unit), before);
    assert_eq!(voters(&world, &unit), ["etcd-3"]);
    let now = app.told(&mut world);
    assert_eq!(
        (&now.user_uri, &now.tls_uri),
        (&told.user_uri, &told.tls_uri)
    );
    let client = world.follow(&now, &app.shown);
    assert_eq!(client.value("/test/kept"), "acknowledged");
    assert_serves(&mut world, &now, &app.shown, "/test/");
    // It grows as ever.
    let second = world.add_unit();
    world.rest();
    assert_eq!(voters(&world, &second), ["etcd-3", "etcd-4"]);
}

/// All units are removed, and the next has nothing of what was.
pub(crate) fn that_is_new_begins_a_new_cluster() {
    let mut world = world_of(newest(), JujuVersion::V3_6);
    let first = world.deploy();
    world.settle();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let before = cluster_id(&world, &first);
    world.remove_unit(&first);
    let units = [world.add_unit(), world.add_unit()];
    world.rest();
    assert_eq!(voters(&world, &units[0]), ["etcd-1", "etcd-2"]);
    assert_ne!(cluster_id(&world, &units[0]), before);
    app.assert_served(&mut world);
}

/// The machines of all units are lost but for one of their volumes.
pub(crate) fn of_one_of_several_waits() {
    let (mut world, units) = three_of(newest());
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let client = world.client(&units[0], &app.shown);
    for key in ["/test/kept", "/test/last"] {
        assert!(client.run(&["put", key, "acknowledged"]).ok);
    }
    for unit in &units {
        world.machines[unit].power_off();
        world.model.remove_unit_force(unit.clone());
        world.machines.remove(unit);
    }
    let unit = world.add_unit_attaching("data/1");
    world.settle();
    let expected = "blocked: run rebuild-cluster use-own-data=true confirm=true to use the data of \
                    an earlier member";
    assert_eq!(message(&world, &unit), expected);
    assert_eq!(world.starts(&unit), 0);
    let rebuild = "rebuild-cluster confirm=true use-own-data=true";
    done(&mut world, &unit, rebuild);
    world.rest();
    let told = app.told(&mut world);
    let client = world.follow(&told, &app.shown);
    assert_eq!(client.value("/test/kept"), "acknowledged");
    assert_serves(&mut world, &told, &app.shown, "/test/");
}

/// A new unit gets the volume of a member that has left while others went on.
pub(crate) fn of_a_removed_member_is_put_aside() {
    let (mut world, units) = three_of(newest());
    world.remove_unit(&units[1]);
    world.rest();
    let unit = world.add_unit_attaching("data/1");
    world.rest();
    assert_eq!(voters(&world, &unit), ["etcd-0", "etcd-2", "etcd-3"]);
    assert_eq!(world.model.unit_status(unit.clone()).status, "active");
    let storage = world.model.storage_location(unit, "data").unwrap();
    assert!(storage.join("etcd.before-0/member").is_dir());
    let next = world.add_unit();
    world.rest();
    assert_eq!(voters(&world, &next).len(), 4);
}

/// A new unit gets the address of a member whose machine is gone, before anybody
/// has noticed that.
pub(crate) fn is_new_and_the_address_that_of_a_ghost() {
    let (mut world, units) = three_of(newest());
    let gone = &units[2];
    let address = world.model.address(gone.clone());
    world.machines[gone].power_off();
    world.model.remove_unit_force(gone.clone());
    world.machines.remove(gone);
    let unit = world.add_unit_at(&address);
    while let Some(run) = world.model.step_unit(unit.clone()) {
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
    }
    world.rest();
    assert_eq!(voters(&world, &unit), ["etcd-0", "etcd-1", "etcd-3"]);
    let status = message(&world, &unit);
    assert!(status.contains("cluster is healthy"), "{status}");
    assert!(
        !fs::read_to_string(world.machines[&unit].service_log(&service_of(&unit)))
            .unwrap()
            .contains("panic")
    );
}
