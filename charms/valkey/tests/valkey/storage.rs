//! Volumes that have older data than the others.

use std::path::Path;
use std::process::Command;

use crate::cluster::{Client, cut_power, list, primary_of, served};
use crate::programs::Programs;
use crate::world::World;

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

/// The machine of the primary is lost and comes back with the volume of yesterday.
pub(crate) fn a_primary_that_comes_back_with_older_data_takes_none_from_others() {
    let (mut world, client) = served(99, 3);
    let endpoint = client.endpoint(&world);
    let primary = primary_of(&world, &endpoint);
    let mut writer = world.connect(&endpoint, &client.access);
    world.done(&mut writer, &["SET", "app:old", "1"]);
    world.done(&mut writer, &["WAITAOF", "1", "0", "2000"]);
    let volume = world
        .model
        .storage_location(primary.clone(), "data")
        .unwrap();
    let kept = world.directory.path().join("kept");
    copy(&volume, &kept);
    world.done(&mut writer, &["SET", "app:new", "1"]);
    world.done(&mut writer, &["WAIT", "2", "2000"]);
    cut_power(&mut world, &primary, client.relation);
    copy(&kept.join("valkey"), &volume.join("valkey"));
    world.machines[&primary].power_on();
    world.wait_until(60, "it is a replica", |world| {
        list(&world.answer(client.relation), "read-only-endpoints").len() == 2
    });
    let answer = world.answer(client.relation);
    for key in ["endpoints", "read-only-endpoints"] {
        for endpoint in list(&answer, key) {
            let mut reader = world.connect(endpoint, &client.access);
            let value = world.done(&mut reader, &["GET", "app:new"]);
            assert_eq!(value.text(), Some("1"), "{endpoint}");
        }
    }
}

/// The volume of a unit that was removed comes back while the others have gone on.
pub(crate) fn a_volume_that_was_away_gets_what_the_others_have() {
    let mut world = World::with_units(Programs::oldest(), 100, 2);
    let client = Client::new(&mut world);
    let endpoint = client.endpoint(&world);
    let primary = primary_of(&world, &endpoint);
    let mut writer = world.connect(&endpoint, &client.access);
    world.done(&mut writer, &["SET", "app:gone", "1"]);
    world.done(&mut writer, &["WAIT", "1", "2000"]);
    let replica = world
        .units()
        .into_iter()
        .find(|unit| *unit != primary)
        .unwrap();
    world.model.remove_unit(replica.clone());
    world.settle();
    world.machines.remove(&replica);
    world.done(&mut writer, &["DEL", "app:gone"]);
    world.done(&mut writer, &["SET", "app:new", "1"]);
    let storage = world.model.detached_storage().remove(0);
    let unit = world.model.add_unit_attaching("valkey", &storage);
    world.equip(&unit);
    world.settle();
    world.wait_until(40, "it is a replica", |world| {
        world.update_status_all();
        list(&world.answer(client.relation), "read-only-endpoints").len() == 1
    });
    let answer = world.answer(client.relation);
    assert_eq!(client.endpoint(&world), endpoint, "the primary stayed");
    for key in ["endpoints", "read-only-endpoints"] {
        let mut reader = world.connect(list(&answer, key)[0], &client.access);
        let gone = world.done(&mut reader, &["EXISTS", "app:gone"]);
        assert_eq!(gone, valkey_charm::valkey::Value::Integer(0), "{key}");
        let new = world.done(&mut reader, &["GET", "app:new"]);
        assert_eq!(new.text(), Some("1"), "{key}");
    }
}
