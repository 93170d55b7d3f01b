//! Whose a name is: an operator's, a request's, or nobody's since it was
//! revoked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use etcd_charm_world::{Credentials, UnitName, World};
use serde_json::{Value, json};

use super::{ARCHIVE, GENERATE, REVOKE, equipped, fetch, there, with_operator};
use crate::actions::{done, done_with, refused, run};
use crate::restore::taken;
use crate::support::{Client, application_message, ask_v0, certificate, listed, users};

/// A shell line that writes into the ledger as the charm itself would.
fn claim(world: &World, unit: &UnitName, key: &str, value: &Value) -> String {
    // A transaction takes keys in quotation marks, where a zero byte can stand.
    let root = format!("\\x00etcd-charm/{}/etcd", world.model.uuid());
    let value = value.to_string().replace('"', "\\\"");
    let script = format!("\nput \"{root}/{key}\" \"{value}\"\n\n\n\n");
    let file = world.root(unit).join("claim");
    fs::write(&file, script).unwrap();
    let command = world.admin(unit).command();
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_str().unwrap()).collect();
    format!(
        "ETCDCTL_API=3 {} txn < {} >&2",
        words.join(" "),
        file.display()
    )
}

fn run_shell(line: &str) {
    let ran = Command::new("sh")
        .args(["-e", "-c", line])
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

/// What the ledger says is read before a name is claimed, and somebody else may
/// claim it in between: an operator while a hook runs, or the other way round.
pub(crate) fn issued_names_and_those_of_requests_are_claimed_once() {
    let (mut world, unit) = equipped();
    let fingerprint = "5f".repeat(32);
    let issued = json!({
        "purpose": "operator", "fingerprint": fingerprint, "issued-at": 1_700_000_000,
        "not-after": 4_000_000_000_u64, "state": "in-force",
    });
    let line = claim(&world, &unit, "issued/wanted", &issued);
    let app = Client::ask_as(&mut world, "app", "/test/", "wanted");
    let after = move |_: &mut etcd_charm_world::juju::Model| run_shell(&line);
    world
        .model
        .after_tool_call(unit.clone(), "secret-get", after);
    world.settle();
    assert_eq!(world.told(&app.requirer), None);
    assert_eq!(users(&world, &unit), ["root"]);
    let message = application_message(&world);
    assert!(message.contains("issued to an operator"), "{message}");
    world.rest();
    assert_eq!(users(&world, &unit), ["root", "wanted"]);

    let claimed = json!({"holder": {"relation": 77, "request": null}, "leaves": [fingerprint]});
    let line = claim(&world, &unit, "name/late", &claimed);
    let path = world.machines[&unit].path_dir().join("tar");
    fs::write(
        &path,
        format!("#!/bin/sh -e\n{line}\nexec /bin/tar \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let reason = refused(&mut world, &unit, &format!("{GENERATE} common-name=late"));
    assert_eq!(
        reason,
        "common name late was changed by somebody else meanwhile: run it again"
    );
    fs::remove_file(&path).unwrap();
    assert!(!there(&world, &unit, ARCHIVE).exists());
    let reason = refused(&mut world, &unit, &format!("{GENERATE} common-name=late"));
    assert_eq!(
        reason,
        "common name late is held by an application; choose another one"
    );
    assert_eq!(users(&world, &unit), ["root", "wanted"]);
}

pub(crate) fn revoked_names_are_nobodys() {
    let (mut world, unit) = equipped();
    done(&mut world, &unit, &format!("{GENERATE} common-name=tool"));
    let fetched = fetch(&world, &unit, ARCHIVE);
    let client = fetched.client(&world, &unit);
    let app = Client::ask_as(&mut world, "app", "/test/", "tool");
    world.settle();
    let message = application_message(&world);
    assert!(
        message.contains("refused: common name tool is that of credentials"),
        "{message}"
    );
    done(&mut world, &unit, &format!("{REVOKE} common-name=tool"));
    world.rest();
    let message = application_message(&world);
    assert!(
        message.contains("waits: common name tool was revoked, and is free after"),
        "{message}"
    );
    assert_eq!(world.told(&app.requirer), None);
    assert_eq!(users(&world, &unit), ["root"]);
    // The certificate is still one of a trusted authority, and nobody's.
    let answer = client.run(&["get", "/test/x"]);
    assert!(
        !answer.ok && !answer.stderr.contains("certificate"),
        "{answer:?}"
    );
}

/// Credentials of a name, fetched; nothing of them stays on the machine.
fn credentials(world: &mut World, unit: &UnitName, name: &str) -> Credentials {
    done(world, unit, &format!("{GENERATE} common-name={name}"));
    let fetched = fetch(world, unit, ARCHIVE);
    fs::remove_file(there(world, unit, ARCHIVE)).unwrap();
    fetched
}

/// A certificate does not become unissued, or unrevoked, with the data.
pub(crate) fn issued_names_outlive_a_restore() {
    let (mut world, unit) = equipped();
    let early = credentials(&mut world, &unit, "early");
    let path = taken(&mut world, &unit);
    let late = credentials(&mut world, &unit, "late");
    done(&mut world, &unit, &format!("{REVOKE} common-name=early"));
    let results = done(&mut world, &unit, &format!("restore snapshot={path}"));
    assert_eq!(results["restored"]["kept-names"], "early,late");
    assert_eq!(users(&world, &unit), ["late", "root"]);
    assert!(late.client(&world, &unit).run(&["put", "x", "1"]).ok);
    assert!(!early.client(&world, &unit).run(&["put", "x", "1"]).ok);
    // A requirer in that name gets neither its rights nor shares its own.
    let shown = ["early", "late"].map(certificate);
    let apps = ["app", "other"];
    let asked: Vec<_> = apps
        .iter()
        .zip(&shown)
        .map(|(app, shown)| ask_v0(&mut world, app, &format!("/{app}/"), shown))
        .collect();
    world.rest();
    for app in &asked {
        assert_eq!(world.told(app), None);
    }
    let reasons = listed(&mut world, &unit);
    assert!(reasons.contains("early was revoked"), "{reasons}");
    assert!(reasons.contains("late is that of credentials"), "{reasons}");
    assert_eq!(users(&world, &unit), ["late", "root"]);
}

/// Where no member could tell what was issued since a snapshot, an operator can.
pub(crate) fn issued_names_that_nobody_knows_can_be_reserved() {
    let (mut world, unit) = equipped();
    let ghost = credentials(&mut world, &unit, "ghost");
    let admin = world.admin(&unit);
    // As after a restore in which nobody could be asked.
    let key = format!("\\x00etcd-charm/{}/etcd/issued/ghost", world.model.uuid());
    let forget = format!("\ndel \"{key}\"\n\n\n\n");
    assert!(admin.run_with(&["txn"], &forget).ok);
    for what in ["user", "role"] {
        assert!(admin.run(&[what, "delete", "ghost"]).ok);
    }
    let revoke = format!("{REVOKE} common-name=ghost");
    let reason = refused(&mut world, &unit, &revoke);
    assert!(reason.contains("reserve=true"), "{reason}");
    let reserve = format!("{revoke} reserve=true");
    let results = done(&mut world, &unit, &reserve);
    assert!(results["fingerprint"].is_null(), "{results}");
    done(&mut world, &unit, &reserve);
    let reason = refused(&mut world, &unit, &format!("{GENERATE} common-name=ghost"));
    assert!(reason.contains("was revoked"), "{reason}");
    let app = ask_v0(&mut world, "app", "/test/", &certificate("ghost"));
    world.rest();
    assert_eq!(world.told(&app), None);
    assert_eq!(users(&world, &unit), ["root"]);
    assert!(!ghost.client(&world, &unit).run(&["get", "/test/x"]).ok);
    // Nobody's name is taken away by it.
    let served = Client::ask_as(&mut world, "served", "/served/", "served");
    world.rest();
    assert!(world.told(&served.requirer).is_some());
    for name in ["served", "root", "etcd-0"] {
        let reserve = format!("{REVOKE} common-name={name} reserve=true");
        refused(&mut world, &unit, &reserve);
    }
}

pub(crate) fn revocation_is_finished_by_whoever_leads() {
    let (mut world, unit) = equipped();
    let other = world.add_unit();
    world.rest();
    with_operator(&world, &other);
    done(&mut world, &unit, GENERATE);
    let fetched = fetch(&world, &unit, ARCHIVE);
    let client = fetched.client(&world, &unit);
    assert!(client.run(&["put", "x", "1"]).ok);
    // Leadership moves; who leads now revokes what the other has issued.
    world.model.set_leader("etcd", other.clone());
    world.rest();
    let asked = json!({"common-name": "client"});
    world
        .model
        .kill_before_tool_call(other.clone(), "action-set");
    assert_eq!(
        run(&mut world, &other, REVOKE, asked.clone()).status,
        "failed"
    );
    assert!(!client.run(&["put", "x", "1"]).ok);
    // Somebody makes the user anew by hand: the certificate stays revoked.
    let admin = world.admin(&unit);
    admin.must("user add --no-password client");
    admin.must("user grant-role client root");
    assert!(client.run(&["put", "x", "1"]).ok);
    world.rest();
    assert!(!client.run(&["put", "x", "1"]).ok);
    assert_eq!(users(&world, &unit), ["root"]);
    done_with(&mut world, &other, REVOKE, asked);
}
