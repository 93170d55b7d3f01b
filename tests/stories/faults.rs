//! Hooks that fail or die half-way, and an etcd that does: the next run
//! completes what was begun, and nothing is left over or made twice.

use std::collections::BTreeSet;

use etcd_charm_world::juju::JujuVersion;
use etcd_charm_world::{Certificate, HookRun, Programs, UnitName, V0, World, service_of};

use crate::support::{
    Client, application_message, ask_v0, assert_serves, certificate, deployed, roles, trusted,
    users, world_of,
};

/// Asserts that the requirer is served, and that there are exactly the two
/// secrets for it that it was told of.
fn assert_whole(world: &mut World, app: &V0, shown: &Certificate, prefix: &str) {
    let told = world.told(app).expect("an answer");
    assert_serves(world, &told, shown, prefix);
    let relation = app.relation;
    let ours: BTreeSet<String> = world
        .model
        .secrets("etcd")
        .into_iter()
        .filter(|secret| {
            secret
                .description
                .ends_with(&format!("etcd-client:{}", relation.0))
        })
        .map(|secret| {
            assert_eq!(secret.grants.len(), 1, "{secret:?}");
            assert_eq!(secret.grants[0].relation, relation);
            secret.id
        })
        .collect();
    let end = |uri: &str| uri[uri.len() - 20..].to_owned();
    let named: BTreeSet<String> = [end(&told.user_uri), end(&told.tls_uri)].into();
    assert_eq!(ours, named);
}

/// Asserts that nothing of any client is left.
fn assert_clean(world: &World, unit: &UnitName) {
    assert_eq!(users(world, unit), ["root"]);
    assert_eq!(roles(world, unit), ["root"]);
    assert_eq!(world.model.secrets("etcd").len(), 1);
    assert_eq!(trusted(world, unit), 2);
}

fn failures(runs: &[HookRun]) -> usize {
    runs.iter().filter(|run| !run.succeeded()).count()
}

/// A call that reads, or writes for one relation, is made again within the hook, so
/// none has failed then.
pub(crate) fn reading_tools_fail_once_in_a_grant() {
    let tools = ["is-leader", "relation-get", "secret-get", "relation-ids"];
    failing_tools(&tools, 0);
}

pub(crate) fn writing_tools_fail_once_in_a_grant() {
    failing_tools(&["secret-add", "secret-grant", "relation-set"], 0);
}

pub(crate) fn the_log_fails_once_in_a_grant() {
    failing_tools(&["juju-log"], 1);
}

fn failing_tools(tools: &[&str], failed: usize) {
    let (mut world, unit) = deployed();
    let mut apps = Vec::new();
    for tool in tools {
        let shown = certificate(tool);
        let app = ask_v0(
            &mut world,
            &format!("app-{tool}"),
            &format!("/{tool}/"),
            &shown,
        );
        world
            .model
            .fail_tool_call(unit.clone(), *tool, 1, "ERROR connection is shut down");
        let runs = world.settle();
        let calls = runs.iter().flat_map(|run| &run.calls);
        let has_failed = calls.filter(|call| call.stderr.contains("shut down"));
        assert_eq!(has_failed.count(), 1, "{tool} is called");
        assert_eq!(failures(&runs), failed, "{tool}");
        assert_whole(&mut world, &app, &shown, &format!("/{tool}/"));
        apps.push((app, shown));
    }
    let told: Vec<_> = apps.iter().map(|(app, _)| world.told(app)).collect();
    world.rest();
    // At rest it is as it was published first, and nothing is there twice.
    for ((app, shown), told) in apps.iter().zip(told) {
        assert_eq!(world.told(app), told);
        assert_whole(&mut world, app, shown, &format!("/{}/", shown.common_name));
    }
    for (app, _) in &apps {
        world.model.remove_relation(app.relation);
    }
    world.rest();
    assert_clean(&world, &unit);
}

pub(crate) fn a_commit_fails(juju: JujuVersion) {
    let mut world = world_of(Programs::oldest(), juju);
    let unit = world.deploy();
    world.settle();
    let mut app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.model.fail_next_commit(unit.clone());
    let run = world.model.step().expect("a hook is due");
    assert!(run.commit_error.is_some());
    let kept = world.model.secrets("etcd").len() - 1;
    assert_eq!(kept, if juju == JujuVersion::V3_6 { 2 } else { 0 });
    assert_eq!(world.told(&app.requirer), None);
    world.settle();
    assert_whole(&mut world, &app.requirer, &app.shown, "/test/");
    let told = world.told(&app.requirer);
    // A rotation,
    let next = certificate("client1");
    app.requirer
        .set_certificate(&mut world.model, &next.certificate);
    world.model.fail_next_commit(unit.clone());
    let runs = world.settle();
    assert_eq!(failures(&runs), 1);
    assert_eq!(world.told(&app.requirer), told);
    assert_whole(&mut world, &app.requirer, &next, "/test/");
    // and the end.
    world.rest();
    app.leave(&mut world);
    while let Some(run) = world.model.step_unit(unit.clone()) {
        if run.name.ends_with("-departed") {
            break;
        }
    }
    world.model.fail_next_commit(unit.clone());
    let runs = world.settle();
    assert_eq!(failures(&runs), 1);
    world.rest();
    assert_clean(&world, &unit);
}

pub(crate) fn etcd_hangs() {
    let (mut world, unit) = deployed();
    world.rest();
    let starts = world.starts(&unit);
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    assert!(world.machines[&unit].pause_service(&service_of(&unit)));
    // It is nobody's fault, so no hook fails; and it is said.
    let runs = world.settle();
    assert_eq!(failures(&runs), 0);
    for run in &runs {
        assert!(
            run.duration.as_secs() < 30,
            "{} took {:?}",
            run.name,
            run.duration
        );
    }
    let status = world.model.unit_status(unit.clone());
    assert_eq!(status.status, "waiting", "{}", status.message);
    assert!(
        status.message.starts_with("waiting for etcd, see "),
        "{}",
        status.message
    );
    assert_eq!(world.told(&app.requirer), None);
    assert!(world.machines[&unit].resume_service(&service_of(&unit)));
    world.rest();
    assert_whole(&mut world, &app.requirer, &app.shown, "/test/");
    assert_eq!(world.model.unit_status(unit.clone()).status, "active");
    assert_eq!(application_message(&world), "");
    assert_eq!(world.starts(&unit), starts + 1);
}

pub(crate) fn the_machine_loses_power() {
    let (mut world, unit) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let before = world.told(&app.requirer);
    world.machines[&unit].power_off();
    world.power_on([&unit]);
    world.rest();
    assert_eq!(world.told(&app.requirer), before);
    assert_whole(&mut world, &app.requirer, &app.shown, "/test/");
}
