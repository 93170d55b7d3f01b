//! Credentials for a person or a tool, and their end.

pub(crate) mod faults;
pub(crate) mod names;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use etcd_charm_world::{Credentials, Programs, UnitName, World};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{done, done_with, refused, refused_with, run};
use crate::support::{
    application_message, ask_v0, certificate, deployed, deployed_of, roles, users,
};

const GENERATE: &str = "generate-client-certificates";
const REVOKE: &str = "revoke-client-certificates";
const ARCHIVE: &str = "/home/ubuntu/etcd_client_credentials.tar.gz";

/// A machine has an operator with a home, as those of Juju do.
fn with_operator(world: &World, unit: &UnitName) {
    let machine = &world.machines[unit];
    fs::create_dir_all(machine.root().join("home/ubuntu")).unwrap();
    let added = Command::new(machine.path_dir().join("useradd"))
        .arg("ubuntu")
        .envs([machine.environment()])
        .status();
    assert!(added.unwrap().success());
}

fn equipped() -> (World, UnitName) {
    let (mut world, unit) = deployed();
    with_operator(&world, &unit);
    world.rest();
    (world, unit)
}

fn there(world: &World, unit: &UnitName, path: &str) -> PathBuf {
    world.root(unit).join(path.trim_start_matches('/'))
}

/// Fetches an archive as `juju scp` would, and unpacks it.
fn fetch(world: &World, unit: &UnitName, path: &str) -> Credentials {
    Credentials::unpack(&there(world, unit, path))
}

fn content(fetched: &Credentials, name: &str) -> String {
    fs::read_to_string(fetched.path(name)).unwrap()
}

/// Runs the lines of the note that can be run, as somebody would who
/// copies them; the output of all of them.
fn run_note(fetched: &Credentials, etcdctl: &Path) -> String {
    let note = content(fetched, "README.txt");
    let lines: Vec<&str> = note
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    assert!(lines.len() > 6, "{note}");
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-e", "-c", &lines.join("\n")])
        .env(
            "PATH",
            format!("{}:{path}", etcdctl.parent().unwrap().display()),
        )
        .current_dir(fetched.directory())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{note}\n{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn text<'v>(results: &'v Value, name: &str) -> &'v str {
    results[name]
        .as_str()
        .unwrap_or_else(|| panic!("{name} in {results}"))
}

