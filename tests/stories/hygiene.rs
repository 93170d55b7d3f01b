//! Nothing that has to stay secret is seen where somebody may look: in the
//! arguments of commands, in logs, in statuses, in readable files.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use etcd_charm_world::{Certificate, HookRun, UnitName, World, service_of};
use fernet::Fernet;
use serde_json::json;

use crate::support::{ask_v0, ask_v1, assert_serves, certificate, id, request, users, world};

/// What nobody may see, with a word for what it is.
#[derive(Default)]
struct Hidden(BTreeSet<(String, String)>);

impl Hidden {
    /// Hides each line of a text, since PEM may be wrapped or cut anywhere.
    fn hide(&mut self, what: &str, text: &str) {
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        let lines = lines.filter(|line| line.len() >= 16);
        self.0
            .extend(lines.map(|line| (what.to_owned(), line.to_owned())));
    }

    /// Hides what all secrets of the application hold. Names of users and
    /// addresses stand in secrets because requirers look for them there: a
    /// status speaks of the ones, and a databag of the others.
    fn hide_secrets(&mut self, world: &World) {
        for secret in world.model.secrets("etcd") {
            for (key, value) in secret.revisions.values().flatten() {
                if !["username", "uris"].contains(&key.as_str()) {
                    self.hide(&format!("{key} of {}", secret.label), value);
                }
            }
        }
    }

    /// Hides the private keys among the files below a directory, and asserts
    /// that nobody but their owner can read them.
    fn hide_keys(&mut self, directory: &Path) {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let metadata = path.symlink_metadata().expect("it is there");
            if metadata.is_dir() {
                self.hide_keys(&path);
            } else if metadata.is_file() && metadata.len() < 65536 {
                let text = std::fs::read(&path).expect("it can be read");
                let text = String::from_utf8_lossy(&text);
                if text.contains("PRIVATE KEY") {
                    let mode = metadata.permissions().mode() & 0o777;
                    assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
                    self.hide(&path.display().to_string(), &text);
                }
            }
        }
    }

    fn assert_not_in(&self, place: &str, text: &str) {
        assert!(!text.contains("PRIVATE KEY"), "a private key in {place}");
        for (what, hidden) in &self.0 {
            assert!(!text.contains(hidden), "{what} in {place}: {text}");
        }
    }

    fn assert_not_in_run(&self, run: &HookRun) {
        let place = |part: &str| format!("{part} of {} {}", run.unit, run.name);
        self.assert_not_in(&place("stdout"), &run.stdout);
        self.assert_not_in(&place("stderr"), &run.stderr);
        for (_, line) in &run.log {
            self.assert_not_in(&place("the log"), line);
        }
        for call in &run.calls {
            let args = call.args.join(" ");
            self.assert_not_in(&place(&format!("arguments of {}", call.tool)), &args);
            // Content of secrets is handed over in files, whatever it is.
            if ["secret-add", "secret-set"].contains(&call.tool.as_str()) {
                let content = call.args.iter().filter(|arg| arg.contains('='));
                let (files, others): (Vec<_>, Vec<_>) =
                    content.partition(|arg| arg.contains("#file="));
                assert!(!files.is_empty() && others.is_empty(), "{:?}", call.args);
            }
            self.assert_not_in(&place(&format!("stderr of {}", call.tool)), &call.stderr);
        }
        for (key, value) in &run.environment {
            self.assert_not_in(&place(key), value);
        }
    }
}

