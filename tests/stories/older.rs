//! Requirers of the older interfaces `etcd` and `etcd-proxy`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use etcd_charm_world::juju::JujuVersion;
use etcd_charm_world::{Answer, Etcdctl, HookRun, Older, Programs, UnitName, World};

use crate::support::{certificate, deployed, named, roles, users, world, world_of};

/// Everything that a requirer of an older interface waits for.
fn complete() -> BTreeSet<&'static str> {
    ["available", "connected", "tls.available"].into()
}

/// The common name in a certificate, as its user in etcd is called.
fn user_of(world: &World, unit: &UnitName, older: &Older) -> String {
    let begin = format!("-{}-", older.relation.0);
    let users = users(world, unit);
    let mut own = users
        .iter()
        .filter(|user| user.starts_with("etcd-charm:") && user.contains(&begin));
    let user = own.next().expect("a user").clone();
    assert_eq!(own.next(), None, "{users:?}");
    user
}

/// Tries a call again that a busy machine has kept from its end.
fn patiently(client: &Etcdctl, args: &[&str]) -> Answer {
    let mut tries = (0..6).map(|_| client.run(args));
    let is_over = |answer: &Answer| answer.ok || !answer.stderr.contains("DeadlineExceeded");
    tries.find(is_over).unwrap_or_else(|| client.run(args))
}

/// Asserts that this client reads and writes wherever clients have keys, and
/// nowhere else.
fn assert_full_access(client: &Etcdctl, mark: &str) {
    for key in ["\u{1}first", "/registry/x", "elsewhere", "\u{10ffff}last"] {
        let put = patiently(client, &["put", "--", key, mark]);
        assert!(put.ok, "{key:?} cannot be written: {}", put.stderr);
        let got = patiently(client, &["get", "--", key]).stdout;
        assert_eq!(got.lines().collect::<Vec<_>>(), [key, mark]);
    }
    // From the first key of a client on, and not from the very first.
    let all = client.lines(&["get", "--from-key", "--keys-only", "\u{1}"]);
    assert!(all.iter().any(|key| key == "/registry/x"), "{all:?}");
    // An empty key with --from-key or --prefix is byte 0x00 and all after it.
    assert!(client.run(&["get", "--from-key", ""]).is_denied());
    assert!(client.run(&["get", "--prefix", ""]).is_denied());
    assert!(client.run(&["user", "list"]).is_denied());
    assert!(
        client
            .run(&["role", "grant-permission", "root", "read", "x"])
            .is_denied()
    );
}

pub(crate) fn requirers_are_served_and_removed() {
    let (mut world, unit) = deployed();
    world.rest();
    let starts = world.starts(&unit);
    let old = [
        world.relate_db("kubernetes"),
        world.relate_proxy("docker"),
        world.relate_db("calico"),
    ];
    let runs = world.settle();
    for older in &old {
        assert_eq!(world.older_states(older), complete(), "{}", older.app);
    }
    let address = world.model.address(unit.clone());
    let url = format!("https://{address}:2379");
    assert_eq!(world.older_get(&old[0], "connection_string"), Some(url));
    let version = world.model.workload_version("etcd").to_owned();
    assert!(version.starts_with("3."), "{version}");
    assert_eq!(world.older_get(&old[0], "version"), Some(version));
    let cluster = format!("etcd-0=https://{address}:2380");
    for key in ["cluster", "cluster_string"] {
        assert_eq!(world.older_get(&old[1], key), Some(cluster.clone()));
    }

    let clients: Vec<Etcdctl> = old.iter().map(|older| world.older_client(older)).collect();
    for (older, client) in old.iter().zip(&clients) {
        assert_full_access(client, &older.app);
    }
    let names: BTreeSet<String> = old
        .iter()
        .map(|older| user_of(&world, &unit, older))
        .collect();
    assert_eq!(names.len(), 3);
    for key in ["client_cert", "client_key"] {
        let given: BTreeSet<_> = old
            .iter()
            .map(|older| world.older_get(older, key))
            .collect();
        assert_eq!(given.len(), 3, "{key} is shared");
    }
    world.rest();

    // One goes, and only that one.
    world.model.remove_relation(old[0].relation);
    let broken = world.settle();
    assert_eq!(named(&broken, "db-relation-broken").len(), 1);
    let refused = clients[0].run(&["get", "elsewhere"]);
    assert!(!refused.ok, "{refused:?}");
    assert_eq!(users(&world, &unit).len(), 3);
    for client in &clients[1..] {
        assert!(client.run(&["get", "elsewhere"]).ok);
    }
    for older in &old[1..] {
        world.model.remove_relation(older.relation);
    }
    world.settle();
    for client in &clients {
        assert!(!client.run(&["put", "elsewhere", "1"]).ok);
    }
    assert_eq!(users(&world, &unit), ["root"]);
    assert_eq!(roles(&world, &unit), ["root"]);
    assert_eq!(world.model.secrets("etcd").len(), 1);
    world.rest();
    assert_eq!(world.starts(&unit), starts, "a member was restarted");
    assert!(runs.iter().all(HookRun::succeeded));
}

