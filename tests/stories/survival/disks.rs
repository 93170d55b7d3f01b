//! Disks that are lost at every point of a unit's life: between any two of its
//! hooks, of each member, while the others have their majority and while they
//! have not. A plain run takes a few; `LOST_DISKS=all` takes all.

use std::collections::BTreeSet;
use std::fs;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{UnitName, World};

use crate::support::options;
use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, programs, say, serving, voters,
    wait_until_up,
};

/// More hooks than a unit runs for one event.
const HOOKS: usize = 40;

/// Of whom a disk is lost, and how it is with the others.
#[derive(Clone, Copy, Debug)]
struct Loss {
    /// The unit.
    victim: usize,
    /// Whether the others are without their majority meanwhile.
    alone: bool,
}

fn takes_all() -> bool {
    std::env::var_os("LOST_DISKS").is_some_and(|value| value == "all")
}

/// Lets due hooks run until this unit has run so many. `false` if it has fewer.
fn run_until(world: &mut World, unit: &UnitName, hooks: usize) -> bool {
    let mut count = 0;
    while count < hooks {
        let Some(run) = world.model.step() else {
            return false;
        };
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        count += usize::from(run.unit == *unit);
    }
    true
}

/// The machine of a unit comes back with an empty disk.
fn lose_disk(world: &mut World, unit: &UnitName) {
    world.machines[unit].power_off();
    let storage = world.model.storage_location(unit.clone(), "data").unwrap();
    // etcd may not have been there yet.
    let _ = fs::remove_dir_all(storage.join("etcd"));
    world.machines[unit].power_on();
    world.model.agent_restart(unit.clone(), true);
}

/// Lets all hooks of these units run, and a full pass of each. A hook may fail
/// where the majority is lost in its midst; Juju runs it again.
fn look_after(world: &mut World, units: &[&UnitName]) {
    for unit in units {
        for _ in 0..HOOKS {
            if world.model.step_unit((*unit).clone()).is_none() {
                let run = world.model.run_hook((*unit).clone(), Hook::UpdateStatus);
                assert!(run.succeeded(), "{}", run.stderr);
                break;
            }
        }
    }
}

/// Loses a disk as told, with everything after it. `units` are all that there are.
fn lose(world: &mut World, units: &[UnitName], loss: Loss) {
    let victim = &units[loss.victim];
    if !loss.alone {
        return lose_disk(world, victim);
    }
    let others: Vec<_> = units.iter().filter(|unit| *unit != victim).collect();
    let (off, up) = others.split_first().expect("other units");
    world.machines[*off].power_off();
    lose_disk(world, victim);
    let mut awake = vec![victim];
    awake.extend(up);
    look_after(world, &awake);
    world.machines[*off].power_on();
    world.model.agent_restart((*off).clone(), true);
    wait_until_up(world, off);
}

/// Asserts that each unit's etcd is the member of its name, and no other's.
fn assert_own_data(world: &World, units: &[UnitName]) {
    let members = world.admin(&units[0]).json(&["member", "list"]);
    let members = members["members"].as_array().unwrap();
    let mut seen = BTreeSet::new();
    for unit in units {
        let status = world.admin(unit).json(&["endpoint", "status"]);
        let id = status[0]["Status"]["header"]["member_id"].as_u64().unwrap();
        let name = unit.with_dash();
        let is_its_own = |member: &&serde_json::Value| {
            member["ID"].as_u64() == Some(id) && member["name"] == *name
        };
        assert!(members.iter().any(|member| is_its_own(&member)), "{unit}");
        assert!(seen.insert(id), "{unit} is another unit's member");
    }
    assert_eq!(members.len(), units.len());
}

/// All is as before, and nothing was lost.
fn assert_heals(world: &mut World, units: &[UnitName], client: &Client) {
    assert_eq!(voters(&world.admin(&units[0])).len(), units.len());
    assert_caught_up(world, units);
    assert_healthy(world, units);
    assert_own_data(world, units);
    assert_eq!(client.told(world).endpoints.split(',').count(), units.len());
}

/// A client comes to a cluster of three, and a disk is lost on the way.
pub(crate) fn while_it_serves() {
    let (mut world, units, client) = serving(3);
    let mut count = 0;
    for victim in 0..3 {
        for alone in [false, true] {
            for hooks in 0..HOOKS {
                let loss = Loss { victim, alone };
                let is_sampled = matches!((victim, hooks, alone), (0, 1, true) | (2, 2, false));
                if !takes_all() && !is_sampled {
                    continue;
                }
                let writer = client.writer(&mut world);
                let app = format!("app{count}");
                let other = Client::ask(&mut world, &app);
                let is_reached = run_until(&mut world, &units[victim], hooks);
                if is_reached {
                    lose(&mut world, &units, loss);
                }
                client.rest(&mut world, &writer);
                world.model.remove_relation(other.requirer.relation);
                client.rest(&mut world, &writer);
                assert_whole(&format!("{loss:?} after {hooks} hooks"), &writer.finish());
                assert_heals(&mut world, &units, &client);
                count += 1;
                if !is_reached {
                    break;
                }
            }
        }
    }
    say(&format!("{count} lost disks of members that serve"));
}

/// A unit joins a cluster of two, and loses its disk on the way.
pub(crate) fn while_it_joins() {
    let (mut world, units, client) = serving(2);
    let mut count = 0;
    for alone in [false, true] {
        for hooks in 0..HOOKS {
            let is_sampled = matches!((hooks, alone), (6, false) | (8, true));
            if !takes_all() && !is_sampled {
                continue;
            }
            let writer = client.writer(&mut world);
            let unit = world.add_unit();
            let all = [units.clone(), vec![unit.clone()]].concat();
            let loss = Loss { victim: 2, alone };
            let is_reached = run_until(&mut world, &unit, hooks);
            if is_reached {
                lose(&mut world, &all, loss);
            }
            client.rest(&mut world, &writer);
            assert_whole(
                &format!("joining, {loss:?} after {hooks} hooks"),
                &writer.finish(),
            );
            assert_heals(&mut world, &all, &client);
            world.remove_unit(&unit);
            world.rest();
            count += 1;
            if !is_reached {
                break;
            }
        }
    }
    say(&format!("{count} lost disks of units that join"));
}

/// The unit that bootstraps the cluster loses its disk on the way: it does so again
/// as long as nobody was told of it, and never after.
pub(crate) fn while_it_is_bootstrapped() {
    let mut count = 0;
    for hooks in 0..HOOKS {
        if !takes_all() && !matches!(hooks, 4 | 7) {
            continue;
        }
        let mut world = World::new(options(programs()));
        let unit = world.deploy();
        let is_reached = run_until(&mut world, &unit, hooks);
        let relation = world.model.relation_ids("etcd", "cluster")[0];
        let was_told = world
            .model
            .app_bag(relation, "etcd")
            .contains_key("founded");
        lose_disk(&mut world, &unit);
        world.settle();
        world.full_pass();
        world.settle();
        let status = world.model.unit_status(unit.clone());
        let what = format!("after {hooks} hooks: {}", status.message);
        if was_told {
            assert_eq!(status.status, "blocked", "{what}");
            assert!(status.message.ends_with("is gone"), "{what}");
            let storage = world.model.storage_location(unit, "data").unwrap();
            assert!(!storage.join("etcd/member").exists(), "{what}");
        } else {
            assert_eq!(status.status, "active", "{what}");
            assert_own_data(&world, &[unit]);
        }
        count += 1;
        if !is_reached {
            break;
        }
    }
    say(&format!("{count} lost disks of units that found a cluster"));
}
