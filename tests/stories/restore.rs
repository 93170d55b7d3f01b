//! A snapshot becomes the cluster again.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use etcd_charm_world::{JujuVersion, Programs, UnitName, World};
use serde_json::{Value, json};

use crate::actions::{done, refused, refused_with};
use crate::snapshot::file;
use crate::support::{
    Client, ask_v0, assert_serves, assert_shut_out, certificate, cluster_id, deployed, roles,
    three_of, trusts, users, world_of,
};

/// Takes a snapshot and gives the path that the operator is told.
pub(crate) fn taken(world: &mut World, unit: &UnitName) -> String {
    let results = done(world, unit, "snapshot");
    results["snapshot"]["path"].as_str().unwrap().to_owned()
}

/// The storage of this unit, as the charm remembers it.
pub(crate) fn storage(world: &World, unit: &UnitName) -> PathBuf {
    let path = format!("/etc/etcd-charm/{}/unit.json", unit.with_dash());
    let facts = std::fs::read_to_string(file(world, unit, &path)).unwrap();
    let facts: Value = serde_json::from_str(&facts).unwrap();
    facts["data_dir"].as_str().unwrap().into()
}

/// Copies a file from one machine to another, as `juju scp` does.
pub(crate) fn copy(from: PathBuf, world: &World, unit: &UnitName, path: &str) {
    let to = file(world, unit, path);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::copy(from, to).unwrap();
}

