//! The same life of two clients with every etcd and every Juju at hand.

use std::path::{Path, PathBuf};
use std::process::Command;

use etcd_charm_world::juju::Deployment;
use etcd_charm_world::{JujuVersion, Programs, UnitName, World};

use crate::support::{
    Client, ask_v0, ask_v1, assert_serves, assert_shut_out, certificate, id, roles, trusted,
    trusts, users, world_of,
};

pub(crate) fn on_juju_3_6(programs: Programs) {
    life(&programs, JujuVersion::V3_6);
}

pub(crate) fn on_juju_4_0(programs: Programs) {
    life(&programs, JujuVersion::V4_0);
}

fn life(programs: &Programs, juju: JujuVersion) {
    let mut world = world_of(programs.clone(), juju);
    let unit = world.deploy();
    world.settle();
    live(&mut world, &unit, &programs.version);
}

/// Two clients come, renew their certificates, and go.
fn live(world: &mut World, unit: &UnitName, version: &str) {
    let (old, new) = (certificate("client1"), certificate("client2"));
    let mut v0 = ask_v0(world, "old", "/old/", &old);
    let mut v1 = ask_v1(world, "new", &[("/new/", Some(&new))]);
    world.rest();
    let told = [world.told(&v0), world.told_for(&v1, &id(0))].map(|told| told.expect("an answer"));
    assert_serves(world, &told[0], &old, "/old/");
    assert_serves(world, &told[1], &new, "/new/");
    assert!(told.iter().all(|told| told.version == version), "{told:?}");
    assert_eq!(world.model.workload_version("etcd"), version);
    assert_advisory(world, unit, version);

    let (older, newer) = (old, new);
    let (old, new) = (certificate("client1"), certificate("client2"));
    v0.set_certificate(&mut world.model, &old.certificate);
    v1.set_certificate(&mut world.model, 0, &new.certificate);
    world.rest();
    assert_serves(world, &told[0], &old, "/old/");
    assert_serves(world, &told[1], &new, "/new/");
    let now = [world.told(&v0), world.told_for(&v1, &id(0))].map(|told| told.expect("an answer"));
    assert_eq!(now, told);
    assert!(!trusts(world, unit, &older) && !trusts(world, unit, &newer));
    let client = world.client(unit, &older);
    assert_shut_out(world, unit, &client);

    world.model.remove_relation(v0.relation);
    v1.requests.clear();
    v1.write(&mut world.model);
    world.rest();
    assert_eq!(users(world, unit), ["root"]);
    assert_eq!(roles(world, unit), ["root"]);
    assert_eq!(world.model.secrets("etcd").len(), 1);
    // The authorities of administrators and of clients.
    assert_eq!(trusted(world, unit), 2);
    let client = world.client(unit, &old);
    assert_shut_out(world, unit, &client);
    assert!(!world.distribution_service_ran(unit));
}

/// An operator is told of a version in which clients can pass their rights, as
/// the published advisories have it, and is not bothered with any other.
fn assert_advisory(world: &World, unit: &UnitName, version: &str) {
    let status = world.model.unit_status(unit.clone());
    assert_eq!(status.status, "active", "{}", status.message);
    assert!(
        status.message.contains("cluster is healthy"),
        "{}",
        status.message
    );
    let is_open = matches!(version, "3.4.23" | "3.5.1");
    let is_told = status.message.contains("security advisories");
    assert_eq!(is_told, is_open, "{}", status.message);
    if is_open {
        let told = format!("upgrade etcd {version}: ");
        assert!(status.message.starts_with(&told), "{}", status.message);
    }
}

/// The archive of a release, as an operator would download it.
pub(crate) fn archive(directory: &Path, version: &str) -> PathBuf {
    let archive = directory.join("etcd.tar.gz");
    let packer = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/release-archive");
    let packed = Command::new(packer).arg(version).arg(&archive).status();
    assert!(packed.expect("the packer can be started").success());
    archive
}

/// A release that the members cannot be upgraded to is attached, and a unit that
/// is added has it alone: it waits for another one, and nobody suffers for it.
pub(crate) fn that_members_refuse_do_not_join_them() {
    let mut all = Programs::all().into_iter();
    let old = all.find(|programs| programs.version == "3.5.1");
    let mut world = world_of(old.expect("the release is at hand"), JujuVersion::V3_6);
    let first = world.deploy();
    world.rest();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let refused = archive(directory.path(), "3.6.16");
    world.model.attach_resource("etcd", "etcd", refused);
    world.rest();
    let second = world.add_unit();
    world.rest();
    let status = world.model.unit_status(second.clone());
    assert_eq!(
        (&*status.status, &*status.message),
        (
            "blocked",
            "attach 3.5.26 or newer of 3.5 first: etcd 3.6.16 cannot join members that run 3.5.1"
        )
    );
    let members = |world: &World| {
        let list = world.admin(&first).json(&["member", "list"]);
        list["members"].as_array().expect("a list").len()
    };
    assert_eq!(members(&world), 1);
    assert_eq!(world.starts(&second), 0, "it was started all the same");

    // With one that they take it joins.
    let right = archive(directory.path(), "3.5.1");
    world.model.attach_resource("etcd", "etcd", right);
    world.rest();
    assert_eq!(members(&world), 2);
    let status = world.model.unit_status(second);
    assert_eq!(status.status, "active", "{}", status.message);
}

pub(crate) fn etcd_of_a_resource() {
    // The distribution has another one.
    let mut world = world_of(Programs::oldest(), JujuVersion::V3_6);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let archive = archive(directory.path(), "3.6.16");
    let unit = world.deploy_with(Deployment::units(1).resource("etcd", &archive));
    world.settle();
    let packages = world.machines[&unit].packages();
    assert!(
        !packages.iter().any(|package| package.contains("etcd")),
        "{packages:?}"
    );
    live(&mut world, &unit, "3.6.16");
}

/// Files that are no etcd: hooks go on, what is granted ends, clients come.
pub(crate) fn an_archive_without_etcd() {
    let mut world = world_of(Programs::oldest(), JujuVersion::V3_6);
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("etcd.tar.gz");
    std::fs::write(&file, "no archive").expect("a file");
    // Before anything is installed,
    let unit = world.deploy_with(Deployment::units(1).resource("etcd", &file));
    let runs = world.settle();
    assert!(runs.iter().all(|run| run.succeeded()));
    let said = "attach a release of etcd: etcd.tar.gz is no archive";
    let status = world.model.unit_status(unit.clone());
    assert_eq!((&*status.status, &*status.message), ("blocked", said));
    let right = archive(directory.path(), "3.6.16");
    world.model.attach_resource("etcd", "etcd", right);
    world.rest();
    let status = world.model.unit_status(unit.clone());
    assert_eq!(status.status, "active", "{}", status.message);

    // and while it serves.
    std::fs::write(&file, "no archive either").expect("a file");
    let starts = world.starts(&unit);
    world.model.attach_resource("etcd", "etcd", &file);
    world.rest();
    let status = world.model.unit_status(unit.clone());
    assert_eq!((&*status.status, &*status.message), ("blocked", said));
    assert_eq!(world.starts(&unit), starts);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    app.assert_served(&mut world);
    app.leave(&mut world);
    world.rest();
    assert_eq!(users(&world, &unit), ["root"]);
}
