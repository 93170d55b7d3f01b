//! Hook tools that refuse, that hang, and that say what nobody has heard before.

use etcd_charm_world::juju::{Call, Hook};

use crate::support::{Client, deployed, deployed_of, newest, three_of, world};

pub(crate) fn a_neighbour_has_the_port() {
    let mut world = world();
    let unit = world.deploy();
    world.model.open_port_of_neighbour(unit.clone(), 2379);
    world.settle();
    let said = "set client-port: another unit on this machine uses port 2379";
    let message = world.model.unit_status(unit.clone()).message;
    assert!(message.starts_with(said), "{message}");
    // It serves all the same, and an event on a relation leaves the status.
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    app.assert_served(&mut world);
    let message = world.model.unit_status(unit.clone()).message;
    assert!(message.starts_with(said), "{message}");

    world.model.set_config("etcd", "client-port", 2479);
    world.rest();
    assert_eq!(world.model.open_ports(unit.clone()), ["2479/tcp"]);
    let status = world.model.unit_status(unit);
    assert!(!status.message.contains("port"), "{}", status.message);
}

/// A call that never ends costs half a minute, and each after it a few seconds.
pub(crate) fn hang_and_the_unit_goes_on() {
    let (mut world, unit) = deployed();
    for tool in ["opened-ports", "status-set"] {
        world
            .model
            .hang_tool_call(unit.clone(), Call::each(tool, ""));
    }
    let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
    assert!(!run.timed_out, "the hook hangs with its tools");
    assert!(run.duration.as_secs() < 60, "{:?}", run.duration);
    // What the hook can do without is only said.
    let said = "failed to run `opened-ports --format=json`: no answer within 30 s";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    let last = "failed to run `status-set --application=false active`: no answer within 3 s";
    assert!(run.stderr.contains(last), "{}", run.stderr);
    world.model.mend_tools(unit);
    world.rest();
}

pub(crate) fn say_the_version_again_after_a_new_unit() {
    let (mut world, _) = three_of(newest());
    let version = newest().version;
    assert_eq!(world.model.workload_version("etcd"), version);
    world.add_unit();
    assert_eq!(world.model.workload_version("etcd"), "");
    world.rest();
    assert_eq!(world.model.workload_version("etcd"), version);
}

/// Whoever has read a secret is told of each new revision, its owner as well.
pub(crate) fn tell_the_leader_nothing_of_its_own_secrets() {
    let (mut world, unit) = deployed_of(newest());
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    world.add_unit();
    let runs = world.rest();
    let told = app.told(&mut world);
    let secrets = world.model.secrets("etcd");
    let user = secrets
        .iter()
        .find(|secret| secret.uri == told.user_uri)
        .expect("it is there");
    let latest = user.revisions.keys().next_back();
    assert!(latest > Some(&1), "the endpoints stand in it: {user:?}");
    assert!(!user.tracked.contains_key(&unit), "{:?}", user.tracked);
    for run in &runs {
        let own = secrets.iter().find(|secret| {
            run.name == "secret-changed"
                && run
                    .variable("JUJU_SECRET_ID")
                    .is_some_and(|id| id.ends_with(&secret.id))
        });
        assert!(own.is_none(), "{} is told of {own:?}", run.unit);
    }
}