/// Three units, at rest.
fn three() -> (World, Vec<UnitName>) {
    let mut world = world();
    let mut units = vec![world.deploy()];
    units.extend([world.add_unit(), world.add_unit()]);
    world.rest();
    (world, units)
}

/// Asserts that each unit alone tells all, and that all tell the same: newer
/// requirers look at one unit, and nobody knows which.
fn assert_agreed(world: &World, older: &Older, units: usize) {
    let bags = world.older_bags(older);
    assert_eq!(bags.len(), units);
    for bag in &bags {
        assert!(bag.contains_key("client_key"));
        assert!(bag == &bags[0], "two units say something else");
    }
    assert_eq!(world.older_states(older), complete());
}

fn urls(world: &World, units: &[UnitName]) -> String {
    let mut urls: Vec<String> = units.iter().map(|unit| world.url(unit)).collect();
    urls.sort();
    urls.join(",")
}

pub(crate) fn requirers_follow_the_cluster() {
    let (mut world, mut units) = three();
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let db = world.relate_db("kubernetes");
    let proxy = world.relate_proxy("docker");
    // By the hooks that are due alone: no unit waits for its update-status.
    world.settle();
    for older in [&db, &proxy] {
        assert_agreed(&world, older, 3);
    }
    let given = world.older_get(&db, "connection_string");
    assert_eq!(given, Some(urls(&world, &units)));
    let client = world.older_client(&db);
    assert_full_access(&client, "one");
    world.rest();
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(starts, now, "a member was restarted");

    units.push(world.add_unit());
    world.rest();
    for older in [&db, &proxy] {
        assert_agreed(&world, older, 4);
    }
    let given = world.older_get(&db, "connection_string");
    assert_eq!(given, Some(urls(&world, &units)));
    let cluster = world.older_get(&proxy, "cluster").expect("a cluster");
    assert_eq!(cluster.matches(":2380").count(), 4, "{cluster}");

    // The leader goes, and one that is none.
    for gone in [0, 1] {
        let gone = units.remove(gone);
        world.remove_unit(&gone);
        world.rest();
        let given = world.older_get(&db, "connection_string");
        assert_eq!(given, Some(urls(&world, &units)), "{gone} is gone");
        for older in [&db, &proxy] {
            assert_agreed(&world, older, units.len());
        }
        let member = gone.to_string().replace('/', "-");
        let cluster = world.older_get(&proxy, "cluster").expect("a cluster");
        assert!(!cluster.contains(&member), "{cluster}");
        assert_full_access(&world.older_client(&db), "still");
    }
    let client = world.older_client(&db);
    world.model.remove_relation(db.relation);
    world.settle();
    assert!(!client.run(&["get", "elsewhere"]).ok);
    assert_agreed(&world, &proxy, 2);
    world.rest();
}

