//! Faults that a test can plant, and worlds that are out of the ordinary.

use std::time::Duration;

use juju_simulator::{AgentState, Charm, Exit, Hook, Options, RemoteSide};

use crate::world::{METADATA, Outcome, World, find, names_of};

pub(crate) fn faults_fail_kill_and_lose() {
    let mut world = World::deployed(2);
    world
        .model
        .fail_tool_call("app/0", "state-get", 1, "ERROR connection is shut down\n");
    let failed = world.call("app/0", "state-get");
    failed.fails(1, "connection is shut down");
    assert_eq!(
        world.call("app/0", "state-get").exit_code,
        0,
        "one call fails, not more"
    );

    world.model.kill_after_tool_call("app/0", 2);
    let run = world.run(
        "app/0",
        "state-set a=b; status-set active; status-set blocked",
    );
    assert_eq!((run.exit, run.calls.len()), (Exit::Signal(9), 2));
    assert_eq!(
        world.model.agent_state("app/0"),
        AgentState::Error(Hook::UpdateStatus)
    );
    world.settle();
    assert_eq!(world.model.unit_status("app/0").status, "active");
    assert!(world.model.unit_state("app/0").is_empty());
    world.model.kill_before_tool_call("app/0", "status-set");
    let run = world.run("app/0", "status-set blocked");
    assert_eq!((run.exit, run.calls.len()), (Exit::Signal(9), 0));
    world.settle();
    assert_eq!(world.model.unit_status("app/0").status, "active");

    let peers = world.model.relation_ids("app", "mates")[0];
    world
        .model
        .lose_leadership_after_call("app/0", "relation-set");
    let run = world.run(
        "app/0",
        &format!("relation-set -r {peers} --app a=b; is-leader"),
    );
    run.calls[1].prints("False\n");
    assert!(
        run.commit_error
            .is_some_and(|error| error.contains("is not leader of"))
    );
    assert!(world.model.app_bag(peers, "app").is_empty());
}

pub(crate) fn faults_stay_until_they_are_mended() {
    let mut world = World::deployed(1);
    let about = juju_simulator::Call::each("state-get", "bad");
    world
        .model
        .fail_tool_call("app/0", about, 1, "ERROR any text\n");
    for _ in 0..2 {
        let run = world.run("app/0", "state-get good; state-get bad; state-get bad");
        assert_eq!(run.calls[0].exit_code, 0);
        run.calls[1].fails(1, "any text");
        run.calls[2].fails(1, "any text");
    }
    world.model.mend_tools("app/0");
    assert_eq!(world.call("app/0", "state-get bad").exit_code, 0);

    world.model.hang_tool_call("app/0", "state-get");
    let run = world.run(
        "app/0",
        "timeout 0.2 state-get a || echo $?; state-get a; status-set active",
    );
    assert_eq!((run.stdout.as_str(), run.calls.len()), ("124\n", 3));
    assert!(run.committed, "the hook goes on when it gives the tool up");
}

pub(crate) fn a_commit_can_refuse_a_grant_over_one_relation() {
    let mut world = World::new();
    world.deploy("app", 1);
    world.puppet("client", 1);
    let relation = world.model.integrate("app:server", "client:db");
    world.settle();
    let grant = format!("secret-grant $(secret-add key=one) -r {relation}");
    world.model.refuse_grants(relation, Some("any text"));
    let run = world.run("app/0", &grant);
    let error = run.commit_error.expect("it is refused");
    assert!(error.ends_with("granting secrets: any text"), "{error}");
    world.model.refuse_grants(relation, None);
    world.settle();
    assert!(world.run("app/0", &grant).committed);
}

pub(crate) fn a_neighbours_port_cannot_be_opened() {
    let mut world = World::deployed(1);
    world.model.open_port_of_neighbour("app/0", 2379);
    let refused = world.call("app/0", "open-port 2379/tcp");
    let text = "cannot open 2379/tcp (unit \"app/0\"): port range conflicts with 2379/tcp (unit \"neighbour/0\")";
    refused.fails(1, text);
    assert_eq!(world.call("app/0", "open-port 2379/udp").exit_code, 0);
}

pub(crate) fn commit_failure_keeps_secrets_in_3_6_only() {
    for (mut world, kept) in [(World::new(), 1), (World::v4(), 0)] {
        world.deploy("app", 1);
        world.settle();
        world.model.fail_next_commit("app/0");
        let run = world.run("app/0", "secret-add --label l key=one; state-set a=b");
        assert!(run.commit_error.is_some());
        assert_eq!(world.model.secrets("app").len(), kept);
        assert!(world.model.unit_state("app/0").is_empty());
    }
}

