//! What a unit keeps of the ledger for its next hook never decides anything once it is
//! not true any more.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::juju::machine::Active;
use etcd_charm_world::{Certificate, HookRun, Programs, Told, UnitName, V0, World, service_of};
use libtest_mimic::Trial;

use crate::restore::storage;
use crate::support::{
    ask_v0, assert_serves, certificate, cluster, cluster_id, newest, revision, story, users,
};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("kept_ledger_of_data_that_was_put_back_is_none", put_back),
        story("kept_ledger_that_is_damaged_is_none", damaged),
        story("kept_ledger_misses_no_change_by_hand", changed_by_hand),
        story("kept_ledger_misses_no_change_by_others", changed_by_others),
    ]
}

/// A client, and what it shows.
struct Client {
    requirer: V0,
    shown: Certificate,
    prefix: String,
}

impl Client {
    fn ask(world: &mut World, name: &str) -> Self {
        let (shown, prefix) = (certificate(name), format!("/{name}/"));
        let requirer = ask_v0(world, name, &prefix, &shown);
        Self {
            requirer,
            shown,
            prefix,
        }
    }

    fn told(&self, world: &mut World) -> Told {
        world.told(&self.requirer).expect("an answer")
    }

    fn assert_serves(&self, world: &mut World) {
        let told = self.told(world);
        assert_serves(world, &told, &self.shown, &self.prefix);
    }

    /// An event on its relation, in which nothing has changed.
    fn event(&self, world: &mut World, unit: &UnitName) -> HookRun {
        let relation = self.requirer.relation;
        let hook = Hook::RelationChanged {
            relation,
            unit: None,
        };
        world.model.run_hook(unit.clone(), hook)
    }

    fn succeeds(&self, world: &mut World, unit: &UnitName) {
        let run = self.event(world, unit);
        assert!(run.succeeded(), "{}", run.stderr);
    }

    /// The key of its record, within the ledger.
    fn record(&self) -> String {
        format!("client/{}/-", self.requirer.relation.0)
    }
}

/// One unit, and two clients that it serves.
fn two_clients(programs: Programs) -> (World, UnitName, [Client; 2]) {
    let (mut world, mut units) = cluster(programs, 1);
    let clients = ["one", "two"].map(|name| Client::ask(&mut world, name));
    world.rest();
    (world, units.remove(0), clients)
}

fn note(world: &World, unit: &UnitName) -> PathBuf {
    let run = world.root(unit).join("run/etcd-charm");
    run.join(unit.with_dash()).join("ledger")
}

/// A transaction of the administrator, in which keys of the ledger are written in full.
fn change(world: &World, unit: &UnitName, operations: &[(&str, &str, &str)]) {
    let root = format!("\\x00etcd-charm/{}/etcd", world.model.uuid());
    let lines = operations.iter().map(|(what, key, value)| {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        match *what {
            "put" => format!("put \"{root}/{key}\" \"{value}\"\n"),
            _ => format!("del \"{root}/{key}\"\n"),
        }
    });
    let script = format!("\n{}\n\n", lines.collect::<String>());
    let answer = world.admin(unit).run_with(&["txn"], &script);
    assert!(answer.ok, "{}", answer.stderr);
}

/// The keys of the ledger.
fn ledger(world: &World, unit: &UnitName) -> Vec<(String, String)> {
    let root = format!("\0etcd-charm/{}/etcd/", world.model.uuid());
    let all = world.admin(unit).key_values().into_iter();
    all.filter_map(|entry| Some((entry.key.strip_prefix(&root)?.to_owned(), entry.value)))
        .collect()
}

fn has(world: &World, unit: &UnitName, key: &str) -> bool {
    ledger(world, unit).iter().any(|(found, _)| found == key)
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("--archive")
        .args([from, to])
        .status();
    assert!(copied.unwrap().success());
}

/// Does something with the data of a member while it does not run.
fn while_stopped(world: &World, unit: &UnitName, act: impl FnOnce(&Path)) {
    let machine = &world.machines[unit];
    machine.power_off();
    act(&storage(world, unit).join("etcd"));
    machine.power_on();
    let is_up =
        |state: &etcd_charm_world::juju::machine::ServiceState| state.active == Active::Active;
    let limit = Duration::from_secs(60);
    let started = machine.wait_for(&service_of(unit), limit, is_up);
    assert!(started.is_ok(), "{started:?}");
}

