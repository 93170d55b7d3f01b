//! The packed charm: that charmcraft packs it, that it holds what it should and
//! nothing else, and that what it holds serves a client.
//!
//! Packing compiles the charm as it is shipped and needs root and charmcraft,
//! so where these are missing the tests say so and are counted as ignored;
//! `make pack-test` gets what they need.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect has failed, and says what it misses"
)]

mod archive;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Mutex, OnceLock};

use archive::Archive;
use etcd_charm_world::juju::Deployment;
use etcd_charm_world::{ClientAuthority, JujuVersion, Programs, V0, World, WorldOptions};
use libtest_mimic::{Arguments, Trial};

/// More than the program needs, and a reason to look when it no longer does.
const MAX_PROGRAM_BYTES: u64 = 6_000_000;

/// The repository that the charm is packed for.
const REPOSITORY: &str = "https://github.com/somebody/etcd-operators";

/// The same for what an operator downloads.
const MAX_ARCHIVE_BYTES: u64 = 3_000_000;

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let arguments = Arguments::from_args();
    let missing = missing();
    if let Some(missing) = &missing {
        eprintln!("package: ignored: {missing}: `make pack-test` as root");
    }
    let tests: [(&str, fn()); 6] = [
        (
            "the_charm_holds_its_files_and_nothing_else",
            holds_its_files,
        ),
        ("the_charm_describes_itself_as_its_sources_do", describes),
        ("charmcraft_has_nothing_to_criticise", is_not_criticised),
        (
            "charmcraft_understands_the_other_charms",
            understands_others,
        ),
        ("the_packed_program_serves_a_client", serves_a_client),
        ("a_charm_with_an_etcd_in_it_runs_that", runs_what_is_packed),
    ];
    let trials = tests
        .map(|(name, test)| {
            Trial::test(name, move || {
                test();
                Ok(())
            })
            .with_ignored_flag(missing.is_some())
        })
        .into();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What packing needs and is not here.
fn missing() -> Option<String> {
    let id = Command::new("id").arg("-u").output();
    if id.is_ok_and(|output| output.stdout != b"0\n") {
        return Some("this user is not root".to_owned());
    }
    (!charmcraft().is_file()).then(|| "there is no charmcraft".to_owned())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn charmcraft() -> PathBuf {
    root().join("target/tools/charmcraft/charmcraft")
}

/// The packed charm; whoever asks first packs it.
fn packed() -> &'static Archive {
    static PACKED: OnceLock<Archive> = OnceLock::new();
    PACKED.get_or_init(|| pack("without", None))
}

/// The same with the release of etcd in it that is published.
fn packed_with_etcd() -> &'static Archive {
    static PACKED: OnceLock<Archive> = OnceLock::new();
    PACKED.get_or_init(|| {
        let archive = root().join("target/pack/etcd.tar.gz");
        std::fs::create_dir_all(archive.parent().unwrap()).unwrap();
        let made = Command::new(root().join("tests/tools/release-archive"))
            .arg(published_etcd())
            .arg(&archive)
            .status();
        assert!(made.unwrap().success());
        pack("with-etcd", Some(&archive))
    })
}

/// The release of etcd that the published charm has in it.
fn published_etcd() -> String {
    source("release/etcd-version").trim().to_owned()
}

/// Packs the charm into a directory of its own, by one charmcraft at a time.
fn pack(name: &str, etcd: Option<&Path>) -> Archive {
    static PACKING: Mutex<()> = Mutex::new(());
    let _alone = PACKING.lock();
    let into = root().join("target/pack").join(name);
    std::fs::create_dir_all(&into).unwrap();
    let output = Command::new(root().join("tests/package/pack"))
        .arg("etcd")
        .args(etcd)
        .env("PACK_INTO", &into)
        .env("REPOSITORY", REPOSITORY)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "charmcraft cannot pack:\n{said}");
    let charm = into.join(format!("etcd_ubuntu@24.04-{}.charm", architecture()));
    Archive::open(&charm, &into.join("unpacked"))
}

/// This machine's architecture, as Juju and charmcraft call it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn source(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

