//! Copies of all data, taken while clients go on.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use etcd_charm_world::{Programs, UnitName, World};
use serde_json::{Value, json};

use crate::actions::{done, refused_with};
use crate::support::{Client, deployed, deployed_of};

/// Where the unit's machine has a file that an operator knows by this path.
pub(crate) fn file(world: &World, unit: &UnitName, path: &str) -> std::path::PathBuf {
    world.root(unit).join(path.trim_start_matches('/'))
}

pub(crate) fn is_whole(programs: Programs) {
    let version = programs.version.clone();
    let (mut world, unit) = deployed_of(programs);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    app.assert_served(&mut world);

    let results = done(&mut world, &unit, "snapshot");
    let text = |name: &str| match &results["snapshot"][name] {
        Value::String(text) => text.clone(),
        other => panic!("snapshot.{name}: {other}"),
    };
    let path = text("path");
    assert!(
        path.starts_with("/home/ubuntu/etcd-snapshots/etcd-snapshot-") && path.ends_with(".db"),
        "{path}"
    );
    assert_eq!(text("version"), version);
    assert_eq!(
        results["copy"]["cmd"],
        format!("juju scp etcd/0:{path} \\\n  .")
    );
    assert!(results["snapshot"].get("note").is_none(), "{results}");
    let there = file(&world, &unit, &path);
    let metadata = there.metadata().unwrap();
    assert_eq!(text("size"), metadata.len().to_string());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(text("sha256"), sha256(&there));
    let status = world.admin(&unit).json(&["endpoint", "status"]);
    let revision = status[0]["Status"]["header"]["revision"].to_string();
    assert_eq!(text("revision"), revision);
    assert!(text("keys").parse::<u32>().unwrap() > 3, "{results}");

    // Another directory, and nothing but the snapshot is in it.
    let results = done(&mut world, &unit, "snapshot target=/var/backups/etcd");
    let dir = file(&world, &unit, "/var/backups/etcd");
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "{results}");
    world.rest();
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

pub(crate) fn refuses_where_it_cannot_write() {
    let (mut world, unit) = deployed();
    let mut reason = |parameters| refused_with(&mut world, &unit, "snapshot", parameters);
    assert_eq!(
        reason(json!({"target": "backups"})),
        "parameter `target` is no absolute path"
    );
    assert_eq!(
        reason(json!({"keys-version": "v3"})),
        "parameter `keys-version` is not known to this action"
    );
    let path = file(&world, &unit, "/srv/file");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "mine").unwrap();
    let mut reason = |parameters| refused_with(&mut world, &unit, "snapshot", parameters);
    assert_eq!(
        reason(json!({"target": "/srv/file"})),
        "parameter `target` is no directory: /srv/file is a file"
    );
    let below = reason(json!({"target": "/srv/file/deeper"}));
    assert!(
        below.starts_with("parameter `target` cannot be used (")
            && below.ends_with("): name another directory"),
        "{below}"
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
}
