//! etcd is upgraded by attaching a resource, one member after the other, while
//! a client writes.

use std::path::{Path, PathBuf};
use std::process::Command;

use etcd_charm_world::{HookRun, Programs, World};

use crate::support::options;
use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, say, voters, wait_until_up,
};

/// The archive of a release, as an operator would download it.
fn archive(directory: &Path, version: &str) -> PathBuf {
    let archive = directory.join("etcd.tar.gz");
    let packer = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/release-archive");
    let packed = Command::new(packer).arg(version).arg(&archive).status();
    assert!(packed.expect("the packer can be started").success());
    archive
}

/// The newest release at hand of this series.
fn of(series: &str) -> Programs {
    let mut all = Programs::all().into_iter();
    let found = all.find(|programs| programs.version.starts_with(series));
    found.expect("the release is at hand")
}

/// Three members go from one minor to the next.
fn upgrade(from: &str, to: &str) {
    let (from, to) = (of(from), of(to));
    let mut world = World::new(options(from.clone()));
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    world.rest();
    let client = Client::ask(&mut world, "app");
    world.rest();
    let before = client.told(&mut world);
    assert_eq!(before.version, from.version);
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let writer = client.writer(&mut world);
    let directory = tempfile::tempdir().unwrap();
    world
        .model
        .attach_resource("etcd", "etcd", archive(directory.path(), &to.version));
    // Each hook leaves a cluster that serves, whatever runs by then.
    let mut mixed = 0;
    let runs = world.settle_watched(|world, run: &HookRun| {
        let versions: Vec<String> = units
            .iter()
            .map(|unit| {
                let status = world.admin(unit).json(&["endpoint", "status"]);
                status[0]["Status"]["version"].as_str().unwrap().to_owned()
            })
            .collect();
        if versions.iter().any(|version| *version != versions[0]) {
            mixed += 1;
            let status = world.model.unit_status(run.unit.clone());
            assert_eq!(status.status, "active", "{}", status.message);
            let told = client.told(world);
            assert!(
                world
                    .follow(&told, &client.shown)
                    .run(&["put", "/app/mixed", "1"])
                    .ok
            );
        }
        assert_eq!(voters(&world.admin(&units[0])).len(), 3);
    });
    assert!(mixed > 0, "members restart one after the other");
    client.rest(&mut world, &writer);
    say(&format!(
        "{} to {}: {} hooks, {mixed} of them left both versions running",
        from.version,
        to.version,
        runs.len()
    ));
    assert_whole(
        &format!("an upgrade from {} to {}", from.version, to.version),
        &writer.finish(),
    );
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let once: Vec<u32> = starts.iter().map(|starts| starts + 1).collect();
    assert_eq!(now, once, "each member is restarted once");
    let after = client.told(&mut world);
    assert_eq!(after.version, to.version);
    assert_eq!(world.model.workload_version("etcd"), to.version);
    assert_eq!((after.user, after.tls), (before.user, before.tls));
    assert_eq!(
        world.admin(&units[0]).lines(&["user", "list"]),
        ["app", "root"]
    );
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

pub(crate) fn to_3_5() {
    upgrade("3.4.", "3.5.");
}

/// Programs that nothing runs any more do not stay on the disk.
pub(crate) fn of_programs() {
    let release = of("3.5.");
    let mut world = World::new(options(release.clone()));
    let unit = world.deploy();
    world.rest();
    let directory = tempfile::tempdir().unwrap();
    let first = archive(directory.path(), &release.version);
    let second = directory.path().join("packed-again.tar.gz");
    let pack = format!(
        "gunzip -c {} | gzip -2 >{}",
        first.display(),
        second.display()
    );
    assert!(
        Command::new("sh")
            .args(["-c", &pack])
            .status()
            .unwrap()
            .success()
    );
    for archive in [first, second] {
        let starts = world.starts(&unit);
        world.model.attach_resource("etcd", "etcd", archive);
        world.rest();
        assert_eq!(world.starts(&unit), starts + 1);
        let all = std::fs::read_dir(world.root(&unit).join("opt/etcd-charm/etcd-0")).unwrap();
        let directories = all.filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir());
        assert_eq!(directories.count(), 1);
    }
    assert_healthy(&world, &[unit]);
}

pub(crate) fn to_3_7() {
    upgrade("3.6.", "3.7.");
}

/// A release that cannot go on with what the member has written is not taken:
/// etcd would not start again. What runs goes on, and the reason is told.
pub(crate) fn refused() {
    let (old, new) = (of("3.5."), of("3.6."));
    assert_eq!(old.version, "3.5.1", "a release that cannot become 3.6");
    let mut world = World::new(options(old.clone()));
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    world.rest();
    let client = Client::ask(&mut world, "app");
    world.rest();
    let before = client.told(&mut world);
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let directory = tempfile::tempdir().unwrap();
    let newer = archive(directory.path(), &new.version);
    world.model.attach_resource("etcd", "etcd", newer);
    world.rest();
    for unit in &units {
        let status = world.model.unit_status(unit.clone());
        assert_eq!(status.status, "active", "{}", status.message);
        let reason = format!(
            "etcd {} cannot follow 3.5.1: attach 3.5.26 or newer of 3.5 first",
            new.version
        );
        assert!(status.message.starts_with(&reason), "{}", status.message);
    }
    assert_eq!(client.told(&mut world), before);
    // Also not when it is started again.
    world.machines[&units[1]].power_off();
    world.machines[&units[1]].power_on();
    wait_until_up(&world, &units[1]);
    world.model.agent_restart(units[1].clone(), true);
    world.rest();
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(now, [starts[0], starts[1] + 1, starts[2]]);
    // The right one is taken, and the reason is gone.
    let right = archive(directory.path(), &old.version);
    world.model.attach_resource("etcd", "etcd", right);
    world.rest();
    for unit in &units {
        let status = world.model.unit_status(unit.clone());
        assert!(
            !status.message.contains("cannot follow"),
            "{}",
            status.message
        );
    }
    assert_eq!(client.told(&mut world), before);
}
