//! Further behaviours.

use juju_simulator::{AgentState, Charm, Deployment, Hook, Model};
use serde_json::json;

use crate::world::{METADATA, Outcome, World, names, names_of};

pub(crate) fn failed_hook_is_run_again_with_the_same_event() {
    let mut world = World::beside(1, 1);
    world.settle();
    world.script("app", "db-relation-joined", "exit 1");
    let relation = world.model.integrate("app:db", "pg:server");
    let error = world.model.settle(50).expect_err("the hook keeps failing");
    assert_eq!(error.in_error.len(), 1);
    let joined: Vec<_> = error
        .runs
        .iter()
        .filter(|run| run.name == "db-relation-joined")
        .collect();
    assert_eq!(joined.len(), 3, "once, and two retries");
    assert_ne!(
        joined[0].variable("JUJU_CONTEXT_ID"),
        joined[1].variable("JUJU_CONTEXT_ID")
    );
    assert_eq!(joined[1].variable("JUJU_REMOTE_UNIT"), Some("pg/0"));
    world.unscript("app", "db-relation-joined");
    let runs = world.settle();
    assert_eq!(
        names_of(&runs, "app/0"),
        ["db-relation-joined", "db-relation-changed"]
    );
    world.script("app", "db-relation-changed", "exit 1");
    world.model.relation_set_app(relation, "pg", &[("a", "b")]);
    world.model.settle(50).expect_err("the hook keeps failing");
    assert!(world.model.resolved("app/0", false).is_none());
    assert!(
        world.settle().is_empty(),
        "a hook taken as done is not run again"
    );
}

pub(crate) fn is_leader_false_is_sticky_in_a_hook() {
    let mut world = World::deployed(2);
    world
        .model
        .after_tool_call("app/1", 1, |model: &mut Model| {
            model.set_leader("app", "app/1")
        });
    let run = world.run("app/1", "is-leader; is-leader");
    run.calls[0].prints("False\n");
    run.calls[1].prints("False\n");
    world
        .call("app/1", "is-leader --format=json")
        .prints("true\n");
}

pub(crate) fn application_changed_only_if_ever_written() {
    let mut world = World::beside(1, 1);
    let relation = world.model.integrate("app:db", "pg:server");
    let of_application = Some(Hook::RelationChanged {
        relation,
        unit: None,
    });
    assert!(!world.settle().iter().any(|run| run.hook == of_application));
    world.model.relation_set_app(relation, "pg", &[("a", "b")]);
    world.model.relation_set_app(relation, "pg", &[("a", "c")]);
    let runs = world.settle();
    assert_eq!(runs.len(), 1, "two writes are one event");
    assert_eq!(runs[0].hook, of_application);
}

pub(crate) fn joins_are_sorted_as_strings() {
    let mut world = World::beside(1, 11);
    world.model.integrate("app:db", "pg:server");
    let runs = world.settle();
    let joined = runs.iter().filter(|run| run.name == "db-relation-joined");
    let units: Vec<_> = joined
        .filter_map(|run| run.variable("JUJU_REMOTE_UNIT"))
        .take(3)
        .collect();
    assert_eq!(units, ["pg/0", "pg/1", "pg/10"]);
}

pub(crate) fn relations_come_in_a_random_but_seeded_order() {
    let story = |seed: u64| {
        let mut world = World::with(|options| options.seed(seed));
        world.deploy("app", 1);
        for name in ["one", "two", "three"] {
            world.puppet(name, 1);
            world.model.integrate("app:db", &format!("{name}:server"));
        }
        let runs = world.settle();
        runs.iter()
            .map(|run| format!("{} {:?}", run.name, run.variable("JUJU_RELATION_ID")))
            .collect::<Vec<_>>()
    };
    assert_eq!(story(1), story(1));
    assert!((2..10).any(|seed| story(seed) != story(1)));
}

