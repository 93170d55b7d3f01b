//! Members that die, machines that lose power, members that nobody reaches.

use std::thread;
use std::time::Duration;

use etcd_charm_world::{UnitName, World, service_of};

use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, kill, serving, voters, wait_until_up,
};

/// Longer than an election takes: a member that is silent for so long is out.
const SILENCE: Duration = Duration::from_secs(4);

/// Lets hooks run until all is well again, and asserts that it is.
fn assert_recovers(
    what: &str,
    told: (&mut World, &[UnitName], &Client),
    shake: impl FnOnce(&World),
) {
    let (world, units, client) = told;
    let before = client.told(world);
    let writer = client.writer(world);
    shake(world);
    for unit in units {
        wait_until_up(world, unit);
    }
    client.rest(world, &writer);
    assert_whole(what, &writer.finish());
    assert_eq!(client.told(world), before, "what the client is told");
    assert_caught_up(world, units);
    assert_healthy(world, units);
    assert_eq!(voters(&world.admin(&units[0])).len(), units.len());
}

/// etcd of a follower is killed, then that of the leader, while hooks run.
pub(crate) fn killed() {
    let (mut world, units, client) = serving(3);
    let leader = world.raft_leader(&units);
    let follower = units.iter().find(|unit| **unit != leader).unwrap().clone();
    let starts = world.starts(&follower);
    assert_recovers(
        "a follower's etcd killed",
        (&mut world, &units, &client),
        |world| {
            kill(world, &follower);
        },
    );
    assert_eq!(
        world.starts(&follower),
        starts + 1,
        "systemd starts it, nobody else"
    );
    assert_recovers(
        "the raft leader killed",
        (&mut world, &units, &client),
        |world| {
            kill(world, &leader);
            let others: Vec<_> = units
                .iter()
                .filter(|unit| **unit != leader)
                .cloned()
                .collect();
            assert_ne!(world.raft_leader(&others), leader);
        },
    );
}

/// The machine of a member loses power, and is switched on again later.
pub(crate) fn power_cut() {
    let (mut world, units, client) = serving(3);
    let gone = units[1].clone();
    let before = client.told(&mut world);
    let writer = client.writer(&mut world);
    world.machines[&gone].power_off();
    // The others notice, and name it.
    for unit in [&units[0], &units[2]] {
        let run = world
            .model
            .run_hook(unit.clone(), etcd_charm_world::juju::Hook::UpdateStatus);
        assert!(run.succeeded(), "{}", run.stderr);
        let status = world.model.unit_status(unit.clone());
        assert!(
            status.message.contains("no answer from etcd/1"),
            "{}",
            status.message
        );
    }
    // It trusts the client and comes back, so the client keeps its endpoint.
    assert_eq!(client.told(&mut world), before);
    world.machines[&gone].power_on();
    wait_until_up(&world, &gone);
    world.model.agent_restart(gone, true);
    client.rest(&mut world, &writer);
    assert_whole("a machine without power", &writer.finish());
    assert_eq!(client.told(&mut world), before);
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

/// All machines are rebooted at once.
pub(crate) fn all_reboot() {
    let (mut world, units, client) = serving(3);
    assert_recovers(
        "all machines rebooted",
        (&mut world, &units, &client),
        |world| {
            for unit in &units {
                world.machines[unit].power_off();
            }
            for unit in &units {
                world.machines[unit].power_on();
            }
        },
    );
    for unit in &units {
        world.model.agent_restart(unit.clone(), true);
    }
    world.rest();
    assert_healthy(&world, &units);
}

/// A member that nobody reaches and that reaches nobody, be it a follower or
/// the leader, for longer than an election takes.
pub(crate) fn unreachable() {
    let (mut world, units, client) = serving(3);
    let leader = world.raft_leader(&units);
    let follower = units.iter().find(|unit| **unit != leader).unwrap().clone();
    for (what, unit) in [
        ("a follower out of reach", follower),
        ("the raft leader out of reach", leader),
    ] {
        let starts = world.starts(&unit);
        assert_recovers(what, (&mut world, &units, &client), |world| {
            let machine = &world.machines[&unit];
            assert!(machine.pause_service(&service_of(&unit)));
            thread::sleep(SILENCE);
            assert!(machine.resume_service(&service_of(&unit)));
        });
        assert_eq!(world.starts(&unit), starts, "{what}: nothing was restarted");
    }
}
