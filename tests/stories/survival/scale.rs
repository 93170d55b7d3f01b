//! Units come and go, several at once, and whoever leads may be among them.

use std::time::Instant;

use etcd_charm_world::machine::Active;
use etcd_charm_world::{HookRun, UnitName, World, service_of};

use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, cluster, say, serving, voters,
};

/// Asserts that the client is told of just these units, in order, and that
/// each of them serves it.
fn assert_served_by(world: &mut World, client: &Client, units: &[UnitName]) {
    let mut endpoints: Vec<String> = units
        .iter()
        .map(|unit| format!("{}:2379", world.model.address(unit.clone())))
        .collect();
    endpoints.sort();
    let told = client.told(world);
    assert_eq!(told.endpoints, endpoints.join(","));
    for unit in units {
        let etcdctl = world.client(unit, &client.shown);
        let key = format!("{}from-{}", client.prefix, unit.with_dash());
        assert!(etcdctl.run(&["put", &key, "1"]).ok, "{unit} does not serve");
    }
}

/// Three units are added at once to one that serves.
pub(crate) fn added_at_once() {
    let (mut world, mut units, client) = serving(1);
    let writer = client.writer(&mut world);
    let new: Vec<UnitName> = (0..3).map(|_| world.add_unit()).collect();
    let begun = Instant::now();
    let admin = world.admin(&units[0]);
    let mut hooks: Vec<HookRun> = Vec::new();
    let mut votes = 1;
    // `update-status` comes every five minutes, so what needs none is faster.
    let mut passes = 0;
    while voters(&admin).len() < 4 {
        let due = world.settle_watched(|world, run| {
            hooks.push(run.clone());
            let now = voters(&admin).len();
            assert!(now <= votes + 1, "one at a time");
            if now > votes {
                let own = hooks.iter().filter(|hook| hook.unit == run.unit).count();
                say(&format!(
                    "{} of 3 units added at once has a vote after {own} hooks of its own, \
                     {} of all, {:.1?}",
                    run.unit,
                    hooks.len(),
                    begun.elapsed()
                ));
                votes = now;
            }
            if let Some(told) = world.told(&client.requirer) {
                writer.follow(&told);
            }
        });
        if due.is_empty() {
            passes += 1;
            assert!(passes < 4, "a unit does not join");
            let runs = world.model.update_status_all();
            assert!(runs.iter().all(HookRun::succeeded), "{runs:#?}");
        }
    }
    assert_eq!(passes, 0, "no unit needs an update-status to join");
    client.rest(&mut world, &writer);
    assert_whole("three units added at once", &writer.finish());
    units.extend(new);
    assert_served_by(&mut world, &client, &units);
    for unit in &units[1..] {
        assert_eq!(
            world.starts(unit),
            1,
            "{unit} joined with all that it needs"
        );
    }
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

/// Five units shrink to three and to one. The Juju leader and the raft leader
/// are among those that leave; who stays is neither.
pub(crate) fn shrinks() {
    let (mut world, mut units, client) = serving(5);
    let before = client.told(&mut world);
    let writer = client.writer(&mut world);
    while units.len() > 1 {
        let juju_leader = world.model.leader("etcd").unwrap();
        let raft_leader = world.raft_leader(&units);
        let mut leaving = vec![juju_leader, raft_leader];
        leaving.dedup();
        leaving.extend(
            units
                .iter()
                .filter(|unit| !leaving.contains(unit))
                .take(1)
                .cloned()
                .collect::<Vec<_>>(),
        );
        leaving.truncate(2);
        for unit in &leaving {
            world.model.remove_unit(unit.clone());
        }
        client.rest(&mut world, &writer);
        for unit in &leaving {
            assert!(!world.model.units("etcd").contains(unit), "{unit} is gone");
            world.machines.remove(unit);
        }
        units.retain(|unit| !leaving.contains(unit));
        let names: Vec<_> = units.iter().map(UnitName::with_dash).collect();
        assert_eq!(voters(&world.admin(&units[0])), names);
        assert_served_by(&mut world, &client, &units);
        assert_healthy(&world, &units);
    }
    assert_whole("five units shrink to one", &writer.finish());
    let after = client.told(&mut world);
    assert_eq!(
        (after.user_uri, after.tls_uri),
        (before.user_uri, before.tls_uri)
    );
    assert_eq!(after.tls, before.tls);
    assert_eq!(
        world.admin(&units[0]).lines(&["user", "list"]),
        ["app", "root"]
    );
}

/// Units whose names share a beginning are told apart, also when one leaves.
pub(crate) fn names_that_share_a_beginning() {
    let (mut world, mut units) = cluster(2);
    // The numbers between were taken by units that never came up.
    for _ in 2..10 {
        let unit = world.model.add_unit("etcd");
        world.model.remove_unit_force(unit);
    }
    let tenth = world.add_unit();
    assert_eq!(tenth.as_str(), "etcd/10");
    world.rest();
    let client = Client::ask(&mut world, "app");
    world.rest();
    units.push(tenth);
    assert_served_by(&mut world, &client, &units);
    let writer = client.writer(&mut world);
    let first = units.remove(1);
    world.model.remove_unit(first.clone());
    client.rest(&mut world, &writer);
    world.machines.remove(&first);
    assert_whole("etcd/1 leaves, etcd/10 stays", &writer.finish());
    assert_eq!(voters(&world.admin(&units[0])), ["etcd-0", "etcd-10"]);
    assert_served_by(&mut world, &client, &units);
    assert_healthy(&world, &units);
}

/// Two of three units are removed at once, and each has relations whose hooks come
/// when its storage is gone already.
pub(crate) fn leaves_before_its_storage() {
    let (mut world, units, client) = serving(3);
    for app in ["second", "third", "fourth"] {
        Client::ask(&mut world, app);
    }
    world.rest();
    let writer = client.writer(&mut world);
    let (leaving, stays) = (&units[..2], &units[2]);
    for unit in leaving {
        world.model.remove_unit(unit.clone());
    }
    let mut left = 0;
    while let Some(run) = world.model.step() {
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        // It gets none any more, and nobody is to attach it any.
        let calls = format!("{:?}", run.calls);
        assert!(!calls.contains("storage `data`"), "{}: {calls}", run.name);
        if run.name == "data-storage-detaching" {
            left += 1;
            let state = world.machines[&run.unit].service(&service_of(&run.unit));
            assert_eq!(state.active, Active::Inactive, "{}", run.unit);
            let voters = voters(&world.admin(stays));
            assert!(!voters.contains(&run.unit.with_dash()), "{voters:?}");
        }
        if let Some(told) = world.told(&client.requirer) {
            writer.follow(&told);
        }
    }
    assert_eq!(left, leaving.len());
    for unit in leaving {
        world.machines.remove(unit);
    }
    client.rest(&mut world, &writer);
    assert_whole("two of three leave at once", &writer.finish());
    assert_served_by(&mut world, &client, &units[2..]);
    assert_healthy(&world, &units[2..]);
}