pub(crate) fn charm_of_another_model() {
    let mut world = World::new();
    world.deploy("app", 1);
    let (charm, deployment) = (world.charm("client", ""), world.deployment(1));
    let remote = world
        .model
        .deploy_remote_with("client", charm, RemoteSide::Consumer, deployment);
    let relation = world.model.integrate("app:server", &format!("{remote}:db"));
    world.settle();
    let unit = format!("{remote}/0");

    let here = world.model.uuid().to_owned();
    let run = world.run(&unit, "true");
    let there = run.variable("JUJU_MODEL_UUID").unwrap_or_default();
    assert_ne!(there, here);
    let told = world.call(&unit, &format!("relation-model-get -r {relation}"));
    assert!(told.stdout.contains(&here), "{}", told.stdout);
    let told = world.call("app/0", &format!("relation-model-get -r {relation}"));
    assert!(told.stdout.contains(there), "{}", told.stdout);

    let run = world.run(
        "app/0",
        &format!("secret-grant $(secret-add key=one) -r {relation}"),
    );
    assert!(run.committed, "{:?}", run.commit_error);
    let secret = world.model.secrets("app").remove(0);
    let read = world.call(&unit, &format!("secret-get {} key", secret.uri));
    read.prints("one\n");
    let short = format!("secret:{}", secret.id);
    let read = world.call(&unit, &format!("secret-get {short} key"));
    read.fails(1, &format!("secret \"{short}\" not found"));
    let read = world.call("app/0", &format!("secret-get {short} key"));
    read.prints("one\n");

    let run = world.run(
        &unit,
        &format!("secret-grant $(secret-add key=one) -r {relation}"),
    );
    assert!(
        run.commit_error
            .is_some_and(|error| error.contains("sharing consumer secrets")),
        "a consumer shares nothing"
    );
}

pub(crate) fn cross_model_relation() {
    let mut world = World::new();
    world.deploy("app", 1);
    let charm = Charm::puppet(METADATA);
    let remote = world
        .model
        .deploy_remote("client", charm, RemoteSide::Consumer, 1);
    assert!(
        remote.starts_with("remote-") && remote.len() == 39,
        "{remote}"
    );
    let relation = world.model.integrate("app:server", &format!("{remote}:db"));
    let runs = world.settle();
    let joined = find(&runs, "app/0", "server-relation-joined");
    assert_eq!(joined.variable("JUJU_REMOTE_APP"), Some(remote.as_str()));
    let uuid = world
        .call(
            "app/0",
            &format!("relation-model-get -r {relation} --format=json"),
        )
        .stdout;
    assert!(!uuid.contains(world.model.uuid()), "{uuid}");
    let uri = world.model.secret_add(&remote, &[("key", "one")]);
    assert!(
        world
            .model
            .try_secret_grant(&remote, &uri, relation)
            .is_err(),
        "a consumer shares nothing"
    );
    let run = world.run(
        "app/0",
        &format!("secret-grant $(secret-add key=one) -r {relation}"),
    );
    assert!(run.committed, "{:?}", run.commit_error);
    let own = world.model.secrets("app").remove(0).uri;
    let read = world
        .model
        .secret_get_as(format!("{remote}/0").as_str(), &own, false);
    assert_eq!(read.expect("the offering side shares")["key"], "one");
    let run = world.run(
        "app/0",
        &format!("secret-grant $(secret-add kez=one) -r {relation} --unit {remote}/0"),
    );
    assert!(
        run.commit_error
            .is_some_and(|error| error.contains("across a cross model relation not supported"))
    );
    world.settle();
    world.model.suspend_relation(relation);
    assert_eq!(
        names_of(&world.settle(), "app/0"),
        ["server-relation-departed", "server-relation-broken"]
    );
    world.model.resume_relation(relation);
    let again = [
        "server-relation-created",
        "server-relation-joined",
        "server-relation-changed",
    ];
    assert_eq!(names_of(&world.settle(), "app/0"), again);
}

pub(crate) fn gone_relation_texts() {
    for (mut world, text, network) in [
        (World::new(), "permission denied", "relation 1 not found"),
        (World::v4(), "relation not found", "permission denied"),
    ] {
        world.deploy("app", 1);
        world.puppet("pg", 1);
        let relation = world.model.integrate("app:db", "pg:server");
        world.settle();
        world.model.remove_relation_force(relation);
        let lines = format!(
            "relation-get -r {relation} - pg/0; network-get db -r {relation}; relation-get -r {relation} --app - app"
        );
        let run = world.run("app/0", &lines);
        run.calls[0].fails(1, text);
        run.calls[1].fails(1, network);
        run.calls[2].fails(1, "permission denied (unauthorized access)");
        assert_eq!(
            names_of(&world.settle(), "app/0"),
            ["db-relation-departed", "db-relation-broken"]
        );
        assert!(!world.model.has_relation(relation));
    }
}

pub(crate) fn agent_restart_can_swallow_secret_changed() {
    let (mut world, relation) = World::pair(1);
    let uri = world.model.secret_add("pg", &[("key", "1")]);
    world.model.secret_grant("pg", &uri, relation);
    world.run("app/0", &format!("secret-get {uri}"));
    world.model.secret_set("pg", &uri, &[("key", "2")]);
    world.model.agent_restart("app/0", true);
    assert_eq!(names_of(&world.settle(), "app/0"), ["start"]);
    world.model.secret_set("pg", &uri, &[("key", "3")]);
    world.model.agent_restart("app/0", false);
    assert_eq!(
        names_of(&world.settle(), "app/0"),
        ["start", "secret-changed"]
    );
}