fn holds_its_files() {
    let charm = packed();
    let expected = [
        "LICENSE",
        "actions.yaml",
        "config.yaml",
        "dispatch",
        "icon.svg",
        "manifest.yaml",
        "metadata.yaml",
    ];
    assert_eq!(charm.names(), expected);
    for entry in charm.entries() {
        let mode = if entry.name == "dispatch" {
            0o755
        } else {
            0o644
        };
        assert_eq!(entry.mode, mode, "{}: {:o}", entry.name, entry.mode);
    }
    let program = charm.read("dispatch");
    assert_eq!(&program[..4], b"\x7fELF");
    let machine = u16::from_le_bytes([program[18], program[19]]);
    let expected = [("amd64", 62), ("arm64", 183)].into();
    let expected: std::collections::BTreeMap<_, _> = expected;
    assert_eq!(expected.get(architecture()), Some(&machine));
    let size = program.len() as u64;
    assert!(size < MAX_PROGRAM_BYTES, "dispatch has {size} bytes");
    let size = charm.path().metadata().unwrap().len();
    assert!(size < MAX_ARCHIVE_BYTES, "the charm has {size} bytes");
}

fn describes() {
    let charm = packed();
    for name in ["LICENSE", "icon.svg"] {
        assert_eq!(charm.text(name), source(name), "{name}");
    }
    // As it is, but for the repository that it is published from.
    let metadata =
        source("metadata.yaml").replace("https://repository.example/etcd-operators", REPOSITORY);
    assert_eq!(charm.text("metadata.yaml"), metadata);
    assert_eq!(charm.yaml("metadata.yaml")["source"], REPOSITORY);
    let config = charm.yaml("config.yaml");
    let sources: serde_yaml::Value = serde_yaml::from_str(&source("charmcraft.yaml")).unwrap();
    assert_eq!(config["options"], sources["config"]["options"]);
    assert_eq!(charm.yaml("actions.yaml"), sources["actions"]);
    let manifest = charm.yaml("manifest.yaml");
    let base = &manifest["bases"][0];
    assert_eq!(base["name"], "ubuntu");
    assert_eq!(base["channel"], "24.04");
    assert_eq!(base["architectures"][0], architecture());
}

