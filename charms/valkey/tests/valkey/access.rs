//! One unit: who asks gets access, who goes loses it.

use std::os::unix::fs::PermissionsExt as _;

use juju_simulator::{RelationId, UnitName};
use serde_json::json;

use crate::programs::Programs;
use crate::world::{Access, World, files};

/// Both versions of the protocol, on every release.
pub(crate) fn a_client_is_served_in_both_versions_and_loses_all_at_its_end() {
    for programs in Programs::all() {
        let mut world = World::with_units(programs, 1, 1);
        assert_eq!(world.status("valkey/0"), "active: primary");
        let new = world.ask("new", &["app:*"]);
        let old = world.relate("old");
        let pairs = [
            ("database", "old:*"),
            ("requested-secrets", "[\"username\"]"),
        ];
        world.model.relation_set_app(old, "old", &pairs);
        world.settle();
        assert_eq!(world.status("valkey/0"), "active: primary; 2 clients");

        let answer = world.answer(new);
        let address = world.model.address("valkey/0");
        assert_eq!(answer["endpoints"], format!("{address}:6379"));
        assert_eq!(answer["sentinel-endpoints"], format!("{address}:26379"));
        assert_eq!(answer["mode"], "sentinel");
        assert_eq!(answer["version"], world.programs.version);
        assert!(answer.get("read-only-endpoints").is_none());
        let access = world.access("new", &answer);
        assert_eq!(access.tls.as_deref(), Some("false"));
        assert!(access.authority.is_none());
        assert_eq!(access.user, format!("relation-{new}-request0"));
        let mut client = world.connect(&format!("{address}:6379"), &access);
        world.done(&mut client, &["SET", "app:key", "1"]);
        world.refused(&mut client, &["SET", "old:key", "1"]);
        let mut sentinel = world.connect(&format!("{address}:26379"), &access);
        let named = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary"];
        let named = world.done(&mut sentinel, &named);
        assert_eq!(named.texts().next(), Some(address.as_str()));

        let bag = world.model.app_bag(old, "valkey");
        assert_eq!(bag["sentinel-endpoints"], bag["sentinel_endpoints"]);
        assert_eq!(bag["mode"], "sentinel");
        let access_old = world.access("old", &json!(bag));
        assert_eq!(access_old.tls.as_deref(), Some("false"));
        assert_eq!(access_old.user, format!("relation-{old}"));
        let mut old_client = world.connect(&bag["endpoints"], &access_old);
        world.done(&mut old_client, &["SET", "old:key", "1"]);

        // At its end nothing is left of it, and the other goes on.
        world.model.remove_relation(new);
        world.settle();
        for connection in [&mut client, &mut sentinel] {
            let answer = world.call(connection, &["PING"]);
            assert!(answer.is_err(), "its connection is closed");
        }
        let endpoint = format!("{address}:6379");
        assert!(world.try_connect(&endpoint, &access).is_err());
        world.done(&mut old_client, &["GET", "old:key"]);
        nothing_is_left(&mut world, new, &access, &access_old);
        world.model.remove_relation(old);
        world.settle();
        assert_eq!(world.status("valkey/0"), "active: primary");
    }
}

/// Neither user nor secret is left of a relation that is gone.
fn nothing_is_left(world: &mut World, gone: RelationId, access: &Access, other: &Access) {
    let unit = UnitName::from("valkey/0");
    for node in ["server", "sentinel"] {
        let users = world.users(&unit, node);
        assert!(
            !users.contains(&access.user) && users.contains(&other.user),
            "{users:?}"
        );
    }
    let secrets = world.model.secrets("valkey");
    let labels: Vec<_> = secrets.iter().map(|secret| secret.label.clone()).collect();
    assert!(
        !labels
            .iter()
            .any(|label| label.contains(&format!(".{gone}."))),
        "{labels:?}"
    );
}

