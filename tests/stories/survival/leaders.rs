//! The Juju leader changes, at any moment, and nobody notices.

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{HookRun, UnitName, World};

use crate::survival::support::{Client, assert_healthy, assert_whole, say, serving};

/// The ledger as it stands in etcd: everything the charm keeps there.
fn ledger(world: &World, unit: &UnitName) -> Vec<String> {
    // Keys that begin with a zero byte are the smallest.
    let admin = world.admin(unit);
    admin
        .lines(&["get", "", "--from-key", "--limit=50"])
        .into_iter()
        .filter(|line| line.contains("etcd-charm") || line.contains('{'))
        .collect()
}

/// The leader is removed while a client writes.
pub(crate) fn removed() {
    let (mut world, mut units, client) = serving(3);
    let before = client.told(&mut world);
    let secrets = world.model.secrets("etcd").len();
    let writer = client.writer(&mut world);
    let leader = world.model.leader("etcd").unwrap();
    let at = units.iter().position(|unit| *unit == leader).unwrap();
    units.remove(at);
    let kept: Vec<String> = ledger(&world, &units[0])
        .into_iter()
        .filter(|line| line.contains("/client/") || line.contains("/name/"))
        .collect();
    assert_eq!(kept.len(), 2, "{kept:?}");
    world.model.remove_unit(leader.clone());
    client.rest(&mut world, &writer);
    world.machines.remove(&leader);
    assert_whole("the Juju leader removed", &writer.finish());
    let after = client.told(&mut world);
    assert_eq!(
        (&after.user_uri, &after.tls_uri, &after.tls),
        (&before.user_uri, &before.tls_uri, &before.tls)
    );
    assert_eq!(after.user["username"], before.user["username"]);
    assert_eq!(world.model.secrets("etcd").len(), secrets);
    let still = ledger(&world, &units[0]);
    assert!(kept.iter().all(|line| still.contains(line)), "{still:?}");
    assert_healthy(&world, &units);
}

/// Leadership goes round after every single hook while clients come, renew
/// and go.
pub(crate) fn elected_after_each_hook() {
    let (mut world, units, client) = serving(3);
    let before = client.told(&mut world);
    let writer = client.writer(&mut world);
    let mut turn = 0;
    let mut rounds = |world: &mut World| -> Vec<HookRun> {
        let mut runs = Vec::new();
        for _ in 0..3 {
            runs.extend(world.settle_watched(|world, _| {
                turn += 1;
                // Not without end, since each change leads to another hook.
                if turn % 3 != 0 {
                    world.model.set_leader("etcd", units[turn % 3].clone());
                }
                assert!(turn < 300, "leaders follow one another without end");
            }));
            for unit in &units {
                let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
                assert!(run.succeeded(), "{}", run.stderr);
                runs.push(run);
            }
        }
        runs
    };
    let second = Client::ask(&mut world, "second");
    let third = Client::ask(&mut world, "third");
    rounds(&mut world);
    world.model.remove_relation(third.requirer.relation);
    rounds(&mut world);
    client.rest(&mut world, &writer);
    say(&format!("leadership changed after {turn} hooks"));
    assert_whole("a leader elected after each hook", &writer.finish());
    assert_eq!(client.told(&mut world), before);
    let told = second.told(&mut world);
    assert_eq!(told.endpoints.split(',').count(), 3);
    let admin = world.admin(&units[0]);
    assert_eq!(admin.lines(&["user", "list"]), ["app", "root", "second"]);
    // Two for each client, and the authorities.
    assert_eq!(world.model.secrets("etcd").len(), 5);
    assert_healthy(&world, &units);
}

/// The leader loses its leadership within the hook that grants, at each of the
/// hook's calls; and the leader dies while it restarts its member.
pub(crate) fn lost_in_a_hook() {
    let (mut world, units, client) = serving(3);
    let writer = client.writer(&mut world);
    let mut last = None;
    for (number, call) in [2_usize, 5, 7, 9].into_iter().enumerate() {
        let next = Client::ask(&mut world, &format!("client{number}"));
        let leader = world.model.leader("etcd").unwrap();
        world.model.lose_leadership_after_call(leader, call);
        let runs = world.settle();
        client.rest(&mut world, &writer);
        assert_eq!(next.told(&mut world).endpoints.split(',').count(), 3);
        say(&format!(
            "leadership lost at call {call}: {} hooks until rest",
            runs.len()
        ));
        last = Some(next);
    }
    let last = last.expect("at least one came");
    world.model.remove_relation(last.requirer.relation);
    client.rest(&mut world, &writer);
    assert_whole("leadership lost in a hook", &writer.finish());
    let users = world.admin(&units[0]).lines(&["user", "list"]);
    assert_eq!(users, ["app", "client0", "client1", "client2", "root"]);
    assert_healthy(&world, &units);
}
