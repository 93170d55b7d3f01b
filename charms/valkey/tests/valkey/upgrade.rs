//! Another release: from the distribution, or from an archive.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use juju_simulator::{HookRun, UnitName};
use valkey_charm::valkey::Connection;

use crate::cluster::{Client, Writer, lost, primary_of};
use crate::programs::Programs;
use crate::world::World;

/// The release that a node of a unit runs.
fn runs(world: &World, unit: &UnitName, node: &str) -> String {
    let Ok(mut operator) = world.try_operator(unit, node) else {
        return String::new();
    };
    let info = world.call(&mut operator, &["INFO", "server"]);
    let info = info.map(|info| info.text().unwrap_or_default().to_owned());
    let info = info.unwrap_or_default();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("valkey_version:"));
    line.unwrap_or_default().trim().to_owned()
}

/// Where the server lies in an archive.
const RELEASE: &str = "valkey-9/bin/valkey-server";

/// The distribution upgrades the package on all machines at once.
pub(crate) fn an_upgraded_package_restarts_one_unit_after_the_other() {
    let (old, new) = (Programs::oldest(), Programs::newest());
    if old.version == new.version {
        crate::say("LEFT OUT: there is one release only");
        return;
    }
    let mut world = World::with_units(old.clone(), 90, 3);
    let client = Client::new(&mut world);
    let before = client.endpoint(&world);
    let primary = primary_of(&world, &before);
    let writer = Writer::start(&before, &client.access, Duration::from_millis(1));
    upgrade_packages(&world, &new);
    let begun = Instant::now();
    let mut changes = Vec::new();
    let mut order = Vec::new();
    while !all_run(&world, &new.version) {
        let is_late = begun.elapsed() > Duration::from_secs(90);
        assert!(!is_late, "{}", world.logs());
        for unit in world.units() {
            world.update_status(&unit);
            while let Some(run) = world.model.step() {
                assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
                let endpoint = client.endpoint(&world);
                if changes.last().unwrap_or(&before) != &endpoint {
                    changes.push(endpoint.clone());
                    writer.told(endpoint);
                }
                for unit in world.units() {
                    if runs(&world, &unit, "server") == new.version && !order.contains(&unit) {
                        order.push(unit);
                    }
                }
            }
        }
    }
    let took = begun.elapsed();
    world.update_status_all();
    let endpoint = client.endpoint(&world);
    writer.told(endpoint.clone());
    std::thread::sleep(Duration::from_millis(500));
    let written = writer.end();
    let lost = lost(&world, &primary_of(&world, &endpoint), &written);
    crate::say(&format!(
        "from {} to {}, three units: {took:.1?}, gap {:.1?}, {} writes acknowledged, {lost} lost",
        old.version,
        new.version,
        written.longest_gap,
        written.acknowledged.len()
    ));
    assert_eq!(lost, 0);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(order.last(), Some(&primary), "the primary is the last");
    each_was_restarted_once(&world);
    let answer = world.answer(client.relation);
    assert_eq!(answer["version"], new.version);
    assert_eq!(
        crate::cluster::list(&answer, "read-only-endpoints").len(),
        2
    );
    let status = world.status(&primary.to_string());
    assert!(status.starts_with("active: replica"), "{status}");
}

fn upgrade_packages(world: &World, new: &Programs) {
    for machine in world.machines.values() {
        let program = machine.root().join("usr/bin/valkey-server");
        std::fs::remove_file(&program).unwrap();
        symlink(new.directory.join("valkey-server"), &program).unwrap();
    }
}

/// Whether every node of every unit runs this version.
fn all_run(world: &World, version: &str) -> bool {
    let units = world.units();
    let mut nodes = units
        .iter()
        .flat_map(|unit| [(unit, "server"), (unit, "sentinel")]);
    nodes.all(|(unit, node)| runs(world, unit, node) == version)
}

fn each_was_restarted_once(world: &World) {
    for unit in world.units() {
        for node in ["server", "sentinel"] {
            let service = crate::world::service(&unit, node);
            assert_eq!(
                world.machines[&unit].service(&service).starts,
                2,
                "{service}"
            );
        }
    }
}