/// No password anywhere but where it belongs, and nobody gets in without one.
pub(crate) fn nobody_gets_in_without_a_password_and_none_is_seen() {
    let mut world = World::with_units(Programs::newest(), 2, 1);
    let relation = world.ask("app", &["app:*"]);
    let runs = world.settle();
    let answer = world.answer(relation);
    let access = world.access("app", &answer);
    let mut passwords = vec![access.password];
    for secret in world.model.secrets("valkey") {
        let own = secret.latest();
        let keys = ["operator", "peer", "replication", "sentinel"];
        passwords.extend(keys.iter().filter_map(|key| own.get(*key).cloned()));
    }
    assert_eq!(passwords.len(), 5);
    for run in &runs {
        for text in [&run.stdout, &run.stderr] {
            assert!(!passwords.iter().any(|password| text.contains(password)));
        }
        for call in &run.calls {
            let args = call.args.join(" ");
            assert!(
                !passwords.iter().any(|password| args.contains(password)),
                "{args}"
            );
        }
    }
    // The command lines of all processes of the machine.
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        assert!(
            !passwords.iter().any(|password| line.contains(password)),
            "{line}"
        );
    }
    passwords_are_in_closed_files(&world, &passwords);
    let address = world.model.address("valkey/0");
    for port in [6379, 26379] {
        let nobody = Access {
            user: "default".to_owned(),
            password: String::new(),
            tls: None,
            authority: None,
        };
        let refused = world.try_connect(&format!("{address}:{port}"), &nobody);
        assert!(refused.is_err_and(|error| error.is_of_login()));
    }
}

/// Files with a password in them are in directories that nobody can enter.
fn passwords_are_in_closed_files(world: &World, passwords: &[String]) {
    let unit = UnitName::from("valkey/0");
    let root = world.machines[&unit].root().to_owned();
    let data = world.model.storage_location(unit, "data").unwrap();
    let mut with_password = 0;
    for file in files(&root).into_iter().chain(files(&data)) {
        let Ok(bytes) = std::fs::read(&file) else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        if passwords.iter().any(|password| text.contains(password)) {
            with_password += 1;
            // The machine's services have no mask here, as systemd gives them one; but
            // what they write themselves is in directories that nobody can enter.
            let is_closed = file.ancestors().take(2).any(|path| {
                let mode = std::fs::metadata(path).unwrap().permissions().mode();
                mode & 0o077 == 0
            });
            assert!(is_closed, "{} is open", file.display());
        }
    }
    assert!(with_password >= 3, "the files were looked at");
}

/// Whatever is asked for, who asked well is served, and nothing changes for them.
pub(crate) fn bad_requests_are_refused_with_reasons_and_harm_nobody() {
    let mut world = World::with_units(Programs::oldest(), 3, 1);
    let unit = UnitName::from("valkey/0");
    let relation = world.ask("good", &["good:*"]);
    world.settle();
    let before = world.users(&unit, "server");
    let bad = world.relate("bad");
    for (pattern, reason) in [
        ("a:* +@all", "white space"),
        ("a:*\nuser x on nopass ~* +@all", "white space"),
        ("a\tb", "white space"),
        ("[", "only one *"),
        ("\\", "only one *"),
        ("", "empty"),
        ("a\0", "white space"),
    ] {
        world.ask_over(bad, "bad", &[pattern]);
        world.settle();
        let status = world.status("valkey/0");
        assert!(
            status.starts_with("blocked: the pattern of bad is refused") && status.contains(reason),
            "{pattern:?}: {status}"
        );
        assert_eq!(world.users(&unit, "server"), before, "{pattern:?}");
        assert!(world.answers(bad).is_empty());
    }
    // The others of the same relation are served.
    world.ask_over(bad, "bad", &["a b", "bad:*"]);
    world.settle();
    assert_eq!(world.answer(bad)["resource"], "bad:*");
    for junk in ["", "{}", "[7]", "[{\"resource\":7}]", "null"] {
        let pairs = [("version", "v1"), ("requests", junk)];
        world.model.relation_set_app(bad, "bad", &pairs);
        world.settle();
    }
    world
        .model
        .relation_set_app(bad, "bad", &[("version", "v9")]);
    world.settle();
    let answer = world.answer(relation);
    let access = world.access("good", &answer);
    world.connect(answer["endpoints"].as_str().unwrap(), &access);
    // A request that is changed under its name keeps what was granted, visibly.
    world.ask_over(bad, "bad", &["bad:*"]);
    let list = world.users(&unit, "server");
    world.ask_over(relation, "good", &["other:*"]);
    world.settle();
    assert_eq!(world.answer(relation)["resource"], "good:*");
    assert_eq!(
        world.status("valkey/0"),
        "blocked: good changed what it asks for; relate it anew"
    );
    world.connect(answer["endpoints"].as_str().unwrap(), &access);
    assert!(list.contains(&access.user));
    world.ask_over(relation, "good", &["good:*"]);
    an_unknown_kind_of_user_is_never_answered(&mut world, bad);
}

/// No event would come of an answer.
fn an_unknown_kind_of_user_is_never_answered(world: &mut World, bad: RelationId) {
    let request =
        json!([{"resource": "e:*", "request-id": "e", "salt": "s", "entity-type": "USER"}]);
    let pairs = [("version", "v1"), ("requests", &request.to_string())];
    world.model.relation_set_app(bad, "bad", &pairs);
    world.settle();
    assert!(world.answers(bad).is_empty());
    assert!(
        world.status("valkey/0").contains("entity type"),
        "{}",
        world.status("valkey/0")
    );
}