/// Every check of `charmcraft analyse` is passed or does not apply: those of
/// Python charms, and of an entry point that is a script. That it knows neither
/// language nor framework is how it describes a charm that is a program.
fn is_not_criticised() {
    let output = Command::new(charmcraft())
        .args(["analyse", "--format=json"])
        .arg(packed().path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let checks: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = checks.as_array().unwrap();
    assert!(checks.len() > 5, "{checks:?}");
    for check in checks {
        let result = check["result"].as_str().unwrap();
        let is_fine = match check["name"].as_str().unwrap() {
            "framework" | "language" => result == "unknown",
            _ => ["ok", "nonapplicable"].contains(&result),
        };
        assert!(is_fine, "{check}");
    }
}

/// Without packing them, which would compile each of them as it is shipped.
fn understands_others() {
    let charms = source("release/charms");
    for charm in charms.lines().filter(|charm| *charm != "etcd") {
        let project = root().join("target/pack/projects").join(charm);
        std::fs::create_dir_all(&project).unwrap();
        for file in ["charmcraft.yaml", "metadata.yaml"] {
            let path = format!("charms/{charm}/{file}");
            std::fs::copy(root().join(path), project.join(file)).unwrap();
        }
        let output = Command::new(charmcraft())
            .arg("expand-extensions")
            .current_dir(&project)
            .envs(
                ["XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"].map(|name| (name, &project)),
            )
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{charm}: {said}");
        let known: serde_yaml::Value = serde_yaml::from_slice(&output.stdout).unwrap();
        assert_eq!(known["name"], charm);
        for key in ["title", "summary", "links", "parts"] {
            assert!(known.get(key).is_some(), "{charm}: {key}");
        }
    }
}

fn serves_a_client() {
    let charm = packed().unpacked();
    let mut world = World::new(WorldOptions {
        dispatch: charm.join("dispatch"),
        charm: charm.to_owned(),
        programs: Programs::oldest(),
        juju: JujuVersion::V3_6,
        seed: 1,
    });
    let unit = world.deploy();
    world.rest();
    let relation = world.relate("app");
    let certificate = ClientAuthority::new().issue("client1");
    let mut app = V0::ask(&mut world.model, "app", relation, "/test/");
    app.set_certificate(&mut world.model, &certificate.certificate);
    world.rest();

    let told = world.told(&app).expect("an answer");
    let client = world.follow(&told, &certificate);
    assert!(client.run(&["put", "/test/a", "1"]).ok);
    assert!(client.run(&["put", "/testing", "1"]).is_denied());
    let admin = world.admin(&unit);
    assert_eq!(admin.lines(&["user", "list"]), ["client1", "root"]);

    // Options and actions are those of the packed charm as well.
    world.model.set_config("etcd", "client-port", 4001);
    world.rest();
    let told = world.told(&app).expect("an answer");
    assert!(told.endpoints.ends_with(":4001"), "{}", told.endpoints);
    let client = world.follow(&told, &certificate);
    assert_eq!(client.lines(&["get", "/test/a"]), ["/test/a", "1"]);
    let health = world.run_action(&unit, "health", serde_json::json!({}));
    assert_eq!(health.status, "completed", "{}", health.message);
    let admin = world.admin(&unit);

    world.model.remove_relation(relation);
    world.rest();
    assert_eq!(admin.lines(&["user", "list"]), ["root"]);
}

/// The machines' own etcd is old and open to advisories, and one relation alone is
/// served with it. The charm that is published runs another one, without a network
/// and without being told.
fn runs_what_is_packed() {
    let version = published_etcd();
    let charm = packed_with_etcd();
    let mut expected = packed().names();
    expected.insert(4, "etcd.tar.gz");
    expected.sort_unstable();
    assert_eq!(charm.names(), expected);
    let inside = charm.read("etcd.tar.gz");
    let attached = std::fs::read(root().join("target/pack/etcd.tar.gz")).unwrap();
    assert!(inside == attached, "another archive was packed");

    let mut world = World::new(WorldOptions {
        dispatch: charm.unpacked().join("dispatch"),
        charm: charm.unpacked().to_owned(),
        programs: Programs::oldest(),
        juju: JujuVersion::V3_6,
        seed: 2,
    });
    let secure = Deployment::units(1).config("allow-vulnerable-etcd", false);
    // The simulated Juju lays down a charm's program and description, and the files
    // that it is told of.
    let inside = charm.unpacked().join("etcd.tar.gz");
    let charm = world.charm().with_file("etcd.tar.gz", inside);
    let unit = world.deploy_charm(charm, secure);
    world.rest();
    let packages = world.machines[&unit].packages();
    assert!(
        !packages.iter().any(|package| package.contains("etcd")),
        "{packages:?}"
    );
    let status = world.model.unit_status(unit.clone());
    assert_eq!(&*status.status, "active", "{}", status.message);
    assert_eq!(&*status.message, "cluster is healthy; raft leader");
    let member = world.admin(&unit).json(&["endpoint", "status"]);
    assert_eq!(member[0]["Status"]["version"], version);
    let health = world.run_action(&unit, "health", serde_json::json!({}));
    let advisories = &health.results["status"]["advisories"];
    assert_eq!(*advisories, "none", "{}", health.results);

    // Two clients that do not trust each other are both served.
    let authority = ClientAuthority::new();
    for (app, name, prefix) in [("one", "client1", "/one/"), ("two", "client2", "/two/")] {
        let relation = world.relate(app);
        let certificate = authority.issue(name);
        let mut app = V0::ask(&mut world.model, app, relation, prefix);
        app.set_certificate(&mut world.model, &certificate.certificate);
        world.rest();
        let told = world.told(&app).expect("an answer");
        let client = world.follow(&told, &certificate);
        assert!(client.run(&["put", &format!("{prefix}a"), "1"]).ok);
        assert!(client.run(&["put", "/elsewhere", "1"]).is_denied());
    }
}