pub(crate) fn credentials_work_with_etcdctl(programs: Programs) {
    let (mut world, unit) = deployed_of(programs);
    with_operator(&world, &unit);
    world.rest();
    let starts = world.starts(&unit);

    let result = run(&mut world, &unit, GENERATE, json!({}));
    assert_eq!(result.status, "completed", "{}", result.message);
    let results = result.results;
    assert!(!results.to_string().contains("PRIVATE KEY"));
    assert_eq!(text(&results, "path"), ARCHIVE);
    assert_eq!(
        results["copy"]["cmd"],
        format!("juju scp etcd/0:{ARCHIVE} .")
    );
    assert_eq!(text(&results, "common-name"), "client");
    assert_eq!(text(&results, "range"), "[\\x01, ∞)");
    assert_eq!(
        results["revoke"]["cmd"],
        "juju run etcd/leader revoke-client-certificates \\\n  common-name='client'"
    );
    let archive = there(&world, &unit, ARCHIVE);
    assert_eq!(
        archive.metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
    let left: Vec<_> = fs::read_dir(archive.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");

    let fetched = fetch(&world, &unit, ARCHIVE);
    let names: BTreeSet<String> = fs::read_dir(fetched.directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = ["README.txt", "ca.crt", "client.crt", "client.key"];
    assert_eq!(names, expected.map(str::to_owned).into());
    let key = fetched.path("client.key").metadata().unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let fingerprint = fingerprint(&fetched.path("client.crt"));
    assert_eq!(text(&results, "fingerprint"), fingerprint);
    let year = &text(&results, "certificate-ends")[..4];
    assert!(content(&fetched, "README.txt").contains(&format!("valid until: {year}-")));

    let output = run_note(&fetched, &world.etcdctl());
    assert_eq!(
        output.lines().filter(|line| *line == "value").count(),
        1,
        "{output}"
    );
    let client = fetched.client(&world, &unit);
    for key in ["\u{1}", "anything", "\u{10ffff}"] {
        assert!(client.run(&["put", "--", key, "1"]).ok, "{key:?}");
    }
    assert!(client.run(&["get", "--from-key", ""]).is_denied());
    assert!(client.run(&["user", "list"]).is_denied());
    world.rest();

    let results = done(&mut world, &unit, &format!("{REVOKE} common-name=client"));
    assert_eq!(text(&results, "fingerprint"), fingerprint);
    // Which of the two it is depends on what the kernel offers.
    let note = text(&results, "note");
    let ended = note.starts_with("requests are refused, and what was open here has ended");
    let ends = note.starts_with("requests are refused; a watch that is open ends when");
    assert!(ended || ends, "{note}");
    assert!(!client.run(&["get", "anything"]).ok);
    assert_eq!(users(&world, &unit), ["root"]);
    assert_eq!(roles(&world, &unit), ["root"]);
    world.rest();
    assert!(!client.run(&["get", "anything"]).ok);
    done(&mut world, &unit, &format!("{REVOKE} common-name=client"));
    assert_eq!(world.starts(&unit), starts, "a member was restarted");
}

/// The SHA-256 fingerprint of a certificate in a file.
fn fingerprint(path: &Path) -> String {
    let certificate = pem::parse(fs::read(path).unwrap()).unwrap();
    let digest = Sha256::digest(certificate.contents());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn credentials_reach_their_prefix_only() {
    let (mut world, unit) = equipped();
    let asked = json!({"common-name": "it's a tool", "prefix": "/it's/", "validity-days": 3});
    let results = done_with(&mut world, &unit, GENERATE, asked);
    assert_eq!(text(&results, "range"), "[/it\\'s/, /it\\'s0)");
    let fetched = fetch(&world, &unit, ARCHIVE);
    run_note(&fetched, &world.etcdctl());
    let client = fetched.client(&world, &unit);
    assert!(client.run(&["put", "/it's/x", "1"]).ok);
    assert!(client.run(&["put", "/its/x", "1"]).is_denied());
    assert!(client.run(&["get", "--from-key", "/it's/"]).is_denied());
    // Rights that somebody adds are taken back.
    let admin = world.admin(&unit);
    assert!(admin.run(&["user", "grant-role", "it's a tool", "root"]).ok);
    assert!(client.run(&["put", "/its/x", "1"]).ok);
    world.rest();
    assert!(client.run(&["put", "/its/x", "1"]).is_denied());
    assert!(client.run(&["put", "/it's/x", "2"]).ok);
    // An operator is told before the credentials end.
    let message = application_message(&world);
    assert!(
        message.contains("credentials of it's a tool end"),
        "{message}"
    );
}

pub(crate) fn credentials_are_refused_on_bad_input() {
    let (mut world, unit) = equipped();
    let shown = certificate("client1");
    ask_v0(&mut world, "app", "/test/", &shown);
    world.settle();
    let db = world.relate_db("kubernetes");
    world.rest();
    world.admin(&unit).must("user add --no-password by-hand");
    let before = world.revisions();
    let relations_user = users(&world, &unit)
        .into_iter()
        .find(|user| user.starts_with("etcd-charm:db-"))
        .expect("a user of the relation");
    for (asked, reason) in [
        (
            json!({"common-name": "root"}),
            "common name root is reserved; choose another one",
        ),
        (
            json!({"common-name": "etcd-5"}),
            "common name etcd-5 is reserved; choose another one",
        ),
        (
            json!({"common-name": relations_user}),
            &*format!("common name {relations_user} is reserved; choose another one"),
        ),
        (
            json!({"common-name": "client1"}),
            "common name client1 is held by app; choose another one",
        ),
        (
            json!({"common-name": "by-hand"}),
            "etcd has a user or role by-hand that is not the charm's; choose another common name",
        ),
        (
            json!({"common-name": "a\nb"}),
            "parameter `common-name` is no common name: 1 to 64 characters, no control characters",
        ),
        (
            json!({"prefix": "/x/", "full-access": true}),
            "parameter `prefix` contradicts `full-access=true`: leave one out",
        ),
        (
            json!({"full-access": false}),
            "parameter `full-access` is false: name the keys by `prefix`",
        ),
        (
            json!({"prefix": "\u{0}etcd-charm/"}),
            "parameter `prefix` cannot be granted: the prefix reaches keys that are reserved for \
             the charm",
        ),
        (
            json!({"validity-days": 0}),
            "parameter `validity-days` is 0: choose 1 to 3650",
        ),
        (
            json!({"days": 5}),
            "parameter `days` is not known to this action",
        ),
    ] {
        assert_eq!(refused_with(&mut world, &unit, GENERATE, asked), reason);
    }
    for (asked, reason) in [
        (
            json!({}),
            "parameter `common-name` is missing: whose certificates?",
        ),
        (
            json!({"common-name": "client1"}),
            "common name client1 has no certificates of generate-client-certificates; list-clients \
             shows which there are, and reserve=true keeps a name of which the record is lost",
        ),
        (
            json!({"common-name": relations_user}),
            &*format!(
                "common name {relations_user} is that of a relation, and ends with it: remove the \
                 relation"
            ),
        ),
    ] {
        assert_eq!(refused_with(&mut world, &unit, REVOKE, asked), reason);
    }
    assert!(!there(&world, &unit, ARCHIVE).exists());
    assert_eq!(world.revisions(), before, "something was written to etcd");
    assert_eq!(world.older_states(&db).len(), 3);

    let other = world.add_unit();
    world.rest();
    for action in [GENERATE, REVOKE] {
        let reason = format!(
            "run it on Juju's leader (etcd/0 when last seen): juju run etcd/leader {action}"
        );
        let asked = format!("{action} common-name=client");
        assert_eq!(refused(&mut world, &other, &asked), reason);
    }
    // Who leads by now has not said so yet, and this unit is not told to ask itself.
    world.model.set_leader("etcd", other.clone());
    let asked = format!("{REVOKE} common-name=client");
    let reason = format!("run it on Juju's leader: juju run etcd/leader {REVOKE}");
    assert_eq!(refused(&mut world, &unit, &asked), reason);
    world.rest();
    let reason =
        format!("run it on Juju's leader (etcd/1 when last seen): juju run etcd/leader {REVOKE}");
    assert_eq!(refused(&mut world, &unit, &asked), reason);
}

pub(crate) fn credentials_are_made_again_and_not_overwritten() {
    let (mut world, unit) = equipped();
    let first = done(&mut world, &unit, GENERATE);
    let one = fetch(&world, &unit, ARCHIVE);
    let second = done(&mut world, &unit, &format!("{GENERATE} full-access=true"));
    let two = fetch(&world, &unit, ARCHIVE);
    assert_ne!(text(&first, "fingerprint"), text(&second, "fingerprint"));
    for fetched in [&one, &two] {
        assert!(fetched.client(&world, &unit).run(&["put", "x", "1"]).ok);
    }
    assert_eq!(users(&world, &unit), ["client", "root"]);

    let reason = refused(&mut world, &unit, &format!("{GENERATE} prefix=/x/"));
    assert!(
        reason.contains("has credentials for [\\x01, ∞) already"),
        "{reason}"
    );
    // Another's credentials are not lost to whoever runs the action next.
    let reason = refused(&mut world, &unit, &format!("{GENERATE} common-name=other"));
    assert!(
        reason.contains("holds the credentials of client"),
        "{reason}"
    );
    assert!(reason.contains("juju ssh etcd/0 sudo rm"), "{reason}");
    assert_eq!(users(&world, &unit), ["client", "root"]);
    // The older action has a file of its own.
    let package = "package-client-credentials common-name=other";
    let results = done(&mut world, &unit, package);
    assert_eq!(
        text(&results, "path"),
        "/home/ubuntu/etcd_credentials.tar.gz"
    );
    let other = fetch(&world, &unit, text(&results, "path"));
    assert!(other.client(&world, &unit).run(&["put", "x", "1"]).ok);

    // What is no archive of ours is nobody's to overwrite.
    let archive = there(&world, &unit, ARCHIVE);
    fs::write(&archive, "mine").unwrap();
    let reason = refused(&mut world, &unit, GENERATE);
    assert!(
        reason.contains("was not made last by this action"),
        "{reason}"
    );
    assert_eq!(fs::read_to_string(&archive).unwrap(), "mine");
    fs::remove_file(&archive).unwrap();

    // Both certificates end together, and one revocation is for all of them.
    done(&mut world, &unit, &format!("{REVOKE} common-name=client"));
    for fetched in [&one, &two] {
        assert!(!fetched.client(&world, &unit).run(&["put", "x", "1"]).ok);
    }
    assert!(other.client(&world, &unit).run(&["put", "x", "1"]).ok);
    let reason = refused(&mut world, &unit, GENERATE);
    assert!(
        reason.contains("common name client was revoked"),
        "{reason}"
    );
    world.rest();
}

pub(crate) fn credentials_need_no_home_of_an_operator() {
    let (mut world, unit) = deployed();
    let results = done(&mut world, &unit, GENERATE);
    let path = "/etc/etcd-charm/etcd-0/etcd_client_credentials.tar.gz";
    assert_eq!(text(&results, "path"), path);
    assert_eq!(
        results["copy"]["cmd"],
        format!("juju ssh etcd/0 sudo cat {path} \\\n  > etcd_client_credentials.tar.gz")
    );
    let fetched = fetch(&world, &unit, path);
    assert!(fetched.client(&world, &unit).run(&["put", "x", "1"]).ok);
    world.rest();
}