/// Relations are told apart by their whole numbers.
pub(crate) fn the_end_of_relation_1_leaves_relation_10_alone() {
    let mut world = World::with_units(Programs::oldest(), 4, 1);
    let relations: Vec<_> = (0..12)
        .map(|number| {
            let app = format!("app{number}");
            (app.clone(), world.ask(&app, &[&format!("{app}:*")]))
        })
        .collect();
    world.settle();
    let (first, other) = relations
        .iter()
        .find_map(|(_, short)| {
            let long = relations
                .iter()
                .find(|(_, id)| id != short && id.to_string().starts_with(&short.to_string()))?;
            Some((*short, long.clone()))
        })
        .expect("one number begins with another");
    let answer = world.answer(other.1);
    let access = world.access(&other.0, &answer);
    let endpoint = answer["endpoints"].as_str().unwrap().to_owned();
    let mut client = world.connect(&endpoint, &access);
    world.model.remove_relation(first);
    world.settle();
    world.done(&mut client, &["PING"]);
    let users = world.users(&UnitName::from("valkey/0"), "server");
    let prefix = format!("relation-{first}-");
    assert!(
        !users.iter().any(|user| user.starts_with(&prefix)),
        "{users:?}"
    );
}

pub(crate) fn a_pattern_for_all_keys_follows_the_policy() {
    let options = [("pattern-policy", json!("exclusive"))];
    let mut world = World::deployed(Programs::newest(), 5, &options);
    world.settle();
    let one = world.ask("one", &["one:*"]);
    world.settle();
    let all = world.ask("all", &["*"]);
    world.settle();
    assert!(world.answers(all).is_empty());
    let status = world.status("valkey/0");
    assert!(
        status.contains("all asks for keys of relation-"),
        "{status}"
    );
    // It is served when the other has gone, without doing anything.
    world.model.remove_relation(one);
    world.settle();
    let mut client = world.connect_as("all", all);
    world.done(&mut client, &["SCAN", "0"]);
    world.done(&mut client, &["FLUSHDB"]);
    world.refused(&mut client, &["FLUSHALL"]);
    // Under the other policy both are served, which is said; and what reached
    // nobody else is taken away again.
    world.model.set_config("valkey", "pattern-policy", "shared");
    world.settle();
    let two = world.ask("two", &["two:*"]);
    world.settle();
    assert_eq!(world.answers(two).len(), 1);
    world.refused(&mut client, &["FLUSHDB"]);
    let status = world.status("valkey/0");
    assert_eq!(
        status,
        "active: primary; 2 clients; all has the keys of all"
    );
}

/// A hook at rest changes nothing.
pub(crate) fn a_pass_at_rest_writes_nothing() {
    let mut world = World::with_units(Programs::newest(), 6, 1);
    world.ask("app", &["app:*", "other:*"]);
    world.settle();
    let unit = UnitName::from("valkey/0");
    let list = world.users(&unit, "server");
    assert_eq!(
        list.iter()
            .filter(|user| user.starts_with("relation"))
            .count(),
        2
    );
    let conf = std::fs::read_to_string(world.base(&unit).join("server/conf")).unwrap();
    for _ in 0..2 {
        let run = world.update_status(&unit);
        assert_eq!(run.changes, [], "it writes nothing");
        // Juju keeps each status that is set in a log.
        let mut tools = run.calls.iter().map(|call| call.tool.as_str());
        let sets = |tool: &str| matches!(tool, "status-set" | "application-version-set");
        assert_eq!(tools.find(|tool| sets(tool)), None);
    }
    let again = std::fs::read_to_string(world.base(&unit).join("server/conf")).unwrap();
    assert_eq!(conf, again);
    // What somebody changed is put right by the next pass.
    let mut operator = world.operator(&unit, "server");
    let name = list
        .iter()
        .find(|user| user.starts_with("relation"))
        .unwrap();
    world.done(&mut operator, &["ACL", "DELUSER", name]);
    world.done(
        &mut operator,
        &["ACL", "SETUSER", "intruder", "on", "nopass", "+@all"],
    );
    world.done(
        &mut operator,
        &["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"],
    );
    world.update_status(&unit);
    assert_eq!(world.users(&unit, "server"), list);
    let policy = world.done(&mut operator, &["CONFIG", "GET", "maxmemory-policy"]);
    assert_eq!(policy.texts().nth(1), Some("noeviction"));
}