/// An archive with these files, each with its content.
fn archive(world: &World, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = world.directory.path().join(format!("{name}.d"));
    for (path, text) in files {
        let path = directory.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let file = world.directory.path().join(format!("{name}.tar.gz"));
    let status = Command::new("tar")
        .arg("-czf")
        .arg(&file)
        .arg("-C")
        .arg(&directory)
        .arg(".")
        .status()
        .unwrap();
    assert!(status.success());
    file
}

/// What starts a release from wherever it lies.
fn starter(programs: &Programs) -> String {
    let place = programs
        .directory
        .parent()
        .map(Path::display)
        .unwrap()
        .to_string();
    format!(
        "#!/bin/sh\nexec {place}/lib/linker --argv0 \"$0\" --library-path {place}/lib \
         {place}/libexec/valkey-server \"$@\"\n"
    )
}

/// How often hooks of Valkey's charm asked Juju for the archive.
fn asked(runs: &[HookRun]) -> Vec<(String, usize)> {
    let asked = runs.iter().map(|run| {
        let calls = run.calls.iter().filter(|call| call.tool == "resource-get");
        (run.name.clone(), calls.count())
    });
    asked.filter(|(_, count)| *count > 0).collect()
}

/// Juju is asked for the archive once, and again when another may have come or the
/// last one could not be taken.
pub(crate) fn juju_is_asked_for_the_archive_when_another_may_have_come() {
    let mut world = World::deployed(Programs::newest(), 92, &[]);
    let first = asked(&world.settle());
    assert_eq!(first.len(), 1, "{first:?}");
    let unit = world.add_unit();
    let second = asked(&world.settle());
    assert_eq!(second.len(), 1, "{second:?}");
    world.ask("app", &["app:*"]);
    assert_eq!(asked(&world.settle()), []);
    assert_eq!(asked(&world.update_status_all()), []);
    world.model.set_config("valkey", "down-after", 2000);
    assert_eq!(asked(&world.settle()), []);
    let garbage = world.directory.path().join("garbage");
    std::fs::write(&garbage, "no archive").unwrap();
    world.model.attach_resource("valkey", "valkey", &garbage);
    let upgraded = ("upgrade-charm".to_owned(), 1);
    let mut refused = asked(&world.settle());
    refused.retain(|asked| asked.0 == "upgrade-charm");
    assert_eq!(refused, [upgraded.clone(), upgraded.clone()]);
    // It may have been the disk that was full.
    let again = asked(&[world.update_status(&unit)]);
    assert_eq!(again, [("update-status".to_owned(), 1)]);
    let good = archive(
        &world,
        "good",
        &[("valkey-server", &starter(&Programs::newest()))],
    );
    world.model.attach_resource("valkey", "valkey", &good);
    assert_eq!(asked(&world.settle()), [upgraded.clone(), upgraded]);
    assert_eq!(asked(&world.update_status_all()), []);
}

pub(crate) fn an_attached_archive_is_checked_and_taken() {
    let (old, new) = (Programs::oldest(), Programs::newest());
    let mut world = World::with_units(old.clone(), 91, 1);
    let client = Client::new(&mut world);
    let unit = UnitName::from("valkey/0");
    let mut writer = client.connect(&world);
    world.done(&mut writer, &["SET", "app:key", "kept"]);
    bad_archives_are_refused(&mut world, &mut writer);
    let good = archive(&world, "good", &[(RELEASE, &starter(&new))]);
    world.model.attach_resource("valkey", "valkey", &good);
    world.settle();
    world.update_status(&unit);
    for node in ["server", "sentinel"] {
        assert_eq!(runs(&world, &unit, node), new.version, "{}", world.logs());
    }
    assert!(world.status("valkey/0").starts_with("active: primary"));
    let mut reader = client.connect(&world);
    let value = world.done(&mut reader, &["GET", "app:key"]);
    assert_eq!(value.text(), Some("kept"));
    let programs = world.base(&unit).join("programs");
    let kept = std::fs::read_dir(&programs).unwrap().flatten();
    let kept = kept.filter(|entry| entry.file_type().unwrap().is_dir());
    assert_eq!(kept.count(), 1, "only the one that runs is kept");
    if old.version == new.version {
        return;
    }
    // Neither an older archive nor the distribution's older package can read the data.
    let older = archive(&world, "older", &[(RELEASE, &starter(&old))]);
    let nothing = world.directory.path().join("nothing");
    std::fs::write(&nothing, "").unwrap();
    for file in [older, nothing] {
        world.model.attach_resource("valkey", "valkey", &file);
        world.settle();
        let expected = format!(
            "blocked: resource valkey: it has {}, and the data are of {}",
            old.version, new.version
        );
        assert_eq!(world.status("valkey/0"), expected);
        assert_eq!(runs(&world, &unit, "server"), new.version);
        world.done(&mut reader, &["PING"]);
    }
    world.model.attach_resource("valkey", "valkey", &good);
    world.settle();
    assert!(world.status("valkey/0").starts_with("active: primary"));
}

/// Whatever is wrong with an archive is said, and others are served meanwhile.
fn bad_archives_are_refused(world: &mut World, writer: &mut Connection) {
    let garbage = world.directory.path().join("garbage");
    std::fs::write(&garbage, "no archive").unwrap();
    let bad = [
        (garbage, "it cannot be read"),
        (
            archive(world, "without", &[("readme", "x")]),
            "it has 0 files",
        ),
        (
            archive(world, "twice", &[(RELEASE, "x"), ("valkey-server", "x")]),
            "it has 2 files",
        ),
        (
            archive(world, "broken", &[(RELEASE, "#!/bin/false\n")]),
            "its valkey-server does not run here",
        ),
    ];
    for (number, (file, reason)) in bad.iter().enumerate() {
        world.model.attach_resource("valkey", "valkey", file);
        world.settle();
        let status = world.status("valkey/0");
        assert!(
            status.starts_with(&format!("blocked: resource valkey: {reason}")),
            "{status}"
        );
        // Hooks that do not look say the same, and others are served.
        let app = format!("more{number}");
        let relation = world.ask(&app, &[&format!("{app}:*")]);
        world.settle();
        assert!(world.status("valkey/0").starts_with("blocked: resource"));
        world.connect_as(&app, relation);
        world
            .call(writer, &["PING"])
            .expect("nothing was restarted");
    }
}
