//! etcd that does not answer, answers slowly, or has no leader: what hooks do
//! meanwhile, and how long they take.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{HookRun, Programs, UnitName, World, Writer, service_of};

use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, say, serving, serving_with,
};

/// The longest that a hook may take with a member silent: what Juju waits for
/// meanwhile, an operator waits for as well.
const BOUND: Duration = Duration::from_secs(15);

/// Full passes of all units; nobody fails, and nobody takes long.
fn passes(what: &str, world: &mut World, units: &[UnitName]) -> Vec<HookRun> {
    let mut runs = Vec::new();
    for unit in units {
        let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
        assert!(run.succeeded(), "{what}: {}", run.stderr);
        runs.push(run);
    }
    assert_bounded(what, &runs);
    runs
}

fn assert_bounded(what: &str, runs: &[HookRun]) {
    let longest = runs
        .iter()
        .max_by_key(|run| run.duration)
        .expect("a hook ran");
    say(&format!(
        "{what}: the longest of {} hooks was {} of {} with {:.1?}",
        runs.len(),
        longest.name,
        longest.unit,
        longest.duration
    ));
    assert!(longest.duration < BOUND, "{what}: {:?}", longest.duration);
}

/// One member of three is silent while a client comes. Hooks stay short, and the
/// client is served by one of the others once the member is given up.
pub(crate) fn one_member() {
    // A leader of this release that waits for an answer does not stop until it is killed.
    let (mut world, units, client) = serving_with(Programs::oldest(), 3);
    let leader = world.raft_leader(&units);
    let juju_leader = world.model.leader("etcd").unwrap();
    let silent = units
        .iter()
        .find(|unit| **unit != leader && **unit != juju_leader)
        .unwrap()
        .clone();
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let writer = client.writer(&mut world);
    assert!(world.machines[&silent].pause_service(&service_of(&silent)));
    passes("one of three silent", &mut world, &units);
    for unit in units.iter().filter(|unit| **unit != silent) {
        let status = world.model.unit_status(unit.clone());
        let text = format!("no answer from {silent}");
        assert!(status.message.contains(&text), "{}", status.message);
        assert_eq!(status.status, "active", "{}", status.message);
    }
    // The unit of the silent member cannot be reached either: nothing runs there.
    let second = Client::ask(&mut world, "second");
    let mut runs = Vec::new();
    let others = || units.iter().filter(|unit| **unit != silent);
    while let Some(run) = others().find_map(|unit| world.model.step_unit(unit.clone())) {
        assert!(run.succeeded(), "{}", run.stderr);
        runs.push(run);
    }
    assert_bounded("a client comes while one of three is silent", &runs);
    // Another restart would cost the majority for a moment, and the silent one may
    // be back before the client has noticed. What is said first is who is silent.
    assert_eq!(world.told(&second.requirer), None);
    let status = world.model.unit_status(juju_leader.clone());
    assert_eq!(status.status, "active", "{}", status.message);
    let first = format!("no answer from {silent}");
    assert!(status.message.starts_with(&first), "{}", status.message);
    // Where the status has no room for it, since this release has advisories.
    let told = world.run_action(&juju_leader, "health", serde_json::json!({}));
    assert_eq!(told.status, "completed", "{}", told.message);
    let told = told.results.to_string();
    assert!(told.contains("new clients wait"), "{told}");
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(now, starts);

    // It does not come back by itself: one member restarts, once, and serves the
    // client, who has nowhere else to go as long as none can be lost.
    let alive: Vec<_> = others().cloned().collect();
    // A writer that does not lose time over the silent one sees how long that takes.
    let mut told = client.told(&mut world);
    let gone = format!("{}:2379", world.model.address(silent.clone()));
    let endpoints: Vec<_> = told.endpoints.split(',').filter(|at| *at != gone).collect();
    told.endpoints = endpoints.join(",");
    let pausing = Writer::begin(&told, &client.shown, &client.prefix);
    for _ in 0..2 {
        passes(
            "a client waits while one of three is silent",
            &mut world,
            &alive,
        );
        while let Some(run) = others().find_map(|unit| world.model.step_unit(unit.clone())) {
            assert!(run.succeeded(), "{}", run.stderr);
        }
    }
    assert_whole(
        "a client is let in while one of three is silent",
        &pausing.finish(),
    );
    let told = second.told(&mut world);
    assert_eq!(told.endpoints.split(',').count(), 1, "{}", told.endpoints);
    let etcdctl = world.follow(&told, &second.shown);
    assert!(etcdctl.run(&["put", "/second/a", "1"]).ok);
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let restarted: u32 = now.iter().sum();
    assert_eq!(
        restarted,
        starts.iter().sum::<u32>() + 1,
        "it paused more than once"
    );
    let of_leader = units.iter().position(|unit| *unit == leader).unwrap();
    assert_eq!(now[of_leader], starts[of_leader], "the leader paused");

    assert!(world.machines[&silent].resume_service(&service_of(&silent)));
    client.rest(&mut world, &writer);
    assert_whole("one of three silent", &writer.finish());
    let told = second.told(&mut world);
    assert_eq!(told.endpoints.split(',').count(), 3, "{}", told.endpoints);
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

/// One member of three is silent for a while, and then is back: no client is
/// told anything, since each knows all members and finds one that answers.
pub(crate) fn costs_clients_nothing() {
    let (mut world, units, client) = serving(3);
    let other = Client::ask(&mut world, "other");
    world.rest();
    let told = [&client, &other].map(|client| client.told(&mut world));
    assert!(
        told.iter()
            .all(|told| told.endpoints.matches(',').count() == 2)
    );
    // What Juju would tell requirers of: a databag, or a revision of a secret.
    let all_told = |world: &World| {
        let clients = [&client, &other].into_iter();
        let bags = clients.map(|client| world.model.app_bag(client.requirer.relation, "etcd"));
        let secrets = world.model.secrets("etcd").into_iter();
        let revisions = secrets.map(|secret| (secret.id, secret.revisions));
        (bags.collect::<Vec<_>>(), revisions.collect::<Vec<_>>())
    };
    let before = all_told(&world);
    let leader = world.raft_leader(&units);
    let silent = units.iter().rfind(|unit| **unit != leader).unwrap();
    assert!(world.machines[silent].pause_service(&service_of(silent)));
    let others: Vec<UnitName> = units
        .iter()
        .filter(|unit| *unit != silent)
        .cloned()
        .collect();
    for _ in 0..2 {
        passes("one of three silent, told to nobody", &mut world, &others);
    }
    let status = world.model.unit_status(others[0].clone()).message;
    assert!(status.contains(silent.as_str()), "{status}");
    assert_eq!(all_told(&world), before, "during the outage");
    assert!(world.machines[silent].resume_service(&service_of(silent)));
    assert_caught_up(&world, &units);
    world.full_pass();
    world.full_pass();
    assert_eq!(all_told(&world), before, "after the outage");
}

/// Two of three are silent, so no member leads: the charm waits, says why, and
/// does nothing. All goes on when they are back.
pub(crate) fn no_leader() {
    let (mut world, units, client) = serving(3);
    let before = client.told(&mut world);
    let starts: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let writer = client.writer(&mut world);
    for unit in &units[..2] {
        assert!(world.machines[unit].pause_service(&service_of(unit)));
    }
    // The last one notices after an election time.
    thread::sleep(Duration::from_secs(3));
    let second = Client::ask(&mut world, "second");
    let leader = world.model.leader("etcd").unwrap();
    let asked: Vec<UnitName> = [leader.clone(), units[2].clone()].into();
    passes("two of three silent", &mut world, &asked);
    let run = world.model.step_unit(leader).expect("the client is news");
    assert!(run.succeeded(), "{}", run.stderr);
    assert_bounded("a client comes while two of three are silent", &[run]);
    for unit in &asked {
        let status = world.model.unit_status(unit.clone());
        assert_ne!(status.status, "active", "{unit}: {}", status.message);
        say(&format!(
            "two of three silent: {unit} {}: {}",
            status.status, status.message
        ));
    }
    assert_eq!(world.told(&second.requirer), None);
    assert_eq!(client.told(&mut world), before);
    for unit in &units[..2] {
        assert!(world.machines[unit].resume_service(&service_of(unit)));
    }
    let now: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    assert_eq!(now, starts, "nothing was restarted meanwhile");
    client.rest(&mut world, &writer);
    assert_whole("two of three silent", &writer.finish());
    assert_eq!(client.told(&mut world), before);
    assert_eq!(second.told(&mut world).endpoints, before.endpoints);
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

/// Every member is slow: it runs for a fifth of the time only.
pub(crate) fn slow() {
    let (mut world, units, client) = serving(3);
    let writer = client.writer(&mut world);
    let is_over = AtomicBool::new(false);
    let machines = std::mem::take(&mut world.machines);
    let second = Client::ask(&mut world, "second");
    let runs = thread::scope(|scope| {
        for (unit, machine) in &machines {
            let (name, is_over) = (service_of(unit), &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    // A restart may be under way; then there is nothing to halt.
                    machine.pause_service(&name);
                    thread::sleep(Duration::from_millis(80));
                    machine.resume_service(&name);
                    thread::sleep(Duration::from_millis(20));
                }
                machine.resume_service(&name);
            });
        }
        let runs = world.model.settle(200);
        is_over.store(true, Ordering::SeqCst);
        runs.expect("slow members let hooks come to an end")
    });
    world.machines = machines;
    assert!(runs.iter().all(HookRun::succeeded));
    client.rest(&mut world, &writer);
    assert_whole("all members slow", &writer.finish());
    let longest = runs.iter().map(|run| run.duration).max();
    say(&format!(
        "all members slow: {} hooks, the longest {longest:.1?}",
        runs.len()
    ));
    assert_eq!(second.told(&mut world).endpoints.split(',').count(), 3);
    assert_healthy(&world, &units);
}