/// Makes a command one that this machine does not have.
fn without(world: &World, unit: &UnitName, command: &str) {
    let path = world.machines[unit].path_dir().join(command);
    std::fs::write(&path, "#!/bin/sh\nexit 127\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

pub(crate) fn of_three_units(programs: Programs) {
    let (mut world, units) = three_of(programs);
    let (stays, goes, comes) = (
        certificate("stays"),
        certificate("goes"),
        certificate("comes"),
    );
    let app = ask_v0(&mut world, "stays", "/stays/", &stays);
    let gone = ask_v0(&mut world, "goes", "/goes/", &goes);
    world.rest();
    let told = world.told(&app).expect("an answer");
    assert_serves(&mut world, &told, &stays, "/stays/");
    let client = world.follow(&told, &stays);
    assert!(client.run(&["put", "/stays/both", "before"]).ok);
    assert!(client.run(&["put", "/stays/deleted", "before"]).ok);
    let old_id = cluster_id(&world, &units[0]);
    let path = taken(&mut world, &units[0]);

    // The world goes on: keys, clients, and a certificate.
    assert!(client.run(&["put", "/stays/both", "after"]).ok);
    assert!(client.run(&["put", "/stays/new", "after"]).ok);
    assert!(client.run(&["del", "/stays/deleted"]).ok);
    world.model.remove_relation(gone.relation);
    let late = ask_v0(&mut world, "comes", "/comes/", &comes);
    let renewed = certificate("stays");
    let mut app = app;
    app.set_certificate(&mut world.model, &renewed.certificate);
    world.rest();
    let before = world.told(&app).expect("an answer");
    let late_before = world.told(&late).expect("an answer");
    assert_eq!(users(&world, &units[0]), ["comes", "root", "stays"]);

    let results = done(&mut world, &units[0], &format!("restore snapshot={path}"));
    assert_eq!(results["restored"]["path"], path);
    for name in ["path", "size", "sha256", "revision", "keys"] {
        assert!(results["backup"][name].is_string(), "{name}: {results}");
    }
    let backup = results["backup"]["path"].as_str().unwrap().to_owned();
    assert!(file(&world, &units[0], &backup).is_file());
    let previous = PathBuf::from(results["previous"]["data"].as_str().unwrap());
    assert!(previous.join("member").is_dir(), "{previous:?}");
    // The leader's member serves, and its clients, before any hook has run.
    let client = world.client(&units[0], &renewed);
    assert_eq!(client.value("/stays/both"), "before");

    world.rest();
    assert_ne!(cluster_id(&world, &units[0]), old_id);
    for unit in &units {
        assert_eq!(world.model.unit_status(unit.clone()).status, "active");
        assert_eq!(cluster_id(&world, unit), cluster_id(&world, &units[0]));
        let client = world.client(unit, &renewed);
        assert_eq!(client.value("/stays/both"), "before");
        assert_eq!(client.value("/stays/deleted"), "before");
        assert!(client.lines(&["get", "/stays/new"]).is_empty());
        assert!(!trusts(&world, unit, &goes) && !trusts(&world, unit, &stays));
        let client = world.client(unit, &goes);
        assert_shut_out(&world, unit, &client);
    }
    let members = world.admin(&units[1]).json(&["member", "list"]);
    assert_eq!(members["members"].as_array().unwrap().len(), 3, "{members}");
    // As if nothing had happened, for whoever is related now.
    assert_eq!(world.told(&app), Some(before.clone()));
    assert_eq!(world.told(&late), Some(late_before.clone()));
    assert_serves(&mut world, &before, &renewed, "/stays/");
    assert_serves(&mut world, &late_before, &comes, "/comes/");
    assert_eq!(users(&world, &units[2]), ["comes", "root", "stays"]);
    assert_eq!(roles(&world, &units[2]), ["comes", "root", "stays"]);

    // The way back, from another unit that leads by now, and one more unit.
    world.model.set_leader("etcd", units[1].clone());
    world.rest();
    let reason = refused(&mut world, &units[0], &format!("restore snapshot={backup}"));
    assert_eq!(
        reason,
        "run it on Juju's leader (etcd/1 when last seen): juju run etcd/leader restore"
    );
    copy(
        file(&world, &units[0], &backup),
        &world,
        &units[1],
        "/tmp/back.db",
    );
    done(&mut world, &units[1], "restore snapshot=/tmp/back.db");
    let fourth = world.add_unit();
    world.rest();
    let client = world.client(&fourth, &renewed);
    assert_eq!(client.value("/stays/both"), "after");
    assert_eq!(client.value("/stays/new"), "after");
    let before = world.told(&app).expect("an answer");
    assert_serves(&mut world, &before, &renewed, "/stays/");
}

pub(crate) fn twice_on_one_unit(programs: Programs) {
    let mut world = world_of(programs, JujuVersion::V3_6);
    let unit = world.deploy();
    without(&world, &unit, "kill");
    world.settle();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.told(&mut world);
    let client = world.follow(&told, &app.shown);
    assert!(client.run(&["put", "/test/a", "1"]).ok);
    let path = taken(&mut world, &unit);
    let mut generation = 0;
    for value in ["2", "3"] {
        assert!(client.run(&["put", "/test/a", value]).ok);
        let results = done(
            &mut world,
            &unit,
            &format!("restore snapshot={path} skip-backup=true"),
        );
        assert!(results.get("backup").is_none(), "{results}");
        let next = results["restored"]["generation"].as_str().unwrap();
        let next: u64 = next.parse().unwrap();
        assert!(next > generation);
        generation = next;
        world.rest();
        assert_eq!(client.value("/test/a"), "1");
        assert_eq!(world.told(&app.requirer), Some(told.clone()));
        assert_eq!(users(&world, &unit), ["client1", "root"]);
    }
    assert_serves(&mut world, &told, &app.shown, "/test/");
}

pub(crate) fn refuses_what_is_of_no_use() {
    let (mut world, unit) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.told(&mut world);
    let path = taken(&mut world, &unit);
    let before = world.revisions();
    let whole = std::fs::read(file(&world, &unit, &path)).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    // Whole by its checksum, and no database.
    let mut nonsense = vec![7; 4096];
    nonsense.extend(sha256(&nonsense));
    for (name, content, reason) in [
        (
            "flipped",
            flipped,
            "its content does not match its checksum",
        ),
        (
            "short",
            whole[..whole.len() - 512].to_vec(),
            "its content does not match",
        ),
        (
            "copied",
            whole[..whole.len() - 32].to_vec(),
            "a copied database file is none",
        ),
        ("empty", Vec::new(), "it is empty"),
        ("nonsense", nonsense, "is of no use, so nothing was changed"),
    ] {
        let path = format!("/tmp/{name}.db");
        let there = file(&world, &unit, &path);
        std::fs::create_dir_all(there.parent().unwrap()).unwrap();
        std::fs::write(there, content).unwrap();
        let told = refused(&mut world, &unit, &format!("restore snapshot={path}"));
        assert!(told.contains(reason), "{name}: {told}");
    }
    for (parameters, reason) in [
        (
            json!({"snapshot": "a.db"}),
            "parameter `snapshot` is no absolute path",
        ),
        (
            json!({"snapshot": "/nowhere/a.db"}),
            "parameter `snapshot` names no file: copy it to the unit with `juju scp <file> etcd/0:`",
        ),
    ] {
        assert_eq!(
            refused_with(&mut world, &unit, "restore", parameters),
            reason
        );
    }
    let storage = std::fs::read_dir(storage(&world, &unit)).unwrap();
    let names = storage.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let left: Vec<_> = names.filter(|name| name.starts_with("etcd.")).collect();
    assert!(left.is_empty(), "{left:?}");
    // Only the lock came and went.
    let starts = |text: &[String]| text[0].clone();
    assert_eq!(starts(&before), starts(&world.revisions()));
    world.rest();
    assert_eq!(app.assert_served(&mut world), told);
}

fn sha256(content: &[u8]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("content");
    std::fs::write(&path, content).unwrap();
    let output = std::process::Command::new("sha256sum")
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (0..32)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

/// One machine is off, and comes back with what it had.
pub(crate) fn while_a_member_is_silent() {
    let newest = Programs::all().pop().unwrap();
    let (mut world, units) = three_of(newest);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let client = world.client(&units[0], &app.shown);
    assert!(client.run(&["put", "/test/a", "snapshot"]).ok);
    let path = taken(&mut world, &units[0]);
    // The worst that can be: who is silent is who led.
    world.let_lead(&units[2], &units);
    world.machines[&units[2]].power_off();
    client.insist(&["put", "/test/a", "later"]);
    let backup = "/var/backups/etcd";
    let results = done(
        &mut world,
        &units[0],
        &format!("restore snapshot={path} target={backup}"),
    );
    let saved = results["backup"]["path"].as_str().unwrap();
    assert!(saved.starts_with(backup), "{saved}");
    assert_eq!(client.value("/test/a"), "snapshot");
    world.power_on([&units[2]]);
    world.rest();
    for unit in &units {
        let client = world.client(unit, &app.shown);
        assert_eq!(client.value("/test/a"), "snapshot");
    }
    let members = world.admin(&units[2]).json(&["member", "list"]);
    assert_eq!(members["members"].as_array().unwrap().len(), 3, "{members}");
    app.assert_served(&mut world);
}
