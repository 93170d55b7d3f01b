//! Snapshots that somebody else made, and restores where there is nothing left.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use etcd_charm_world::{JujuVersion, Programs, SigningRequest, UnitName, World, WorldOptions};

use crate::actions::{done, refused};
use crate::restore::{copy, storage, taken};
use crate::snapshot::file;
use crate::support::{
    Client, ask_v0, assert_serves, assert_shut_out, certificate, deployed, roles, users,
};

/// A deployment in a model of its own.
fn elsewhere() -> (World, UnitName) {
    let mut world = World::new(WorldOptions {
        dispatch: env!("CARGO_BIN_EXE_etcd-charm").into(),
        charm: PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        programs: Programs::oldest(),
        juju: JujuVersion::V3_6,
        seed: 2,
    });
    let unit = world.deploy();
    world.settle();
    (world, unit)
}

/// The models whose ledgers are in etcd.
fn ledgers(world: &World, unit: &UnitName) -> BTreeSet<String> {
    let admin = world.admin(unit);
    let keys = admin.lines(&["get", "", "--from-key", "--keys-only"]);
    let ours = keys.iter().filter(|key| key.starts_with("\0etcd-charm/"));
    ours.map(|key| key.split('/').nth(1).unwrap().to_owned())
        .collect()
}

pub(crate) fn restore_of_another_deployment() {
    let (mut there, unit) = elsewhere();
    let theirs = certificate("theirs");
    // A name that is held here as well, by somebody else.
    let both_there = certificate("both");
    let app = ask_v0(&mut there, "app", "/theirs/", &theirs);
    ask_v0(&mut there, "other", "/both-there/", &both_there);
    there.rest();
    let told = there.told(&app).expect("an answer");
    assert_serves(&mut there, &told, &theirs, "/theirs/");
    let admin = there.admin(&unit);
    admin.must("role add operators");
    admin.must("user add operator --no-password");
    admin.must("user grant-role operator operators");
    let generate = "generate-client-certificates common-name=tool";
    done(&mut there, &unit, generate);
    let path = taken(&mut there, &unit);

    let (mut here, own) = deployed();
    let ours = certificate("ours");
    let both = certificate("both");
    let app = ask_v0(&mut here, "app", "/ours/", &ours);
    let other = ask_v0(&mut here, "other", "/both/", &both);
    here.rest();
    let told = here.told(&app).expect("an answer");
    copy(
        file(&there, &unit, &path),
        &here,
        &own,
        "/home/ubuntu/theirs.db",
    );
    let results = done(&mut here, &own, "restore snapshot=/home/ubuntu/theirs.db");
    assert_eq!(results["restored"]["removed-users"], "both,theirs,tool");
    here.rest();
    assert_eq!(users(&here, &own), ["both", "operator", "ours", "root"]);
    assert_eq!(roles(&here, &own), ["both", "operators", "ours", "root"]);
    assert_eq!(ledgers(&here, &own).len(), 1);
    let admin = here.admin(&own);
    assert_eq!(admin.value("/theirs/key"), "value");
    assert_eq!(here.told(&app), Some(told.clone()));
    assert_serves(&mut here, &told, &ours, "/ours/");
    let told = here.told(&other).expect("an answer");
    assert_serves(&mut here, &told, &both, "/both/");
    for foreign in [theirs, both_there] {
        let client = here.client(&own, &foreign);
        assert_shut_out(&here, &own, &client);
    }
}

/// A snapshot of an etcd that asks nobody who he is.
fn open_snapshot(programs: &Path, directory: &Path) -> PathBuf {
    // Nobody connects from there, so a port that is free stays free.
    let free = || {
        let listener = std::net::TcpListener::bind(("127.0.0.2", 0)).unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let (client, peer) = (free(), free());
    let mut etcd = Command::new(programs.join("etcd"))
        .arg("--data-dir")
        .arg(directory.join("data"))
        .args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ])
        .args([
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
        ])
        .args(["--initial-cluster", &format!("default={peer}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let etcdctl = |args: &[&str]| {
        let mut command = Command::new(programs.join("etcdctl"));
        command
            .env("ETCDCTL_API", "3")
            .args(["--endpoints", &client]);
        command.args(args).output().unwrap().status.success()
    };
    let begun = Instant::now();
    while !etcdctl(&["put", "/open/key", "value"]) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "etcd does not start"
        );
    }
    let path = directory.join("open.db");
    let saved = etcdctl(&["snapshot", "save", path.to_str().unwrap()]);
    etcd.kill().unwrap();
    etcd.wait().unwrap();
    assert!(saved);
    path
}