pub(crate) fn secret_remove_for_each_obsolete_revision() {
    let mut world = World::deployed(2);
    world.run("app/0", "secret-add --label l key=1");
    let uri = world.model.secrets("app").remove(0).uri;
    for value in [2, 3] {
        world.run("app/0", &format!("secret-set {uri} key={value}"));
    }
    let runs = world.settle();
    assert_eq!(names(&runs), ["app/0 secret-remove", "app/0 secret-remove"]);
    let revisions: Vec<_> = runs
        .iter()
        .filter_map(|run| run.variable("JUJU_SECRET_REVISION"))
        .collect();
    assert_eq!(revisions, ["1", "2"]);
    world.run("app/0", &format!("secret-remove {uri} --revision 1"));
    assert_eq!(
        world.model.secrets("app")[0]
            .revisions
            .keys()
            .collect::<Vec<_>>(),
        [&2, &3]
    );
    assert!(world.settle().is_empty());
    world.run("app/0", &format!("secret-remove {uri}"));
    assert!(world.model.secrets("app").is_empty());
}

pub(crate) fn state_get_of_missing_key_and_of_nothing() {
    let mut world = World::deployed(1);
    let run = world.run("app/0", "state-get --format=json\nstate-get --format=json five\nstate-get five\nstate-set five=5\nstate-get five");
    run.calls[0].prints("null\n");
    run.calls[1].prints("\"\"\n");
    run.calls[2].prints("");
    run.calls[4].prints("5\n");
    world
        .call("app/0", "state-get --format=json")
        .prints("{\"five\":\"5\"}\n");
    world.run("app/0", "state-delete five");
    assert!(world.model.unit_state("app/0").is_empty());
}

pub(crate) fn unknown_hook_tool() {
    let mut world = World::v4();
    world.deploy("app", 1);
    world.settle();
    world
        .call("app/0", "leader-get")
        .fails(1, "bad request: unknown hook command: leader-get");
    let run = world.run("app/0", "JUJU_CONTEXT_ID=other is-leader 2>&1");
    let text = run.stdout;
    assert!(
        text.starts_with("ERROR bad request: expected context id \"app/0-update-status-"),
        "{text}"
    );
}

pub(crate) fn json_is_html_escaped() {
    let mut world = World::deployed(1);
    let run = world.run(
        "app/0",
        "state-set 'key=<a>&b'; state-get --format=json key",
    );
    run.calls[1].prints("\"\\u003ca\\u003e\\u0026b\"\n");
}

pub(crate) fn leader_change_between_hooks() {
    let mut world = World::deployed(2);
    world.model.set_leader("app", "app/1");
    let runs = world.settle();
    assert_eq!(
        names(&runs),
        ["app/1 leader-elected"],
        "there is no leader-deposed"
    );
    world
        .call("app/0", "is-leader --format=json")
        .prints("false\n");
    world.model.remove_unit("app/1");
    assert!(world.model.is_leader("app/0"), "a dying leader hands over");
    assert!(names_of(&world.settle(), "app/0").contains(&"leader-elected".to_owned()));
}

pub(crate) fn storage_resources_ports_and_config() {
    let mut world = World::new();
    let more = "storage:\n  data: {type: filesystem, location: /var/data}\nresources:\n  tool: {type: file, filename: t}\n";
    let (charm, deployment) = (
        world.charm("app", more),
        world.deployment(1).config("count", 7),
    );
    world.model.deploy_with("app", charm, deployment);
    world.script(
        "app",
        "data-storage-attached",
        "storage-get --format=json; storage-list; storage-get location",
    );
    let runs = world.settle();
    assert_eq!(
        names_of(&runs, "app/0")[..2],
        ["data-storage-attached", "install"]
    );
    let location = world
        .model
        .storage_location("app/0", "data")
        .expect("storage")
        .display()
        .to_string();
    assert_eq!(runs[0].variable("JUJU_STORAGE_ID"), Some("data/0"));
    runs[0].calls[0].prints(&format!(
        "{{\"kind\":\"filesystem\",\"location\":\"{location}\"}}\n"
    ));
    runs[0].calls[1].prints("data/0\n");
    runs[0].calls[2].prints(&format!("{location}\n"));

    let missing = world.call("app/0", "resource-get tool");
    assert!(
        missing.exit_code == 1
            && missing
                .stderr
                .starts_with("ERROR could not download resource: ")
    );
    let file = world.model.directory().join("tool");
    world.model.attach_resource("app", "tool", &file);
    assert_eq!(
        names_of(&world.settle(), "app/0"),
        ["upgrade-charm", "config-changed"]
    );
    world
        .call("app/0", "resource-get tool")
        .prints(&file.display().to_string());

    config_is_read_and_told(&mut world);
    ports_are_opened_and_the_version_is_set(&mut world);
    world.model.remove_unit("app/0");
    assert_eq!(
        names_of(&world.settle(), "app/0")[0],
        "data-storage-detaching"
    );
}

