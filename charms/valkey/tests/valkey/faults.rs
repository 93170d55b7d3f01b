//! A hook may be killed at any call; the next one makes it good.

use juju_simulator::UnitName;

use crate::programs::Programs;
use crate::world::World;

/// Kills the hook that serves a client after each of its calls in turn, and then
/// the one that ends its access. Whatever came before, the end is the same.
pub(crate) fn a_hook_killed_at_any_tool_is_made_good() {
    let mut world = World::with_units(Programs::newest(), 50, 1);
    let unit = UnitName::from("valkey/0");
    let relation = world.ask("app", &["app:*"]);
    let runs = world.settle();
    let most = runs.iter().map(|run| run.calls.len()).max().expect("hooks");
    assert!(most > 10, "{most}");
    world.model.remove_relation(relation);
    world.settle();
    let idle = world.users(&unit, "server");
    for call in 1..=most {
        let relation = world.ask("app", &["app:*"]);
        world.model.kill_after_tool_call(unit.clone(), call);
        world.settle();
        let answer = world.answer(relation);
        let access = world.access("app", &answer);
        let endpoint = answer["endpoints"].as_str().unwrap().to_owned();
        world.connect(&endpoint, &access);
        world.model.kill_before_tool_call(unit.clone(), call);
        world.model.remove_relation(relation);
        world.settle();
        assert_eq!(world.users(&unit, "server"), idle, "killed at call {call}");
        assert_eq!(
            world.users(&unit, "sentinel").len(),
            4,
            "killed at call {call}"
        );
        assert!(world.try_connect(&endpoint, &access).is_err());
    }
    let relation = world.ask("app", &["app:*"]);
    world.model.fail_next_commit(unit);
    world.settle();
    world.connect_as("app", relation);
    world.model.remove_relation(relation);
    world.settle();
    let left = world.model.secrets("valkey").len();
    assert_eq!(left, 1, "no secret is left of any client");
}

/// The same while the first unit comes up.
pub(crate) fn a_start_killed_at_any_tool_is_made_good() {
    let mut world = World::deployed(Programs::oldest(), 51, &[]);
    let unit = UnitName::from("valkey/0");
    for call in [2, 4, 6, 8, 9, 10, 11, 12, 13, 14] {
        world.model.kill_after_tool_call(unit.clone(), call);
        let _ = world.model.step();
    }
    world.settle();
    world.model.mend_tools(unit.clone());
    world.update_status(&unit);
    assert_eq!(world.status("valkey/0"), "active: primary");
    let relation = world.ask("app", &["app:*"]);
    world.settle();
    world.connect_as("app", relation);
}

/// A sample of the same with three units, where others look and act as well.
pub(crate) fn a_hook_of_three_units_killed_at_any_tool_is_made_good() {
    let mut world = World::with_units(Programs::newest(), 52, 3);
    let leader = world.model.leader("valkey").unwrap();
    let follower = world.units().into_iter().find(|unit| *unit != leader);
    let follower = follower.unwrap();
    for call in [3, 7, 11, 14, 16, 18, 20] {
        let relation = world.ask("app", &["app:*"]);
        world.model.kill_after_tool_call(leader.clone(), call);
        world.model.kill_before_tool_call(follower.clone(), call);
        world.settle();
        let answer = world.answer(relation);
        let access = world.access("app", &answer);
        for key in ["endpoints", "read-only-endpoints", "sentinel-endpoints"] {
            for endpoint in crate::cluster::list(&answer, key) {
                world.connect(endpoint, &access);
            }
        }
        world.model.kill_before_tool_call(leader.clone(), call);
        world.model.kill_after_tool_call(follower.clone(), call);
        world.model.remove_relation(relation);
        world.settle();
        for unit in world.units() {
            for node in ["server", "sentinel"] {
                let users = world.users(&unit, node);
                let left = users.iter().any(|user| user.starts_with("relation-"));
                assert!(!left, "killed at call {call}: {unit} {node}: {users:?}");
            }
        }
    }
    // The faults that met no call.
    world.model.mend_tools(leader);
    world.model.mend_tools(follower);
    assert_eq!(world.model.secrets("valkey").len(), 1);
    // The same while a unit hands over and goes.
    let relation = world.ask("app", &["app:*"]);
    world.settle();
    let endpoint = world.answer(relation)["endpoints"]
        .as_str()
        .unwrap()
        .to_owned();
    let primary = crate::cluster::primary_of(&world, &endpoint);
    world.model.kill_after_tool_call(primary.clone(), 5);
    world.model.remove_unit(primary);
    world.settle();
    world.wait_until(40, "another is told", |world| {
        world.update_status_all();
        let answer = world.answer(relation);
        answer["endpoints"].as_str() != Some(&endpoint)
            && crate::cluster::list(&answer, "read-only-endpoints").len() == 1
    });
}
