//! A unit that is lost holds up nobody, and cannot become the primary before it has
//! what was given without it.

use std::time::{Duration, Instant};

use juju_simulator::UnitName;
use serde_json::json;

use crate::cluster::{Client, list, primary_of, served};
use crate::programs::Programs;
use crate::world::{World, service};

fn priority(world: &World, unit: &UnitName) -> String {
    let mut operator = world.operator(unit, "server");
    let value = world.call(&mut operator, &["CONFIG", "GET", "replica-priority"]);
    value.unwrap().texts().nth(1).unwrap().to_owned()
}

/// What the sentinel of a unit says of the replica at an address.
fn seen(world: &World, by: &UnitName, host: &str, key: &str) -> Option<String> {
    let mut sentinel = world.operator(by, "sentinel");
    let replicas = ["SENTINEL", "REPLICAS", "primary"];
    let replicas = world.done(&mut sentinel, &replicas);
    let mut replicas = replicas.items().iter();
    let replica = replicas.find(|replica| replica.field("ip").unwrap().text() == Some(host))?;
    Some(replica.field(key)?.text()?.to_owned())
}

fn until(seconds: u64, what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(seconds);
    while !so() {
        assert!(Instant::now() < deadline, "not in {seconds} s: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn a_lost_unit_is_not_waited_for_and_is_no_primary_before_it_has_all_users() {
    let mut world = World::with_units(Programs::newest(), 95, 3);
    let first = Client::new(&mut world);
    let primary = primary_of(&world, &first.endpoint(&world));
    let leader = world.model.leader("valkey").unwrap();
    let units = world.units();
    let is_neither = |unit: &&UnitName| **unit != primary && **unit != leader;
    let away = units.iter().rfind(is_neither).unwrap().clone();
    let here = units.iter().filter(|unit| **unit != away);
    let here: Vec<_> = here.cloned().collect();
    let may_be = |unit: &UnitName| priority(&world, unit) == "100";
    assert!(units.iter().all(may_be));
    world.machines[&away].power_off();
    let host = world.model.address(away.clone());
    until(20, "it is lost", || {
        let flags = seen(&world, &here[0], &host, "flags");
        flags.is_some_and(|flags| flags.contains("s_down"))
    });
    let begun = Instant::now();
    let relation = world.ask("late", &["late:*"]);
    world.heed_watchers_of(&here);
    assert!(world.answers(relation).is_empty(), "it may be a hiccup");
    until(60, "it is served", || {
        world.heed_watchers_of(&here);
        !world.answers(relation).is_empty()
    });
    let answer = world.answer(relation);
    crate::say(&format!(
        "with one of three units lost since a moment ago, a client is served in {:.1?}",
        begun.elapsed()
    ));
    let late = world.access("late", &answer);
    assert_eq!(list(&answer, "read-only-endpoints").len(), 1);
    assert_eq!(list(&answer, "sentinel-endpoints").len(), 2);
    let told = ["endpoints", "read-only-endpoints", "sentinel-endpoints"];
    for endpoint in told.iter().flat_map(|key| list(&answer, key)) {
        world.connect(endpoint, &late);
    }
    let status = world.status(&leader.to_string());
    let lost = format!("; {away} is lost, and is not waited for");
    assert!(status.ends_with(&lost), "{status}");
    // It comes back, and no hook runs on it yet: it follows, and lacks the user.
    world.machines[&away].power_on();
    for by in &here {
        until(30, "it follows", || follows(&world, by, &host));
    }
    assert!(!world.users(&away, "server").contains(&late.user));
    assert_eq!(priority(&world, &away), "0");
    // Now the primary is lost: of the two others, this one is not chosen.
    let told = answer["endpoints"].as_str().unwrap();
    lose_the_primary(&mut world, &primary, &here, &first, told);
    world.connect(&first.endpoint(&world), &late);
    // Its own hook, or the leader's, gives it the users, and then it may.
    world.machines[&primary].power_on();
    world.wait_until(40, "all are there again", |world| {
        list(&world.answer(relation), "read-only-endpoints").len() == 2
    });
    world.update_status_all();
    for unit in world.units() {
        for node in ["server", "sentinel"] {
            assert!(world.users(&unit, node).contains(&late.user), "{unit}");
        }
        assert_eq!(priority(&world, &unit), "100", "{unit}");
    }
}

/// Whether the sentinel of a unit, which asks every ten seconds, sees the server at this
/// host follow and not be chosen.
fn follows(world: &World, by: &UnitName, host: &str) -> bool {
    let says = |key| seen(world, by, host, key);
    says("master-link-status").as_deref() == Some("ok")
        && says("flags").as_deref() == Some("slave")
        && says("slave-priority").as_deref() == Some("0")
}

/// The machine of the primary is lost; the other of these units takes its place, and a
/// client that was told of the primary is told of that one.
fn lose_the_primary(
    world: &mut World,
    primary: &UnitName,
    here: &[UnitName],
    first: &Client,
    told: &str,
) {
    let leader = world.model.leader("valkey").unwrap();
    world.machines[primary].power_off();
    let other = here.iter().find(|unit| *unit != primary).unwrap().clone();
    if leader == *primary {
        world.model.set_leader("valkey", other.clone());
    }
    // Two sentinels that both begin at once try again after 20 s.
    let deadline = Instant::now() + Duration::from_secs(100);
    while world.answer(first.relation)["endpoints"].as_str() == Some(told) {
        assert!(Instant::now() < deadline, "{}", world.logs());
        world.heed_watchers_of(std::slice::from_ref(&other));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(primary_of(world, &first.endpoint(world)), other);
}

/// A unit that sees no majority stands back by itself, without Juju.
pub(crate) fn a_unit_that_is_cut_off_stands_back() {
    let mut world = World::with_units(Programs::newest(), 96, 3);
    world.model.set_config("valkey", "down-after", json!(500));
    world.settle();
    let client = Client::new(&mut world);
    let primary = primary_of(&world, &client.endpoint(&world));
    let units = world.units();
    let alone = units
        .iter()
        .rfind(|unit| **unit != primary)
        .unwrap()
        .clone();
    let each = |world: &World, pause: bool| {
        for unit in units.iter().filter(|unit| **unit != alone) {
            for node in ["sentinel", "server"] {
                let name = service(unit, node);
                match pause {
                    true => world.machines[unit].pause_service(&name),
                    false => world.machines[unit].resume_service(&name),
                };
            }
        }
    };
    each(&world, true);
    until(20, "it stands back", || priority(&world, &alone) == "0");
    each(&world, false);
    world.wait_until(60, "it is a choice again", |world| {
        world.update_status_all();
        priority(world, &alone) == "100"
            && list(&world.answer(client.relation), "read-only-endpoints").len() == 2
    });
}

/// Two sentinels of three answer too late for a hook, on a busy machine for
/// instance. The servers are well, so that nobody has a reason to choose another.
pub(crate) fn sentinels_that_are_slow_move_no_primary() {
    let (mut world, client) = served(97, 3);
    let before = client.endpoint(&world);
    let leader = world.model.leader("valkey").unwrap();
    let mut slow = world.units();
    slow.retain(|unit| *unit != leader);
    for unit in &slow {
        world.machines[unit].pause_service(&service(unit, "sentinel"));
    }
    world.update_status(&leader);
    for unit in &slow {
        world.machines[unit].resume_service(&service(unit, "sentinel"));
    }
    world.update_status_all();
    assert_eq!(client.endpoint(&world), before);
}

/// A hook asks while the sentinels are too slow for it, and then nothing changes that
/// they could tell of. What it left undone is tried again all the same.
pub(crate) fn a_hook_that_came_too_early_is_tried_again() {
    let mut world = World::with_units(Programs::newest(), 99, 3);
    let down_after = json!(30_000);
    world.model.set_config("valkey", "down-after", down_after);
    world.settle();
    world.heed_watchers();
    let leader = world.model.leader("valkey").unwrap();
    let mut slow = world.units();
    slow.retain(|unit| *unit != leader);
    for unit in &slow {
        world.machines[unit].pause_service(&service(unit, "sentinel"));
    }
    let relation = world.ask("early", &["early:*"]);
    world.heed_watchers_of(std::slice::from_ref(&leader));
    assert!(world.answers(relation).is_empty());
    let status = world.status(&leader.to_string());
    assert!(
        status.starts_with("waiting: waiting for a primary"),
        "{status}"
    );
    for unit in &slow {
        world.machines[unit].resume_service(&service(unit, "sentinel"));
    }
    until(30, "it is served", || {
        world.heed_watchers();
        !world.answers(relation).is_empty()
    });
    let status = world.status(&leader.to_string());
    assert!(status.starts_with("active: "), "{status}");
}

/// Two units of four hang: they take connections, and say nothing. All are asked at the
/// same time, so that a hook takes the time that one of them may take.
pub(crate) fn units_that_do_not_answer_cost_one_time_limit() {
    let (mut world, client) = served(98, 4);
    let primary = primary_of(&world, &client.endpoint(&world));
    let leader = world.model.leader("valkey").unwrap();
    let mut hang = world.units();
    hang.retain(|unit| *unit != leader && *unit != primary);
    hang.truncate(2);
    let quick = world.update_status(&leader).duration;
    let each = |world: &World, pause: bool| {
        for (unit, node) in hang
            .iter()
            .flat_map(|unit| [(unit, "server"), (unit, "sentinel")])
        {
            let (machine, name) = (&world.machines[unit], service(unit, node));
            match pause {
                true => machine.pause_service(&name),
                false => machine.resume_service(&name),
            };
        }
    };
    each(&world, true);
    let slow = world.update_status(&leader).duration;
    each(&world, false);
    crate::say(&format!(
        "update-status of four units: {quick:.1?}, and {slow:.1?} while two of them hang"
    ));
    // One after the other, the four nodes would take 12 s each time that they are asked.
    assert!(slow < quick + Duration::from_secs(8), "{slow:?}");
    world.wait_until(60, "all are there again", |world| {
        list(&world.answer(client.relation), "read-only-endpoints").len() == 3
    });
}
