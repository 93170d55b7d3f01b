//! Faults that an operator has to know of: each has a status that says what is
//! wrong and what to do, and none makes the charm guess.

use std::time::{Duration, Instant};

use etcd_charm_world::juju::Deployment;
use etcd_charm_world::{Etcdctl, Programs, UnitName, World};
use serde_json::json;

use crate::support::options;
use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, say, serving, voters,
};

/// How long etcd may need until it takes another member.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a unit says, as one text.
fn says(world: &World, unit: &UnitName) -> String {
    let status = world.model.unit_status(unit.clone());
    format!("{}: {}", status.status, status.message)
}

/// A database that is full, on each etcd at hand: no write is taken, no hook
/// fails, and what waited is done once there is room.
pub(crate) fn no_space() {
    for programs in Programs::all() {
        let version = programs.version.clone();
        let mut world = World::new(options(programs));
        let options = Deployment::units(1).config("quota-backend-bytes", "16M");
        let unit = world.deploy_with(options);
        world.settle();
        let client = Client::ask(&mut world, "app");
        let leaving = Client::ask(&mut world, "leaving");
        world.rest();
        let etcdctl = world.client(&unit, &client.shown);
        let value = "x".repeat(1_000_000);
        let is_full = (0..64).any(|number| {
            let key = format!("/app/{number}");
            !etcdctl.run_with(&["put", &key], &value).ok
        });
        assert!(is_full, "etcd {version} takes writes");

        let second = Client::ask(&mut world, "second");
        world.model.remove_relation(leaving.requirer.relation);
        let runs = world.settle();
        assert!(runs.iter().all(|run| run.succeeded()));
        for run in world.model.update_status_all() {
            assert!(run.succeeded(), "{}", run.stderr);
        }
        assert_eq!(
            says(&world, &unit),
            "blocked: run compact, defrag, then alarm-disarm: no writes, database of etcd/0 is full \
             (NOSPACE)",
            "etcd {version}"
        );
        assert_eq!(world.told(&second.requirer), None);
        // Who leaves has no access, full database or not.
        let gone = world.client(&unit, &leaving.shown);
        assert!(!gone.run(&["get", "/leaving/a"]).ok, "etcd {version}");

        assert!(world.admin(&unit).run(&["del", "/app/", "--prefix"]).ok);
        for (action, asked) in [
            ("compact", json!({"physical": true})),
            ("defrag", json!({})),
            ("alarm-disarm", json!({})),
        ] {
            let result = world.run_action(&unit, action, asked);
            assert_eq!(result.status, "completed", "{action}: {}", result.message);
        }
        world.rest();
        assert!(
            says(&world, &unit).starts_with("active: "),
            "{}",
            says(&world, &unit)
        );
        assert!(world.told(&second.requirer).is_some());
        let users = world.admin(&unit).lines(&["user", "list"]);
        assert_eq!(users, ["app", "root", "second"], "etcd {version}");
    }
}

/// One member has other data than the rest, as etcd says: nothing can be read
/// or written, and nothing is done.
pub(crate) fn corrupt() {
    let (mut world, units, client) = serving(3);
    let before = client.told(&mut world);
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    world.raise_alarm(&units[1], "CORRUPT");
    let second = Client::ask(&mut world, "second");
    world.settle();
    for run in world.model.update_status_all() {
        assert!(run.succeeded(), "{}", run.stderr);
    }
    for unit in &units {
        let said = says(&world, unit);
        assert_eq!(
            said,
            "blocked: replace etcd/1, then run alarm-disarm: its data differs from the others' \
             (alarm CORRUPT)"
        );
    }
    assert_eq!(client.told(&mut world), before);
    assert_eq!(world.told(&second.requirer), None);
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(now, starts);
    assert!(world.admin(&units[0]).run(&["alarm", "disarm"]).ok);
    world.rest();
    assert_eq!(second.told(&mut world).endpoints, before.endpoints);
    assert_healthy(&world, &units);
}