fn config_is_read_and_told(world: &mut World) {
    let config = world.call("app/0", "config-get --format=json");
    config.prints("{\"count\":7,\"name\":\"plain\",\"on\":true,\"ratio\":0.5}\n");
    world.call("app/0", "config-get on").prints("True\n");
    world
        .call("app/0", "config-get nothing --format=json")
        .prints("null\n");
    world.model.set_config("app", "name", "plain");
    assert!(world.settle().is_empty(), "the value is the one it had");
    world.model.set_config("app", "name", "other");
    assert_eq!(names_of(&world.settle(), "app/0"), ["config-changed"]);
}

fn ports_are_opened_and_the_version_is_set(world: &mut World) {
    let run = world.run(
        "app/0",
        "open-port 2379; open-port 2370-2390/tcp; open-port 53/udp; application-version-set 3.4",
    );
    assert!(
        run.calls[1]
            .stderr
            .starts_with("ERROR cannot open 2370-2390/tcp (unit \"app/0\"): port range conflicts")
    );
    assert_eq!(world.model.open_ports("app/0"), ["2379/tcp", "53/udp"]);
    world
        .call("app/0", "opened-ports --format=json")
        .prints("[\"2379/tcp\",\"53/udp\"]\n");
    assert_eq!(world.model.workload_version("app"), "3.4");
    let address = world.model.address("app/0");
    let network = world.call("app/0", "network-get db --bind-address");
    network.prints(&format!("{address}\n"));
}

pub(crate) fn storage_goes_after_its_hook_and_outlives_its_unit() {
    let mut world = World::new();
    let more = "storage:\n  data: {type: filesystem, location: /var/data}\n";
    let (charm, deployment) = (world.charm("app", more), world.deployment(1));
    world.model.deploy_with("app", charm, deployment);
    world.settle();
    let location = world.model.storage_location("app/0", "data");
    let location = location.expect("storage");
    std::fs::write(location.join("kept"), "content").expect("written");
    // Both are there still, then neither is.
    let is_there = "test -e \"$JUJU_STORAGE_LOCATION/kept\" || exit 1";
    world.script("app", "data-storage-detaching", is_there);
    let is_gone = format!("test ! -e {}/kept || exit 1", location.display());
    world.script("app", "stop", &is_gone);
    world.model.remove_unit("app/0");
    assert!(world.model.detached_storage().is_empty());
    let runs = world.settle();
    assert!(names_of(&runs, "app/0").contains(&"stop".to_owned()));
    assert_eq!(world.model.detached_storage(), ["data/0"]);
    assert!(world.model.units("app").is_empty());

    let unit = world.model.add_unit_attaching("app", "data/0");
    assert_eq!(unit.as_str(), "app/1");
    world.script("app", "data-storage-attached", is_there);
    let runs = world.settle();
    assert_eq!(runs[0].variable("JUJU_STORAGE_ID"), Some("data/0"));
    assert!(world.model.detached_storage().is_empty());

    // A machine that is gone detaches nothing, and what it had can be attached.
    world.model.remove_unit_force("app/1");
    assert_eq!(world.model.detached_storage(), ["data/0"]);
}

pub(crate) fn actions_report_and_run_in_error() {
    let mut world = World::deployed(1);
    world.run("app/0", "exit 1");
    world.script(
        "app",
        "action",
        "action-get speed; action-set a.b=1 a.c=2 d=3; action-log hello; echo out",
    );
    let result = world
        .model
        .run_action("app/0", "go", json!({"x": {"y": 1}}));
    assert_eq!(
        (result.status.as_str(), result.log[0].as_str()),
        ("completed", "hello")
    );
    result.run.calls[0].prints("3\n");
    let wanted =
        json!({"a": {"b": "1", "c": "2"}, "d": "3", "return-code": 0, "stdout": "3\nout\n"});
    assert_eq!(result.results, wanted);
    world.script(
        "app",
        "action",
        "action-set a=1; action-fail 'no luck'; relation-ids db",
    );
    let failed = world.model.run_action("app/0", "go", json!({}));
    assert_eq!(
        (failed.status.as_str(), failed.message.as_str()),
        ("failed", "no luck")
    );
    assert_eq!(failed.results["a"], "1");
    world.script("app", "action", "state-set a=b; exit 4");
    let failed = world.model.run_action("app/0", "go", json!({}));
    assert_eq!(failed.message, "exit status 4");
    assert!(world.model.unit_state("app/0").is_empty());
    assert_eq!(
        world.model.agent_state("app/0"),
        AgentState::Error(Hook::UpdateStatus)
    );
}

