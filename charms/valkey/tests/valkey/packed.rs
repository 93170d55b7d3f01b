//! The packed charm: what is in it, and that it serves a client.

use std::path::{Path, PathBuf};
use std::process::Command;

use juju_simulator::{Charm, Deployment};
use serde_json::{Value as Json, json};

use crate::cluster::Client;
use crate::programs::Programs;
use crate::world::World;

/// Unpacks an archive as Juju does, and lists the names and modes of its files.
const UNPACK: &str = "
import json, os, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
modes = {}
for entry in archive.infolist():
    mode = entry.external_attr >> 16
    modes[entry.filename] = oct(mode)
    os.chmod(archive.extract(entry, sys.argv[2]), mode & 0o7777)
print(json.dumps(modes))
";

/// More than the program needs, and a reason to look when it no longer does.
const MAX_PROGRAM_BYTES: usize = 3_000_000;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What packing needs and is not here: root, and charmcraft, which
/// `tests/package/setup` fetches.
pub(crate) fn missing() -> Option<&'static str> {
    let id = Command::new("id").arg("-u").output();
    if id.is_ok_and(|output| output.stdout != b"0\n") {
        return Some("this user is not root");
    }
    let charmcraft = root().join("target/tools/charmcraft/charmcraft");
    (!charmcraft.is_file()).then_some("there is no charmcraft; run tests/package/setup")
}

/// Packs the charm; gives where it is unpacked, and the modes of its files.
fn packed() -> (PathBuf, Json) {
    let into = root().join("target/pack/valkey");
    let unpacked = into.join("unpacked");
    let _ = std::fs::remove_dir_all(&into);
    std::fs::create_dir_all(&into).unwrap();
    // It compiles, and sentinels of other stories must not miss their deadlines for that.
    let output = Command::new("nice")
        .args(["-n", "19"])
        .arg(root().join("tests/package/pack"))
        .arg("valkey")
        .env("PACK_INTO", &into)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "charmcraft cannot pack:\n{said}");
    let mut archives = std::fs::read_dir(&into).unwrap().flatten();
    let archive = archives.next().expect("a charm").path();
    let name = archive.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("valkey_ubuntu@24.04-"), "{name}");
    let output = Command::new("python3")
        .args(["-c", UNPACK])
        .args([&archive, &unpacked])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    (unpacked, serde_json::from_slice(&output.stdout).unwrap())
}

pub(crate) fn the_packed_charm_serves_a_client() {
    let (charm, modes) = packed();
    // One program for all hooks, what describes the charm, and nothing else.
    let expected = json!({
        "LICENSE": "0o100644",
        "actions.yaml": "0o100644",
        "config.yaml": "0o100644",
        "dispatch": "0o100755",
        "icon.svg": "0o100644",
        "manifest.yaml": "0o100644",
        "metadata.yaml": "0o100644",
    });
    assert_eq!(modes, expected);
    let text = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in ["LICENSE", "icon.svg", "metadata.yaml"] {
        assert_eq!(text(charm.join(name)), text(sources.join(name)), "{name}");
    }
    let program = std::fs::read(charm.join("dispatch")).unwrap();
    assert_eq!(&program[..4], b"\x7fELF");
    assert!(program.len() < MAX_PROGRAM_BYTES, "{} bytes", program.len());
    crate::say(&format!(
        "the packed program has {} KiB",
        program.len() / 1024
    ));

    let dispatch = charm.join("dispatch");
    let deployed = Charm::at(&charm).with_dispatch(dispatch);
    let mut world =
        World::deployed_as(deployed, Programs::oldest(), 110, Deployment::units(1), &[]);
    world.settle();
    let client = Client::new(&mut world);
    let endpoint = client.endpoint(&world);
    let mut connection = world.connect(&endpoint, &client.access);
    world.done(&mut connection, &["SET", "app:key", "1"]);
    world.refused(&mut connection, &["SET", "foreign", "1"]);
    // Options and actions are those of the packed charm as well.
    world.model.set_config("valkey", "client-tls", true);
    world.settle();
    let endpoint = client.endpoint(&world);
    assert!(endpoint.ends_with(":6380"), "{endpoint}");
    let health = world
        .action(&"valkey/0".into(), "health", json!({}))
        .unwrap();
    assert_eq!(health["primary"], "valkey/0");
    world.model.remove_relation(client.relation);
    world.settle();
    let users = world.users(&"valkey/0".into(), "server");
    assert!(!users.contains(&client.access.user), "{users:?}");
}