/// A member that no unit has, in the member list: told, counted, and never
/// removed.
pub(crate) fn unmanaged_member() {
    let (mut world, mut units, client) = serving(3);
    let writer = client.writer(&mut world);
    let admin = world.admin(&units[0]);
    let url = "--peer-urls=https://127.0.0.9:2380";
    // etcd adds nobody before its members have been connected for some seconds.
    let begun = Instant::now();
    loop {
        let added = admin.run(&["member", "add", "unmanaged", url]);
        if added.ok {
            break;
        }
        let is_early = added.stderr.contains("unhealthy cluster");
        assert!(is_early && begun.elapsed() < PATIENCE, "{}", added.stderr);
        std::thread::sleep(Duration::from_millis(250));
    }
    client.rest(&mut world, &writer);
    let members = |admin: &Etcdctl| admin.json(&["member", "list"])["members"].clone();
    let is_there = |admin: &Etcdctl| {
        let members = members(admin);
        members
            .as_array()
            .unwrap()
            .iter()
            .any(|member| member["peerURLs"][0] == "https://127.0.0.9:2380")
    };
    assert!(is_there(&admin));
    for unit in &units {
        let said = says(&world, unit);
        let advice = "the member at 127.0.0.9:2380 belongs to no unit: remove it with etcdctl";
        assert!(said.contains(advice), "{said}");
    }
    // A unit leaves meanwhile: what remains keeps its majority, so it may.
    let before = voters(&admin).len();
    let leaving = units.pop().unwrap();
    world.model.remove_unit(leaving.clone());
    client.rest(&mut world, &writer);
    world.machines.remove(&leaving);
    assert!(is_there(&admin), "the unmanaged member was removed");
    say(&format!(
        "an unmanaged member: {before} voters, {} after a unit left",
        voters(&admin).len()
    ));
    let id = members(&admin)
        .as_array()
        .unwrap()
        .iter()
        .find(|member| member["peerURLs"][0] == "https://127.0.0.9:2380")
        .map(|member| format!("{:x}", member["ID"].as_u64().unwrap()))
        .unwrap();
    let removed = admin.run(&["member", "remove", &id]);
    assert!(removed.ok, "{}", removed.stderr);
    client.rest(&mut world, &writer);
    assert_whole("an unmanaged member", &writer.finish());
    assert_healthy(&world, &units);
}

/// What a unit of another revision, or of none, has written for the others.
pub(crate) fn peer_databags() {
    let (mut world, mut units, client) = serving(3);
    let writer = client.writer(&mut world);
    let garbage: String = "\u{fffd}{[\"".repeat(50);
    let relation = world.model.relation_ids("etcd", "cluster")[0];
    for values in [
        // Nothing but what Juju itself writes: the keys of an older revision
        // may all have other names.
        [("address", ""), ("trust", "")],
        [("address", "not an address"), ("trust", "00")],
        [("address", garbage.as_str()), ("trust", garbage.as_str())],
    ] {
        for unit in &units[1..] {
            world
                .model
                .relation_set_unit(relation, unit.clone(), &values);
        }
        let runs = client.rest(&mut world, &writer);
        let longest = runs.iter().map(|run| run.duration).max().unwrap();
        assert!(longest < Duration::from_secs(15), "{longest:?}");
        assert_healthy(&world, &units);
    }
    // A unit joins while another's databag is that of an older revision.
    let old = units[1].clone();
    world
        .model
        .relation_set_unit(relation, old, &[("trust", ""), ("address", "127.0.0.1:1")]);
    units.push(world.add_unit());
    client.rest(&mut world, &writer);
    assert_whole("odd databags of peers", &writer.finish());
    assert_eq!(voters(&world.admin(&units[0])).len(), 4);
    assert_eq!(client.told(&mut world).endpoints.split(',').count(), 4);
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}