pub(crate) fn secrets_are_seen_nowhere() {
    let mut world = world();
    let unit = world.deploy();
    let mut runs = world.settle();
    let mut hidden = Hidden::default();
    let shown: Vec<Certificate> = (1..=4)
        .map(|n| certificate(&format!("client{n}")))
        .collect();
    for shown in &shown {
        hidden.hide("the key of a client", &shown.key);
    }
    let mut v0 = ask_v0(&mut world, "old", "/old/", &shown[0]);
    let v1 = ask_v1(&mut world, "new", &[("/new/", Some(&shown[1]))]);
    runs.extend(world.settle());

    // Others are handed their keys: one by its databag, which is the one place
    // where it may be seen, the other in a file.
    let db = world.relate_db("kubernetes");
    runs.extend(world.settle());
    let handed_out = world.older_get(&db, "client_key").expect("a key");
    hidden.hide("the key of a relation", &handed_out);
    let action = world.run_action(&unit, "generate-client-certificates", serde_json::json!({}));
    assert_eq!(action.status, "completed", "{}", action.message);
    let archive = action.results["path"].as_str().expect("a path").to_owned();
    let unpacked = std::process::Command::new("tar")
        .args(["--extract", "--gzip", "--to-stdout", "--file"])
        .arg(world.root(&unit).join(archive.trim_start_matches('/')))
        .arg("client.key")
        .output();
    let key = String::from_utf8(unpacked.expect("tar is there").stdout).expect("PEM");
    assert!(key.contains("PRIVATE KEY"));
    hidden.hide("the key of an operator", &key);
    hidden.assert_not_in("the results", &action.results.to_string());
    runs.push(action.run);

    // A requirer of another model is given a key.
    let (name, relation) = world.relate_remote("app");
    let asked = vec![request("/remote/", 1)];
    let mut remote = etcd_charm_world::V1::ask(&mut world.model, &name, relation, asked);
    runs.extend(world.settle());
    let bag = world.model.app_bag(relation, "etcd");
    let key = world.secret_as(&name, &bag["encryption-secret"])["encryption-key"].clone();
    hidden.hide("the encryption key", &key);
    let token = Fernet::new(&key)
        .expect("a key")
        .encrypt(shown[2].certificate.as_bytes());
    remote.requests[0].certificate = Some(token);
    world.model.relation_set_app(
        relation,
        &name,
        &[("encryption-secret", &bag["encryption-secret"])],
    );
    remote.write(&mut world.model);
    runs.extend(world.settle());
    assert!(world.told_for(&remote, &id(1)).is_some());

    // A requirer sends its key by mistake; another one renews its certificate.
    let sent = format!("{}{}", shown[3].certificate, shown[3].key);
    let careless = Certificate {
        certificate: sent,
        ..shown[3].clone()
    };
    let careless = ask_v0(&mut world, "careless", "/careless/", &careless);
    let renewed = certificate("client1");
    hidden.hide("the key of a client", &renewed.key);
    v0.set_certificate(&mut world.model, &renewed.certificate);
    runs.extend(world.settle());
    let message = world.model.app_status("etcd").message;
    assert!(message.contains("a private key was sent"), "{message}");
    assert_eq!(world.told(&careless), None);

    // Another unit, a hook that fails, and the end of it all.
    let other = world.add_unit();
    runs.extend(world.rest());
    for unit in [&unit, &other] {
        world
            .model
            .fail_tool_call(unit.clone(), "is-leader", 1, "ERROR no");
    }
    runs.extend(world.model.update_status_all());
    runs.extend(world.rest());
    let told = world.told(&v0).expect("an answer");
    assert_serves(&mut world, &told, &renewed, "/old/");
    for unit in [&unit, &other] {
        runs.extend(actions(&mut world, unit));
    }
    hidden.hide_secrets(&world);
    for unit in [&unit, &other] {
        let count = hidden.0.len();
        hidden.hide_keys(world.root(unit));
        assert!(
            hidden.0.len() >= count + 4,
            "a member and its administrator have keys"
        );
        hidden.hide_keys(&world.model.charm_directory(unit.clone()));
    }
    let relations = [v0.relation, v1.relation, relation, careless.relation];
    for relation in relations.into_iter().chain([db.relation]) {
        world.model.remove_relation(relation);
    }
    runs.extend(world.rest());
    assert_eq!(users(&world, &unit), ["client", "root"]);

    assert!(runs.len() > 30);
    for run in &runs {
        hidden.assert_not_in_run(run);
    }
    assert_quiet(&world, &hidden, &[unit, other]);
}

/// Every action that anybody may run at any time: what an operator is answered
/// is seen by whoever may see the model.
fn actions(world: &mut World, unit: &UnitName) -> Vec<HookRun> {
    let asked = [
        ("alarm-disarm", json!({})),
        ("alarm-list", json!({})),
        ("compact", json!({})),
        ("defrag", json!({})),
        ("health", json!({})),
        ("list-clients", json!({})),
        ("reconcile", json!({"dry-run": true})),
        ("reconcile", json!({"dry-run": false})),
    ];
    let runs = asked.into_iter().map(|(name, parameters)| {
        let result = world.run_action(unit, name, parameters);
        assert_eq!(result.status, "completed", "{name}: {}", result.message);
        let set = result.run.calls.iter();
        let is_set = set.filter(|call| call.tool == "action-set").count() > 0;
        assert!(is_set, "{name} answers nothing");
        result.run
    });
    runs.collect()
}

/// The same for commands on the machines, and for statuses.
fn assert_quiet(world: &World, hidden: &Hidden, units: &[UnitName]) {
    for unit in units {
        let calls = world.machines[unit].calls();
        assert!(!calls.is_empty());
        for call in calls {
            hidden.assert_not_in("a command", &call.join(" "));
        }
        let status = world.model.unit_status(unit.clone());
        hidden.assert_not_in("a status", &status.message);
        let log = world.machines[unit].service_log(&service_of(unit));
        let log = std::fs::read(log).expect("etcd has a log");
        hidden.assert_not_in("etcd's log", &String::from_utf8_lossy(&log));
    }
    hidden.assert_not_in("a status", &world.model.app_status("etcd").message);
}

/// Whoever gets the machine of a removed unit finds nothing on it to be `root`
/// with in the cluster that goes on, from its `stop` on.
pub(crate) fn a_removed_unit_leaves_no_key() {
    let mut world = world();
    let (stays, goes) = (world.deploy(), world.add_unit());
    world.rest();
    let root = world.root(&goes).to_owned();
    let keys = || {
        let mut hidden = Hidden::default();
        hidden.hide_keys(&root);
        hidden.0.len()
    };
    assert!(keys() > 0);
    world.model.remove_unit(goes.clone());
    let mut is_stopped = false;
    while let Some(run) = world.model.step() {
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        if run.unit == goes && run.name == "stop" {
            is_stopped = true;
            assert_eq!(keys(), 0, "after stop");
        }
    }
    assert!(is_stopped);
    for place in ["etc/etcd-charm", "run/etcd-charm", "opt/etcd-charm"] {
        let left = root.join(place).join(goes.with_dash());
        assert!(!left.exists(), "{}", left.display());
    }
    let service = format!("etc/systemd/system/{}", service_of(&goes));
    assert!(!root.join(service).exists());
    world.machines.remove(&goes);
    world.rest();
    assert_eq!(world.model.unit_status(stays).status, "active");
}