pub(crate) fn slow_hook_is_killed() {
    let mut world = World::with(|options| Options {
        hook_timeout: Duration::from_millis(300),
        ..options
    });
    world.deploy("app", 1);
    world.settle();
    let run = world.run("app/0", "sleep 60");
    assert!(run.timed_out && run.exit == Exit::Signal(9), "{run:?}");
    assert!(run.duration < Duration::from_secs(10));
}

pub(crate) fn removed_application_runs_its_last_hooks() {
    let mut world = World::new();
    world.deploy("app", 2);
    world.deploy("srv", 1);
    let relation = world.model.integrate("app:db", "srv:server");
    world.settle();
    world.run("app/0", "secret-add key=one");
    world.script("app", "stop", "is-leader --format=json");
    world.model.remove_application("app");
    let runs = world.settle();
    for unit in ["app/0", "app/1"] {
        let names = names_of(&runs, unit);
        assert_eq!(names[names.len() - 2..], ["stop", "remove"]);
        for run in runs.iter().filter(|run| run.unit.as_str() == unit) {
            let departing = run.variable("JUJU_DEPARTING_UNIT");
            assert!(
                departing.is_none_or(|departing| departing == unit),
                "{departing:?}"
            );
        }
    }
    let server = [
        "server-relation-departed",
        "server-relation-departed",
        "server-relation-broken",
    ];
    assert_eq!(names_of(&runs, "srv/0"), server);
    assert!(!world.model.has_application("app") && !world.model.has_relation(relation));
    assert!(world.model.secrets("app").is_empty());
}

pub(crate) fn lost_machine_runs_nothing_and_departs() {
    let mut world = World::deployed(3);
    world.model.remove_unit_force("app/0");
    let runs = world.settle();
    assert!(names_of(&runs, "app/0").is_empty());
    for unit in ["app/1", "app/2"] {
        assert!(names_of(&runs, unit).contains(&"mates-relation-departed".to_owned()));
    }
    let leader = world.model.leader("app").expect("another unit leads");
    assert!(names_of(&runs, leader.as_str()).contains(&"leader-elected".to_owned()));
}

pub(crate) fn reset_of_an_option_is_not_told_in_4_0() {
    for (mut world, told) in [(World::new(), 1), (World::v4(), 0)] {
        world.deploy("app", 1);
        world.model.set_config("app", "name", "odd");
        world.settle();
        world
            .model
            .set_config("app", "name", serde_json::Value::Null);
        let runs = world.settle();
        let changed = runs.iter().filter(|run| run.name == "config-changed");
        assert_eq!(changed.count(), told);
        // Whoever asks is told.
        world.call("app/0", "config-get name").prints("plain\n");
    }
}

pub(crate) fn departure_of_a_peer_is_not_always_told() {
    let mut world = World::v4();
    world.deploy("app", 3);
    world.settle();
    let peers = world.model.relation_ids("app", "mates")[0];
    world.run("app/2", &format!("relation-set -r {peers} a=b"));
    world.settle();
    world.model.remove_unit_unnoticed("app/2");
    assert!(world.settle().is_empty(), "somebody was told");
    let run = world.run(
        "app/0",
        &format!(
            "relation-list -r {peers}; relation-get -r {peers} a app/2; goal-state --format=json"
        ),
    );
    run.calls[0].prints("app/1\napp/2\n");
    run.calls[1].prints("b\n");
    let goal = &run.calls[2].stdout;
    assert!(goal.contains("app/1") && !goal.contains("app/2"), "{goal}");
    // Who comes later meets it as well, and goal-state names the two that are.
    let later = world.model.add_unit("app");
    world.settle();
    let run = world.run(
        later.as_str(),
        &format!("relation-list -r {peers}; goal-state --format=json"),
    );
    run.calls[0].prints("app/0\napp/1\napp/2\n");
    assert!(run.calls[1].stdout.contains("app/3"));
    assert!(!run.calls[1].stdout.contains("app/2"));
}

pub(crate) fn failed_install_waits_for_everything_else() {
    let mut world = World::new();
    world.deploy("app", 1);
    world.script("app", "install", "exit 1");
    let error = world.model.settle(50).expect_err("install keeps failing");
    assert!(error.runs.iter().all(|run| run.name == "install"));
    assert_eq!(error.in_error, [juju_simulator::UnitName::from("app/0")]);
    world.unscript("app", "install");
    let run = world
        .model
        .resolved("app/0", true)
        .expect("it is run again");
    assert!(run.succeeded());
    assert_eq!(
        names_of(&world.settle(), "app/0")
            .last()
            .map(String::as_str),
        Some("start")
    );
}

pub(crate) fn settle_is_bounded() {
    let mut world = World::new();
    world.deploy("app", 1);
    let error = world.model.settle(2).expect_err("two hooks are not enough");
    assert_eq!((error.runs.len(), error.in_error.len()), (2, 0));
    assert!(
        error
            .to_string()
            .starts_with("hooks are still due after 2 runs:"),
        "{error}"
    );
    world.settle();
    assert!(world.model.settle(0).is_ok(), "nothing is due");
}
