//! The environment of hooks, how they are started, and when.

use juju_simulator::{Charm, Deployment, Exit, Hook, UnitName};
use serde_json::json;

use crate::world::{Outcome, World, find, names_of, write_executable};

pub(crate) fn behaviour_01_remote_unit_is_present_but_empty() {
    let mut world = World::beside(1, 1);
    let relation = world.model.integrate("app:db", "pg:server");
    world
        .model
        .relation_set_app(relation, "pg", &[("key", "value")]);
    let mut runs = world.settle();
    world.model.remove_relation(relation);
    runs.extend(world.settle());

    let application_changed = runs
        .iter()
        .find(|run| {
            run.hook
                == Some(Hook::RelationChanged {
                    relation,
                    unit: None,
                })
        })
        .expect("the application's data was announced");
    let created = find(&runs, "app/0", "db-relation-created");
    let broken = find(&runs, "app/0", "db-relation-broken");
    for run in [created, application_changed, broken] {
        assert_eq!(run.variable("JUJU_REMOTE_UNIT"), Some(""), "{}", run.name);
        assert_eq!(run.variable("JUJU_REMOTE_APP"), Some("pg"), "{}", run.name);
        assert_eq!(
            run.variable("JUJU_RELATION_ID"),
            Some(format!("db:{relation}").as_str())
        );
    }
    let joined = find(&runs, "app/0", "db-relation-joined");
    assert_eq!(joined.variable("JUJU_REMOTE_UNIT"), Some("pg/0"));
    assert_eq!(
        find(&runs, "app/0", "start").variable("JUJU_REMOTE_UNIT"),
        None
    );
}

pub(crate) fn behaviour_02_departing_unit_only_in_departed() {
    let mut world = World::beside(1, 2);
    world.model.integrate("app:db", "pg:server");
    let mut runs = world.settle();
    world.model.remove_unit("pg/1");
    let departed = world.settle();
    assert_eq!(
        find(&departed, "app/0", "db-relation-departed").variable("JUJU_DEPARTING_UNIT"),
        Some("pg/1")
    );
    runs.extend(departed);
    world.model.remove_unit("app/0");
    let own = world.settle();
    let run = find(&own, "app/0", "db-relation-departed");
    assert_eq!(run.variable("JUJU_DEPARTING_UNIT"), Some("app/0"));
    assert_eq!(run.variable("JUJU_REMOTE_UNIT"), Some("pg/0"));
    runs.extend(own);
    for run in runs.iter().filter(|run| run.name != "db-relation-departed") {
        assert_eq!(run.variable("JUJU_DEPARTING_UNIT"), None, "{}", run.name);
    }
}

pub(crate) fn behaviour_03_secret_revision_only_in_remove_and_expired() {
    let (mut world, relation) = World::pair(1);
    world.run(
        "app/0",
        "secret-add --label mine --rotate daily password=one",
    );
    let own = world.model.secrets("app").remove(0).uri;
    let foreign = world.model.secret_add("pg", &[("password", "one")]);
    world.model.secret_grant("pg", &foreign, relation);
    world.call("app/0", &format!("secret-get {foreign} --label theirs"));
    world
        .model
        .secret_set("pg", &foreign, &[("password", "two")]);
    world.model.rotate(&own);
    world.model.expire(&own);
    let mut runs = world.settle();
    world.run("app/0", &format!("secret-set {own} password=two"));
    runs.extend(world.settle());

    let expired = find(&runs, "app/0", "secret-expired");
    assert_eq!(expired.variable("JUJU_SECRET_REVISION"), Some("1"));
    let removed = find(&runs, "app/0", "secret-remove");
    assert_eq!(removed.variable("JUJU_SECRET_REVISION"), Some("1"));
    assert_eq!(removed.variable("JUJU_SECRET_ID"), Some(own.as_str()));
    assert_eq!(removed.variable("JUJU_SECRET_LABEL"), Some("mine"));
    let rotate = find(&runs, "app/0", "secret-rotate");
    let changed = find(&runs, "app/0", "secret-changed");
    for run in [rotate, changed] {
        assert_eq!(run.variable("JUJU_SECRET_REVISION"), None, "{}", run.name);
    }
    assert_eq!(changed.variable("JUJU_SECRET_LABEL"), Some("theirs"));
    let order: Vec<_> = names_of(&runs, "app/0");
    assert_eq!(
        order,
        [
            "secret-expired",
            "secret-rotate",
            "secret-changed",
            "secret-remove"
        ]
    );
}