pub(crate) fn requirers_keep_what_they_have_when_the_leader_changes() {
    let (mut world, units) = three();
    let old = [world.relate_db("kubernetes"), world.relate_proxy("docker")];
    world.settle();
    let before: Vec<_> = old.iter().map(|older| world.older_bags(older)).collect();
    let clients: Vec<_> = old.iter().map(|older| world.older_client(older)).collect();
    world.model.set_leader("etcd", units[1].clone());
    world.rest();
    let after: Vec<_> = old.iter().map(|older| world.older_bags(older)).collect();
    assert!(before == after, "a requirer was given something else");
    // A relation that comes and goes while the leader changes once more.
    let late = world.relate_db("late");
    world
        .model
        .lose_leadership_after_call(units[1].clone(), "secret-add");
    // Juju refuses the commit of a unit that leads no more, and the new leader
    // has its turn with the next full pass at the latest.
    world.rest();
    assert_agreed(&world, &late, 3);
    assert_full_access(&world.older_client(&late), "late");
    for older in old.iter().chain([&late]) {
        user_of(&world, &units[0], older);
    }
    for older in old.iter().chain([&late]) {
        world.model.remove_relation(older.relation);
    }
    world.rest();
    for client in &clients {
        assert!(!client.run(&["get", "elsewhere"]).ok);
    }
    assert_nothing_left(&world, &units[0]);
}

fn assert_nothing_left(world: &World, unit: &UnitName) {
    assert_eq!(users(world, unit), ["root"]);
    assert_eq!(roles(world, unit), ["root"]);
    let left: Vec<_> = world.model.secrets("etcd").into_iter().collect();
    assert_eq!(
        left.len(),
        1,
        "{:?}",
        left.iter().map(|s| &s.label).collect::<Vec<_>>()
    );
}

/// Asserts that a requirer has what it should, by one identity and one secret.
fn assert_whole(world: &mut World, unit: &UnitName, older: &Older) {
    assert_agreed(world, older, 1);
    let client = world.older_client(older);
    assert_full_access(&client, &older.app);
    user_of(world, unit, older);
    let end = format!(":{}", older.relation.0);
    let secrets = world.model.secrets("etcd");
    let own: Vec<_> = secrets
        .iter()
        .filter(|secret| secret.description.ends_with(&end))
        .collect();
    assert_eq!(own.len(), 1);
    assert!(own[0].grants.is_empty(), "it is for units of etcd only");
    let given = world.older_get(older, "client_cert");
    assert_eq!(own[0].latest().get("client-cert"), given.as_ref());
}

fn failures(runs: &[HookRun]) -> usize {
    runs.iter().filter(|run| !run.succeeded()).count()
}

pub(crate) fn a_commit_fails(juju: JujuVersion) {
    let mut world = world_of(Programs::oldest(), juju);
    let unit = world.deploy();
    world.settle();
    let older = world.relate_db("kubernetes");
    world.model.fail_next_commit(unit.clone());
    let runs = world.settle();
    assert_eq!(failures(&runs), 1);
    assert_whole(&mut world, &unit, &older);
    world.rest();
    assert_whole(&mut world, &unit, &older);
    let client = world.older_client(&older);
    world.model.fail_next_commit(unit.clone());
    world.model.remove_relation(older.relation);
    let runs = world.settle();
    assert_eq!(failures(&runs), 1);
    world.rest();
    assert!(!client.run(&["get", "elsewhere"]).ok);
    assert_nothing_left(&world, &unit);
}

pub(crate) fn relations_may_be_there_before_the_cluster() {
    let mut world = world();
    let unit = world.deploy();
    let older = world.relate_proxy("docker");
    world.add_unit();
    world.settle();
    assert_agreed(&world, &older, 2);
    assert_full_access(&world.older_client(&older), "first");
    user_of(&world, &unit, &older);
    world.rest();
}