pub(crate) fn restore_of_an_etcd_without_authentication() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = open_snapshot(&Programs::oldest().directory, directory.path());
    let (mut world, unit) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    copy(snapshot, &world, &unit, "/tmp/open.db");
    done(&mut world, &unit, "restore snapshot=/tmp/open.db");
    // Before any hook: rights are asked for.
    let client = world.client(&unit, &app.shown);
    assert!(client.run(&["get", "/open/key"]).is_denied());
    assert_eq!(users(&world, &unit), ["client1", "root"]);
    world.rest();
    let admin = world.admin(&unit);
    assert_eq!(admin.value("/open/key"), "value");
    app.assert_served(&mut world);
}

pub(crate) fn restore_where_the_disk_is_lost() {
    let (mut world, unit) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.assert_served(&mut world);
    let path = taken(&mut world, &unit);
    world.machines[&unit].power_off();
    std::fs::remove_dir_all(storage(&world, &unit).join("etcd")).unwrap();
    world.power_on([&unit]);
    world.settle();
    let status = world.model.unit_status(unit.clone());
    assert!(status.message.contains("is gone"), "{}", status.message);

    let reason = refused(&mut world, &unit, &format!("restore snapshot={path}"));
    assert!(reason.contains("restore with skip-backup=true"), "{reason}");
    done(
        &mut world,
        &unit,
        &format!("restore snapshot={path} skip-backup=true"),
    );
    world.rest();
    assert_eq!(world.model.unit_status(unit).status, "active");
    let client = world.follow(&told, &app.shown);
    assert_eq!(client.value("/test/key"), "value");
    assert_serves(&mut world, &told, &app.shown, "/test/");
}

/// No member can tell what was signed since the snapshot: the relations do, and what
/// they do not is said.
pub(crate) fn restore_where_the_disk_is_lost_keeps_signed_names() {
    let (mut world, unit) = deployed();
    let path = taken(&mut world, &unit);
    let mut access = Vec::new();
    for app in ["app", "gone"] {
        let signing = world.relate_certificates(app);
        let request = SigningRequest::new(app);
        world.ask_to_sign(&signing, &[&request]);
        world.settle();
        let shown = world.signed(&signing, &request).expect("a certificate");
        let requirer = ask_v0(&mut world, app, &format!("/{app}/"), &shown);
        world.rest();
        access.push((signing, request, shown, requirer));
    }
    let (gone, _, stolen, left) = access.pop().unwrap();
    world.model.remove_relation(left.relation);
    world.model.remove_relation(gone.relation);
    world.rest();
    world.machines[&unit].power_off();
    std::fs::remove_dir_all(storage(&world, &unit).join("etcd")).unwrap();
    world.power_on([&unit]);
    world.settle();
    let restore = format!("restore snapshot={path} skip-backup=true");
    let results = done(&mut world, &unit, &restore);
    let advice = results["restored"]["unknown-names"].as_str().unwrap();
    assert!(advice.contains("rotate-client-ca"), "{advice}");
    world.rest();
    let (signing, asked, shown, mut requirer) = access.pop().unwrap();
    let told = world.told(&requirer).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/app/");
    // Its name is taken, whoever asks.
    let thief = world.relate_certificates("thief");
    let request = SigningRequest::new("app");
    world.ask_to_sign(&thief, &[&request]);
    world.rest();
    assert!(world.signed(&thief, &request).is_none());
    // The other one's is not known any more, until the CA is replaced as was advised.
    done(&mut world, &unit, "rotate-client-ca grace-minutes=0");
    world.rest();
    let renewed = world.signed(&signing, &asked).expect("a certificate");
    requirer.set_certificate(&mut world.model, &renewed.certificate);
    world.rest();
    let client = world.client(&unit, &stolen).impatient();
    assert!(!client.run(&["get", "--prefix", "/gone/"]).ok);
    assert_serves(&mut world, &told, &renewed, "/app/");
}

pub(crate) fn restore_waits_for_another() {
    let (mut world, unit) = deployed();
    let path = taken(&mut world, &unit);
    // The lock of a leader before this one, that has not ended yet.
    let model = ledgers(&world, &unit).into_iter().next().unwrap();
    let key = format!("\\x00etcd-charm/{model}/etcd/lock/recovery");
    let admin = world.admin(&unit);
    let answer = admin.run_with(&["txn"], &format!("\nput \"{key}\" \"etcd/9\"\n\n\n"));
    assert!(answer.ok, "{}", answer.stderr);
    let before = world.revisions();
    let reason = refused(&mut world, &unit, &format!("restore snapshot={path}"));
    assert!(reason.starts_with("another restore is running"), "{reason}");
    assert_eq!(world.revisions(), before);
}