pub(crate) fn behaviour_04_an_action_has_an_empty_hook_name() {
    let mut world = World::deployed(1);
    let result = world.model.run_action("app/0", "go", json!({}));
    assert_eq!(result.run.variable("JUJU_HOOK_NAME"), Some(""));
    assert_eq!(
        result.run.variable("JUJU_DISPATCH_PATH"),
        Some("actions/go")
    );
    assert_eq!(result.run.variable("JUJU_ACTION_NAME"), Some("go"));
    let hook = world.model.run_hook("app/0", Hook::UpdateStatus);
    assert_eq!(
        hook.variable("JUJU_DISPATCH_PATH"),
        Some("hooks/update-status")
    );
    assert_eq!(hook.variable("JUJU_ACTION_NAME"), None);
}

pub(crate) fn behaviour_05_dispatch_runs_for_all_and_missing_is_success() {
    let mut world = World::new();
    world.deploy("app", 1);
    world.script("app", "update-status", "echo hook");
    world.script("app", "action", "echo action");
    world.settle();
    assert_eq!(
        world.model.run_hook("app/0", Hook::UpdateStatus).stdout,
        "hook\n"
    );
    assert_eq!(
        world.model.run_action("app/0", "go", json!({})).run.stdout,
        "action\n"
    );

    let directory = world.model.directory().join("charms/plain");
    write_executable(
        &directory.join("hooks/install"),
        "#!/bin/sh\necho by name\n",
    );
    std::fs::write(
        directory.join("metadata.yaml"),
        "name: plain\nactions: {go: {}}\n",
    )
    .expect("metadata");
    world
        .model
        .deploy_with("plain", Charm::at(&directory), Deployment::units(1));
    let runs = world.settle();
    assert_eq!(find(&runs, "plain/0", "install").stdout, "by name\n");
    let start = find(&runs, "plain/0", "start");
    assert!(start.skipped && start.succeeded());
    assert_eq!(start.variable("JUJU_DISPATCH_PATH"), Some("hooks/start"));
    let action = world.model.run_action("plain/0", "go", json!({}));
    assert_eq!(action.status, "failed");
    assert_eq!(action.message, "action not implemented on unit \"plain/0\"");
}

pub(crate) fn behaviour_06_usage_errors_exit_2_and_run_errors_exit_1() {
    let mut world = World::deployed(1);
    let usage = [
        (
            "is-leader --nope",
            "option provided but not defined: --nope",
        ),
        ("is-leader -q", "option provided but not defined: -q"),
        ("is-leader one two", "unrecognized args: [\"one\" \"two\"]"),
        ("config-get --format", "option needs an argument: --format"),
        (
            "config-get name --all",
            "cannot use argument --all together with key \"name\"",
        ),
        ("status-set", "invalid args, require <status> [message]"),
        (
            "status-set error",
            "invalid status \"error\", expected one of [maintenance blocked waiting active]",
        ),
        ("relation-set key=value", "no relation id specified"),
        ("relation-ids", "no endpoint name specified"),
        ("state-set haha", "expected \"key=value\", got \"haha\""),
        ("state-set =v", "expected \"key=value\", got \"=v\""),
        ("state-set a=1 a=2", "key \"a\" specified more than once"),
        ("juju-log", "no message specified"),
        ("network-get", "no arguments specified"),
    ];
    for (line, text) in usage {
        world.call("app/0", line).fails(2, text);
    }
    let run = [
        (
            "network-get nothing",
            "no network config found for binding \"nothing\"",
        ),
        ("state-get --strict five", "\"five\" not found"),
        ("action-get", "not running an action"),
        (
            "resource-get nothing",
            "could not download resource: resource \"nothing\" not found",
        ),
    ];
    for (line, text) in run {
        world.call("app/0", line).fails(1, text);
    }
    // Flags stand anywhere, and two hyphens end them.
    world
        .call("app/0", "config-get name --format=json")
        .prints("\"plain\"\n");
    world
        .call("app/0", "config-get --format json -- name")
        .prints("\"plain\"\n");
    let help = world.call("app/0", "config-get --help");
    assert!(
        help.exit_code == 0 && help.stdout.starts_with("Usage: config-get"),
        "{help:?}"
    );
}

