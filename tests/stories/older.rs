//! Requirers of the older interfaces `etcd` and `etcd-proxy`.

use std::collections::BTreeSet;

use etcd_charm_world::{Etcdctl, Older, UnitName, World};
use libtest_mimic::Trial;

use crate::support::{deployed, named, roles, story, users};

pub(crate) fn stories() -> Vec<Trial> {
    vec![story(
        "older_requirers_are_served_and_removed",
        served_and_removed,
    )]
}

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

/// Asserts that this client reads and writes wherever clients have keys, and
/// nowhere else.
fn assert_full_access(client: &Etcdctl, mark: &str) {
    for key in ["\u{1}first", "/registry/x", "elsewhere", "\u{10ffff}last"] {
        let put = client.run(&["put", "--", key, mark]);
        assert!(put.ok, "{key:?} cannot be written: {}", put.stderr);
        assert_eq!(client.lines(&["get", "--", key]), [key, mark]);
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

fn served_and_removed() {
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
    assert!(runs.iter().all(etcd_charm_world::HookRun::succeeded));
}