/// Whether a text comes up in a file before the time is over.
fn is_seen(file: &Path, text: &str, limit: Duration) -> bool {
    let begun = Instant::now();
    loop {
        if fs::read_to_string(file).unwrap().contains(text) {
            return true;
        }
        if begun.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn watches_end_with_the_relation() {
    let (mut world, unit) = deployed();
    let older = world.relate_db("kubernetes");
    world.rest();
    let client = world.older_client(&older);
    let output = tempfile::NamedTempFile::new().unwrap();
    let watch = client
        .command()
        .args(["watch", "--prefix", "/watched/"])
        .stdin(Stdio::null())
        .stdout(output.reopen().unwrap())
        .stderr(Stdio::null())
        .spawn();
    let mut watch = watch.unwrap();
    let admin = world.admin(&unit);
    // A watch takes a moment to begin.
    let has_begun = (0..40).any(|number| {
        let key = format!("/watched/before{number}");
        assert!(admin.run(&["put", &key, "1"]).ok);
        is_seen(output.path(), &key, Duration::from_millis(500))
    });
    assert!(has_begun);
    world.model.remove_relation(older.relation);
    world.rest();
    assert!(!client.run(&["get", "/watched/x"]).ok);
    // etcd looks at rights when a watch begins, so the charm has ended it.
    assert!(admin.run(&["put", "/watched/after", "1"]).ok);
    assert!(!is_seen(output.path(), "after", Duration::from_secs(3)));
    // It may have ended by itself.
    let _ = watch.kill();
    watch.wait().unwrap();
}

pub(crate) fn rights_are_repaired() {
    let (mut world, unit) = deployed();
    let older = world.relate_db("kubernetes");
    world.settle();
    let client = world.older_client(&older);
    let user = user_of(&world, &unit, &older);
    let admin = world.admin(&unit);
    for call in [
        &["user", "grant-role", &user, "root"][..],
        &["role", "add", "by-hand"],
        &["user", "grant-role", &user, "by-hand"],
    ] {
        assert!(admin.run(call).ok, "{call:?}");
    }
    assert!(admin.run(&["role", "delete", &user]).ok);
    assert!(
        client.run(&["user", "list"]).ok,
        "it is an administrator now"
    );
    world.rest();
    assert_full_access(&client, "again");
    let roles_of_user = admin.json(&["user", "get", &user]);
    assert_eq!(roles_of_user["roles"], serde_json::json!([user]));
    assert!(roles(&world, &unit).contains(&"by-hand".to_owned()));
    // A user that is not the charm's has nothing to fear from its name.
    admin.must("user add --no-password etcd-charm:db-99-x");
    world.rest();
    assert!(users(&world, &unit).contains(&"etcd-charm:db-99-x".to_owned()));
}

pub(crate) fn events_cost_the_same_with_many_relations() {
    let (mut world, _) = deployed();
    let measure = |world: &mut World, app: &str| -> Vec<(String, usize)> {
        let db = world.relate_db(app);
        let mut runs = world.settle();
        world.model.remove_relation(db.relation);
        runs.extend(world.settle());
        let own = runs
            .into_iter()
            .filter(|run| run.name.starts_with("db-relation"));
        own.map(|run| (run.name.clone(), run.calls.len())).collect()
    };
    let alone = measure(&mut world, "first");
    for number in 0..5 {
        world.relate_db(&format!("db{number}"));
        world.relate_proxy(&format!("proxy{number}"));
        let shown = certificate(&format!("client{number}"));
        let app = format!("app{number}");
        crate::support::ask_v0(&mut world, &app, &format!("/{number}/"), &shown);
    }
    world.rest();
    let among_many = measure(&mut world, "last");
    assert_eq!(alone, among_many);
    let names: BTreeSet<&str> = alone.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains("db-relation-created") && names.contains("db-relation-broken"));
}