pub(crate) fn behaviour_16_status_is_kept_when_the_hook_fails() {
    let mut world = World::deployed(1);
    let run = world.run(
        "app/0",
        "status-set active 'all good'\nstate-set key=value\nexit 3",
    );
    assert_eq!(run.exit, Exit::Code(3));
    assert!(!run.committed && run.changes.is_empty());
    let shown = world.model.unit_status("app/0");
    assert_eq!(
        (shown.status.as_str(), shown.message.as_str()),
        ("error", "hook failed: \"update-status\"")
    );
    world.settle();
    let kept = world.model.unit_status("app/0");
    assert_eq!(
        (kept.status.as_str(), kept.message.as_str()),
        ("active", "all good")
    );
    assert!(world.model.unit_state("app/0").is_empty());
}

pub(crate) fn behaviour_19_order_at_deploy() {
    let mut world = World::beside(2, 1);
    world.model.integrate("app:db", "pg:server");
    let runs = world.settle();
    let leader = names_of(&runs, "app/0");
    assert_eq!(leader[0], "install");
    let mut created = leader[1..3].to_vec();
    created.sort();
    assert_eq!(created, ["db-relation-created", "mates-relation-created"]);
    assert_eq!(leader[3..6], ["leader-elected", "config-changed", "start"]);
    assert!(
        leader[6..]
            .iter()
            .all(|name| name.ends_with("-joined") || name.ends_with("-changed")),
        "{leader:?}"
    );
    assert_eq!(leader.len(), 6 + 4);
    let other = names_of(&runs, "app/1");
    assert_eq!(other[3], "leader-settings-changed");
    assert!(!other.contains(&"leader-elected".to_owned()));

    let mut world = World::v4();
    world.deploy("app", 2);
    let runs = world.settle();
    assert_eq!(
        names_of(&runs, "app/1")[..4],
        [
            "install",
            "mates-relation-created",
            "config-changed",
            "start"
        ]
    );
    assert_eq!(world.model.leader("app"), Some(UnitName::from("app/0")));
}

pub(crate) fn files_of_a_charm_come_with_it_and_go_with_the_next() {
    let mut world = World::new();
    let file = world.model.directory().join("anywhere");
    std::fs::write(&file, "packed").expect("a file");
    let charm = world.charm("app", "");
    let with_file = charm.clone().with_file("extra", &file);
    let deployment = world.deployment(1);
    world.model.deploy_with("app", with_file, deployment);
    world.settle();
    assert_eq!(
        world.run("app/0", "cat \"$JUJU_CHARM_DIR/extra\"").stdout,
        "packed"
    );

    world.model.upgrade_charm("app", charm);
    assert_eq!(
        names_of(&world.settle(), "app/0"),
        ["upgrade-charm", "config-changed"]
    );
    let found = world.run("app/0", "ls \"$JUJU_CHARM_DIR\"").stdout;
    assert!(!found.contains("extra"), "{found}");
}