pub(crate) fn members_are_cached_until_their_changed_hook() {
    let mut world = World::new();
    world.deploy("app", 1);
    world
        .model
        .deploy_with("pg", Charm::puppet(METADATA), Deployment::units(1));
    let relation = world.model.integrate("app:db", "pg:server");
    world
        .model
        .relation_set_unit(relation, "pg/0", &[("k", "1")]);
    world.settle();
    let get = format!("relation-get -r {relation} k pg/0");
    world.call("app/0", &get).prints("1\n");
    world
        .model
        .relation_set_unit(relation, "pg/0", &[("k", "2")]);
    world.call("app/0", &get).prints("1\n");
    assert_eq!(names_of(&world.settle(), "app/0"), ["db-relation-changed"]);
    world.call("app/0", &get).prints("2\n");
}

pub(crate) fn the_version_is_blank_after_a_new_unit() {
    let mut world = World::deployed(1);
    world.call("app/0", "application-version-set 3.4");
    assert_eq!(world.model.workload_version("app"), "3.4");
    world.model.add_unit("app");
    assert_eq!(world.model.workload_version("app"), "");
    world.settle();
    world.call("app/1", "application-version-set 3.5");
    assert_eq!(world.model.workload_version("app"), "3.5");
}

pub(crate) fn environment_is_exact() {
    let mut world = World::deployed(1);
    let run = world.run("app/0", "exec env");
    let mut seen: Vec<String> = run.stdout.lines().map(ToOwned::to_owned).collect();
    // The shell adds these on its own.
    seen.retain(|line| {
        !["PWD=", "OLDPWD=", "SHLVL=", "_="]
            .iter()
            .any(|own| line.starts_with(own))
    });
    seen.sort();
    let mut given: Vec<String> = run
        .environment
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    given.sort();
    assert_eq!(seen, given);
    assert_eq!(run.variable("HOME"), None);
    let directory = world.model.charm_directory("app/0").display().to_string();
    assert_eq!(run.variable("JUJU_CHARM_DIR"), Some(directory.as_str()));
    assert_eq!(world.run("app/0", "pwd").stdout, format!("{directory}\n"));
}

pub(crate) fn relation_get_without_a_unit_reads_the_application() {
    let mut world = World::beside(1, 1);
    let relation = world.model.integrate("app:db", "pg:server");
    world
        .model
        .relation_set_app(relation, "pg", &[("who", "application")]);
    world
        .model
        .relation_set_unit(relation, "pg/0", &[("who", "unit")]);
    world.script("app", "db-relation-created", "relation-get who");
    world.script("app", "db-relation-changed", "relation-get who");
    let runs = world.settle();
    for run in runs.iter().filter(|run| !run.calls.is_empty()) {
        let remote = run.variable("JUJU_REMOTE_UNIT");
        let wanted = if remote == Some("") {
            "application\n"
        } else {
            "unit\n"
        };
        run.calls[0].prints(wanted);
    }
    assert_eq!(runs.iter().filter(|run| !run.calls.is_empty()).count(), 3);
}

pub(crate) fn labels_of_consumers_and_owners() {
    let (mut world, relation) = World::pair(2);
    let uri = world.model.secret_add("pg", &[("key", "one")]);
    world.model.secret_grant("pg", &uri, relation);
    world
        .call(
            "app/0",
            &format!("secret-get {uri} --label db --format=json"),
        )
        .prints("{\"key\":\"one\"}\n");
    world
        .call("app/0", "secret-get --label db")
        .prints("key: one\n");
    world
        .call("app/1", "secret-get --label db")
        .fails(1, "consumer label \"db\" not found");
    world.run("app/0", "secret-add --label ours key=two");
    world
        .call("app/1", "secret-get --label ours")
        .prints("key: two\n");
    let own = world.model.secrets("app").remove(0).uri;
    let failing = world.run(
        "app/0",
        &format!("secret-get {own} --label renamed; exit 1"),
    );
    assert!(!failing.succeeded());
    assert_eq!(world.model.secrets("app")[0].label, "renamed");
}
