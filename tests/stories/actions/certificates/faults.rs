//! Credentials whose making is cut short, or fails: they have no rights, and
//! nothing of them is in the way.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use etcd_charm_world::{UnitName, World};
use serde_json::json;

use super::{ARCHIVE, GENERATE, equipped, fetch, there};
use crate::actions::{done, refused, run};
use crate::support::{Client, application_message, users};

/// Puts another program in the place of one of the machine's.
fn replace(world: &World, unit: &UnitName, name: &str, script: &str) {
    let path = world.machines[unit].path_dir().join(name);
    fs::rename(&path, path.with_extension("real")).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn restore(world: &World, unit: &UnitName, name: &str) {
    let path = world.machines[unit].path_dir().join(name);
    fs::rename(path.with_extension("real"), path).unwrap();
}

pub(crate) fn credentials_cut_short_have_no_rights() {
    let (mut world, unit) = equipped();
    // The archive is given away right before it gets its name.
    replace(&world, &unit, "chown", "kill -9 $PPID");
    let result = run(&mut world, &unit, GENERATE, json!({}));
    assert_eq!(
        (&*result.status, &*result.message),
        ("failed", "signal: killed")
    );
    restore(&world, &unit, "chown");
    assert_eq!(users(&world, &unit), ["root"]);
    world.rest();
    assert_eq!(users(&world, &unit), ["root"]);
    assert!(!there(&world, &unit, ARCHIVE).exists());
    // Nobody else can have the name; an operator takes it up again.
    let app = Client::ask_as(&mut world, "app", "/test/", "client");
    world.rest();
    assert_eq!(world.told(&app.requirer), None);
    let message = application_message(&world);
    assert!(message.contains("issued to an operator"), "{message}");
    done(&mut world, &unit, &format!("{GENERATE} prefix=/mine/"));
    let fetched = fetch(&world, &unit, ARCHIVE);
    fetched.client(&world, &unit).must("put /mine/x 1");
    // Killed when all but the answer was done, it has done all.
    world
        .model
        .kill_before_tool_call(unit.clone(), "action-set");
    let result = run(&mut world, &unit, GENERATE, json!({"prefix": "/mine/"}));
    assert_eq!(result.status, "failed");
    let fetched = fetch(&world, &unit, ARCHIVE);
    fetched.client(&world, &unit).must("put /mine/x 1");
    world.rest();
    assert_eq!(users(&world, &unit), ["client", "root"]);
}

pub(crate) fn credentials_that_cannot_be_written_leave_nothing() {
    let (mut world, unit) = equipped();
    replace(&world, &unit, "chown", "echo 'no space left' >&2; exit 1");
    let reason = refused(&mut world, &unit, GENERATE);
    assert!(reason.contains("no space left"), "{reason}");
    restore(&world, &unit, "chown");
    assert_eq!(users(&world, &unit), ["root"]);
    // The name is as free as before.
    let app = Client::ask_as(&mut world, "app", "/test/", "client");
    world.rest();
    app.assert_served(&mut world);
}
