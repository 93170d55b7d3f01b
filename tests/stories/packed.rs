//! A charm that was packed with an etcd: it serves without a resource, and what is
//! inside never takes the place of what it may not follow.

use etcd_charm_world::juju::Deployment;
use etcd_charm_world::{JujuVersion, Programs, UnitName, World};
use tempfile::TempDir;

use crate::support::{
    Client, application_message, ask_v0, ask_v1, assert_serves, certificate, id, world, world_of,
};
use crate::versions::archive;

/// What the charm calls the archive inside.
const PACKED: &str = "etcd.tar.gz";

/// A directory for the archive of each release.
struct Archives(TempDir);

impl Archives {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn of(&self, version: &str) -> std::path::PathBuf {
        let directory = self.0.path().join(version);
        std::fs::create_dir_all(&directory).expect("a directory");
        archive(&directory, version)
    }
}

/// The version that the member of this unit runs.
fn runs(world: &World, unit: &UnitName) -> String {
    let status = world.admin(unit).json(&["endpoint", "status"]);
    let version = status[0]["Status"]["version"].as_str();
    version.expect("a version").to_owned()
}

fn unit_status(world: &World, unit: &UnitName) -> (String, String) {
    let status = world.model.unit_status(unit.clone());
    (status.status, status.message)
}

/// The machines' own etcd lets clients make themselves root, and one relation alone
/// is served with it. With the one inside two are, and nothing is installed by apt.
pub(crate) fn etcd_serves_without_a_resource() {
    let mut world = world();
    let archives = Archives::new();
    let charm = world.charm().with_file(PACKED, archives.of("3.6.16"));
    let safe = Deployment::units(1).config("allow-vulnerable-etcd", false);
    let first = world.deploy_charm(charm, safe);
    world.settle();
    let second = world.add_unit();
    world.rest();
    for unit in [&first, &second] {
        assert_eq!(runs(&world, unit), "3.6.16");
        let packages = world.machines[unit].packages();
        let is_etcd = |package: &String| package.contains("etcd");
        assert!(!packages.iter().any(is_etcd), "{packages:?}");
    }
    let (shown_v0, shown_v1) = (certificate("client1"), certificate("client2"));
    let v0 = ask_v0(&mut world, "one", "/one/", &shown_v0);
    let v1 = ask_v1(&mut world, "two", &[("/two/", Some(&shown_v1))]);
    world.rest();
    let told = world.told(&v0).expect("an answer");
    assert_serves(&mut world, &told, &shown_v0, "/one/");
    let told = world.told_for(&v1, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &shown_v1, "/two/");
    assert_eq!(application_message(&world), "");

    // A newer one inside is an upgrade, one member after the other.
    let charm = world.charm().with_file(PACKED, archives.of("3.7.3"));
    world.model.upgrade_charm("etcd", charm);
    world.rest();
    for unit in [&first, &second] {
        assert_eq!(runs(&world, unit), "3.7.3");
    }
    assert_serves(&mut world, &told, &shown_v1, "/two/");

    // None inside is no reason to go back.
    let starts = world.starts(&first);
    let charm = world.charm();
    world.model.upgrade_charm("etcd", charm);
    world.rest();
    assert_eq!(runs(&world, &first), "3.7.3");
    assert_eq!(world.starts(&first), starts);
}

pub(crate) fn etcd_comes_after_what_is_attached() {
    let mut world = world();
    let archives = Archives::new();
    let charm = world.charm().with_file(PACKED, archives.of("3.7.3"));
    let attached = Deployment::units(1).resource("etcd", archives.of("3.6.16"));
    let unit = world.deploy_charm(charm, attached);
    world.rest();
    assert_eq!(runs(&world, &unit), "3.6.16");
    let empty = archives.0.path().join("empty");
    std::fs::write(&empty, "").expect("a file");
    world.model.attach_resource("etcd", "etcd", empty);
    world.rest();
    assert_eq!(runs(&world, &unit), "3.7.3");
}

/// A cluster with the distribution's release gets a charm that has one inside which
/// its members cannot be upgraded to.
pub(crate) fn etcd_that_members_refuse_changes_nothing() {
    let mut world = world_of(Programs::oldest(), JujuVersion::V3_6);
    let unit = world.deploy();
    world.rest();
    let before = runs(&world, &unit);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let starts = world.starts(&unit);
    let archives = Archives::new();
    let charm = world.charm().with_file(PACKED, archives.of("3.6.16"));
    world.model.upgrade_charm("etcd", charm);
    world.rest();
    assert_eq!(runs(&world, &unit), before);
    assert_eq!(world.starts(&unit), starts);
    let (name, message) = unit_status(&world, &unit);
    let told = format!("etcd 3.6.16 cannot follow {before}: attach a release of 3.5 first");
    assert_eq!(name, "active", "{message}");
    assert!(message.starts_with(&told), "{message}");
    let told = app.assert_served(&mut world);

    // A unit that is added has the one inside alone, and harms nobody with it.
    let second = world.add_unit();
    world.rest();
    let said =
        format!("attach a release of 3.5 first: etcd 3.6.16 cannot join members that run {before}");
    assert_eq!(unit_status(&world, &second), ("blocked".to_owned(), said));
    assert_eq!(world.starts(&second), 0, "it was started all the same");
    assert_serves(&mut world, &told, &app.shown, "/test/");

    // The way there is one minor at a time, by what is attached.
    world
        .model
        .attach_resource("etcd", "etcd", archives.of("3.5.1"));
    world.rest();
    for unit in [&unit, &second] {
        assert_eq!(runs(&world, unit), "3.5.1");
        assert_eq!(unit_status(&world, unit).0, "active");
    }
}