/// The data of a member is put back by hand to what it was before a client came. The
/// cluster is the same by its id; as many keys are in the ledger as were noted, and its
/// revision is beyond that of the note.
fn put_back() {
    let (mut world, mut units) = cluster(newest(), 1);
    let unit = units.remove(0);
    let one = Client::ask(&mut world, "one");
    world.rest();
    let kept = world.root(&unit).join("kept-data");
    while_stopped(&world, &unit, |data| copy(data, &kept));
    world.rest();
    let before = cluster_id(&world, &unit);
    let two = Client::ask(&mut world, "two");
    world.rest();
    two.assert_serves(&mut world);
    two.succeeds(&mut world, &unit);
    assert!(note(&world, &unit).exists());
    let (noted, keys) = (revision(&world, &unit), ledger(&world, &unit).len());

    while_stopped(&world, &unit, |data| {
        fs::remove_dir_all(data).unwrap();
        copy(&kept, data);
    });
    assert_eq!(cluster_id(&world, &unit), before);
    assert_eq!(users(&world, &unit), ["one", "root"]);
    let mut number = 0;
    while ledger(&world, &unit).len() < keys {
        number += 1;
        change(&world, &unit, &[("put", &format!("future/{number}"), "")]);
    }
    assert_eq!(ledger(&world, &unit).len(), keys);
    assert!(
        revision(&world, &unit) < noted,
        "they were noted to be there"
    );
    while revision(&world, &unit) <= noted {
        assert!(world.admin(&unit).run(&["put", "/other", "x"]).ok);
    }

    two.succeeds(&mut world, &unit);
    assert!(has(&world, &unit, &two.record()));
    assert_eq!(users(&world, &unit), ["one", "root", "two"]);
    two.assert_serves(&mut world);
    one.assert_serves(&mut world);
    world.rest();
}

/// Whatever stands where the note should, an event does what it would do without any,
/// and leaves a note that is whole.
fn damaged() {
    let (mut world, unit, [one, _]) = two_clients(newest());
    let note = note(&world, &unit);
    let mode = fs::metadata(&note).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let whole = fs::read(&note).unwrap();
    let length = whole.len();
    let mut wrong = whole.clone();
    wrong[length / 2] ^= 1;
    let told = one.told(&mut world);
    for content in [&[][..], b"junk", &whole[..length / 2], &whole[1..], &wrong] {
        fs::write(&note, content).unwrap();
        one.succeeds(&mut world, &unit);
        assert_ne!(fs::read(&note).unwrap(), content);
        assert_eq!(one.told(&mut world), told);
    }
    fs::remove_file(&note).unwrap();
    fs::create_dir(&note).unwrap();
    one.succeeds(&mut world, &unit);
    world.rest();
    one.assert_serves(&mut world);
}

/// Keys that were deleted, made or spoilt by hand between two events.
fn changed_by_hand() {
    for programs in [Programs::oldest(), newest()] {
        let (mut world, unit, [one, two]) = two_clients(programs);
        let record = two.record();
        // As many keys as before.
        let operations = [("del", &*record, ""), ("put", "future/x", "")];
        change(&world, &unit, &operations);
        assert!(!has(&world, &unit, &record));
        two.succeeds(&mut world, &unit);
        assert!(has(&world, &unit, &record), "it was made again");

        // What cannot be read may be a grant, whoever's it is.
        let all = ledger(&world, &unit);
        let (_, value) = all.iter().find(|(key, _)| *key == record).unwrap();
        change(&world, &unit, &[("put", &record, "junk")]);
        let run = one.event(&mut world, &unit);
        assert!(!run.succeeded(), "{}", run.stdout);
        assert!(run.stderr.contains("ledger"), "{}", run.stderr);
        change(&world, &unit, &[("put", &record, value)]);
        world.rest();
        two.assert_serves(&mut world);
    }
}

/// Another unit leads meanwhile, and gives a name to a client.
fn changed_by_others() {
    let (mut world, units) = cluster(newest(), 2);
    let one = Client::ask(&mut world, "one");
    world.rest();
    one.succeeds(&mut world, &units[0]);
    let noted = fs::read(note(&world, &units[0])).unwrap();
    world.model.set_leader("etcd", units[1].clone());
    let two = Client::ask(&mut world, "two");
    while let Some(run) = world.model.step_unit(units[1].clone()) {
        assert!(run.succeeded(), "{}", run.stderr);
    }
    assert_eq!(users(&world, &units[1]), ["one", "root", "two"]);

    // What it has noted is older than all of that.
    world.model.set_leader("etcd", units[0].clone());
    assert_eq!(fs::read(note(&world, &units[0])).unwrap(), noted);
    one.succeeds(&mut world, &units[0]);
    assert_ne!(fs::read(note(&world, &units[0])).unwrap(), noted);
    assert_eq!(users(&world, &units[0]), ["one", "root", "two"]);
    let other = ask_v0(&mut world, "other", "/other/", &certificate("two"));
    world.rest();
    assert_eq!(world.told(&other), None);
    for client in [&one, &two] {
        client.assert_serves(&mut world);
    }
}
