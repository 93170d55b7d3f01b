//! The majority is gone for good, and the cluster begins anew from what is left.

use etcd_charm_world::{Programs, UnitName, World};
use serde_json::{Value, json};

use crate::actions::{done, refused};
use crate::majority::look_after;
use crate::snapshot::file;
use crate::support::{Client, newest, newest_world, three_of, users};

fn member<'r>(results: &'r Value, name: &str) -> &'r Value {
    &results["members"][name]
}

fn assert_members(world: &World, unit: &UnitName, count: usize) {
    let members = world.admin(unit).json(&["member", "list"]);
    let members = members["members"].as_array().unwrap();
    assert_eq!(members.len(), count, "{members:?}");
    assert!(members.iter().all(|member| member["isLearner"].is_null()));
}

/// Lets this unit's hooks run, and no other's: their machines are off.
fn step(world: &mut World, unit: &UnitName) {
    while let Some(run) = world.model.step_unit(unit.clone()) {
        assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
    }
}

pub(crate) fn from_one_of_three(programs: Programs) {
    let (mut world, units) = three_of(programs);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let _told = app.assert_served(&mut world);
    let client = world.client(&units[0], &app.shown);
    assert!(client.run(&["put", "/test/last", "acknowledged"]).ok);

    // While all is well there is nothing to rebuild.
    let reason = refused(&mut world, &units[0], "rebuild-cluster confirm=true");
    assert!(
        reason.starts_with("the cluster has its majority"),
        "{reason}"
    );

    world.power_off(&units[1..]);
    look_after(&mut world, &units[0]);
    let starts = world.starts(&units[0]);
    let result = world
        .model
        .run_action(units[0].clone(), "rebuild-cluster", json!({}));
    assert_eq!(result.status, "failed");
    assert!(
        result.message.ends_with("run it with confirm=true"),
        "{}",
        result.message
    );
    let own = member(&result.results, "etcd-0");
    assert_eq!(
        (&own["answers"], &own["chosen"]),
        (&json!("true"), &json!("true"))
    );
    let other = member(&result.results, "etcd-1");
    assert_eq!(
        (&other["answers"], &other["chosen"]),
        (&json!("false"), &json!("false"))
    );
    assert_eq!(world.starts(&units[0]), starts);

    let results = done(&mut world, &units[0], "rebuild-cluster confirm=true");
    let own = member(&results, "etcd-0");
    for key in ["term", "index", "revision"] {
        assert!(
            own[key].as_str().unwrap().parse::<u64>().unwrap() > 0,
            "{results}"
        );
    }
    assert_eq!(own["address"], world.url(&units[0]));
    let path = results["snapshot"]["path"].as_str().unwrap();
    assert!(file(&world, &units[0], path).is_file());
    assert_members(&world, &units[0], 1);
    let client = world.client(&units[0], &app.shown);
    assert_eq!(client.value("/test/last"), "acknowledged");
    assert!(client.run(&["put", "/test/last", "rebuilt"]).ok);

    // The others come back, both at once, with the old cluster on their disks:
    // two of three are its majority, until the first hook.
    world.power_on(&units[1..]);
    world.rest();
    assert_members(&world, &units[2], 3);
    for unit in &units {
        assert_eq!(world.model.unit_status(unit.clone()).status, "active");
        let client = world.client(unit, &app.shown);
        assert_eq!(client.value("/test/last"), "rebuilt");
    }
    assert_eq!(users(&world, &units[1]), ["client1", "root"]);
    app.assert_served(&mut world);
    assert_eq!(
        world.model.app_bag(app.requirer.relation, "etcd")["endpoints"]
            .split(',')
            .count(),
        3
    );
}

/// The leader's own member has less than another that survived; and what comes
/// back from the dead joins the new cluster.
pub(crate) fn takes_the_newest_of_five() {
    let mut world = newest_world();
    let mut units = vec![world.deploy()];
    for _ in 1..5 {
        units.push(world.add_unit());
    }
    world.rest();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    assert!(world.model.is_leader(units[0].clone()));
    // The leader's member hears nothing of what is written now.
    let service = etcd_charm_world::service_of(&units[0]);
    assert!(world.machines[&units[0]].pause_service(&service));
    let client = world.client(&units[4], &app.shown);
    for number in 0..20 {
        // The paused member may have led.
        client.insist(&["put", "/test/n", &number.to_string()]);
    }
    world.power_off(&units[1..4]);
    assert!(world.machines[&units[0]].resume_service(&service));
    // One that is cut off may still hear what it missed, but not from the dead.
    look_after(&mut world, &units[0]);
    let results = done(&mut world, &units[0], "rebuild-cluster confirm=true");
    let rank = |name: &str| {
        let member = member(&results, name);
        let number = |key: &str| member[key].as_str().unwrap().parse::<u64>().unwrap();
        (number("term"), number("index"))
    };
    let chosen = |name: &str| member(&results, name)["chosen"] == "true";
    assert!(chosen("etcd-0") != chosen("etcd-4"), "{results}");
    let (best, other) = match chosen("etcd-4") {
        true => ("etcd-4", "etcd-0"),
        false => ("etcd-0", "etcd-4"),
    };
    assert!(rank(best) >= rank(other), "{results}");
    let client = world.client(&units[0], &app.shown);
    assert_eq!(client.value("/test/n"), "19");
    step(&mut world, &units[0]);

    world.power_on(&units[1..4]);
    world.rest();
    assert_members(&world, &units[1], 5);
    app.assert_served(&mut world);
    let client = world.client(&units[3], &app.shown);
    assert_eq!(client.value("/test/n"), "19");
}

pub(crate) fn uses_data_at_rest_when_told_to() {
    let (mut world, units) = three_of(newest());
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let client = world.client(&units[0], &app.shown);
    // etcd writes down that an entry is agreed on together with the next one,
    // so the very last may be missing.
    for key in ["/test/kept", "/test/last"] {
        assert!(client.run(&["put", key, "acknowledged"]).ok);
    }
    world.power_off(&units);
    world.power_on([&units[0]]);
    step(&mut world, &units[0]);
    look_after(&mut world, &units[0]);
    let reason = refused(&mut world, &units[0], "rebuild-cluster confirm=true");
    assert!(reason.starts_with("no member answers"), "{reason}");
    done(
        &mut world,
        &units[0],
        "rebuild-cluster confirm=true use-own-data=true",
    );
    let client = world.client(&units[0], &app.shown);
    assert_eq!(client.value("/test/kept"), "acknowledged");
    world.power_on(&units[1..]);
    world.rest();
    assert_members(&world, &units[2], 3);
    app.assert_served(&mut world);
}
