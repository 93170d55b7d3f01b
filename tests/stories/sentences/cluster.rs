//! Who writes, where there is more than one unit.

use etcd_charm_world::{Change, HookRun, UnitName, World};

use crate::support::{Client, assert_serves, certificate, deployed, trusts, users};

/// Asserts that hooks of others than the leader wrote nothing for clients.
fn assert_leader_wrote(world: &World, runs: &[HookRun], leader: &UnitName) {
    let clients = world.model.relation_ids("etcd", "etcd-client");
    for run in runs.iter().filter(|run| run.unit != *leader) {
        let is_for_clients = |change: &&Change| match change {
            Change::ApplicationData { .. } => true,
            Change::UnitData { relation, .. } => clients.contains(relation),
            Change::SecretCreated { .. }
            | Change::SecretRevised { .. }
            | Change::SecretRemoved { .. }
            | Change::SecretGranted { .. } => true,
            _ => false,
        };
        let written: Vec<_> = run.changes.iter().filter(is_for_clients).collect();
        assert!(written.is_empty(), "{} {}: {written:?}", run.unit, run.name);
        let refused = run.calls.iter().filter(|call| call.exit_code != 0);
        assert_eq!(refused.count(), 0, "{} {}", run.unit, run.name);
    }
}

pub(crate) fn sentence_25_only_the_leader_writes() {
    let (mut world, leader) = deployed();
    let follower = world.add_unit();
    world.rest();
    let mut app = Client::ask_as(&mut world, "app", "/test/", "client1");
    let runs = world.rest();
    assert_leader_wrote(&world, &runs, &leader);
    let of_follower = runs.iter().filter(|run| run.unit == follower);
    let is_clients = |run: &&HookRun| run.name.starts_with("etcd-client-relation-");
    assert!(of_follower.filter(is_clients).count() >= 3);
    // It trusts the client without having been told of it by the client.
    assert!(trusts(&world, &follower, &app.shown));
    let told = app.told(&mut world);
    for unit in [&leader, &follower] {
        let client = world.client(unit, &app.shown);
        assert!(client.run(&["put", "/test/key", unit.application()]).ok);
    }
    assert_serves(&mut world, &told, &app.shown, "/test/");

    // The other one leads from now on; clients have nothing to do.
    world.model.set_leader("etcd", follower.clone());
    let runs = world.rest();
    assert_leader_wrote(&world, &runs, &follower);
    assert_eq!(world.told(&app.requirer).as_ref(), Some(&told));
    // It goes on with the same relation,
    let new = certificate("client1");
    app.requirer
        .set_certificate(&mut world.model, &new.certificate);
    let runs = world.rest();
    assert_leader_wrote(&world, &runs, &follower);
    assert_eq!(world.told(&app.requirer).as_ref(), Some(&told));
    for unit in [&leader, &follower] {
        assert!(
            trusts(&world, unit, &new) && !trusts(&world, unit, &app.shown),
            "{unit}"
        );
    }
    assert_serves(&mut world, &told, &new, "/test/");
    // and ends it.
    app.leave(&mut world);
    let runs = world.rest();
    assert_leader_wrote(&world, &runs, &follower);
    assert_eq!(users(&world, &leader), ["root"]);
    assert_eq!(world.model.secrets("etcd").len(), 1);
    for unit in [&leader, &follower] {
        assert!(!trusts(&world, unit, &new), "{unit}");
    }
}
