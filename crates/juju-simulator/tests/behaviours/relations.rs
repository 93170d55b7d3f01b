//! Relations: data, listing, rights and events.

use juju_simulator::Hook;

use crate::world::{Outcome, World, find, names_of};

pub(crate) fn behaviour_07_relation_ids_are_sorted_as_strings() {
    let mut world = World::deployed(1);
    world
        .call("app/0", "relation-ids db --format=json")
        .prints("[]\n");
    world
        .call("app/0", "relation-ids nothing --format=json")
        .prints("[]\n");
    let mut ids = Vec::new();
    for number in 0..11 {
        let name = format!("pg{number}x");
        world.puppet(&name, 1);
        ids.push(world.model.integrate("app:db", &format!("{name}:server")));
    }
    world.settle();
    let call = world.call("app/0", "relation-ids db --format=json");
    let listed: Vec<String> = serde_json::from_str(&call.stdout).expect("JSON");
    let mut wanted: Vec<String> = ids.iter().map(|id| format!("db:{id}")).collect();
    wanted.sort();
    assert_eq!(listed, wanted);
    assert_eq!(listed[..3], ["db:1", "db:10", "db:11"]);
}

pub(crate) fn behaviour_08_broken_relation_is_not_listed_but_readable() {
    let (mut world, relation) = World::pair(1);
    world
        .model
        .relation_set_app(relation, "pg", &[("key", "value")]);
    world.settle();
    let lines = format!(
        "relation-ids db --format=json\nrelation-get -r {relation} --format=json --app - pg\n\
         relation-list --format=json\nrelation-set --app last=words"
    );
    world.script("app", "db-relation-broken", &lines);
    world.model.remove_relation(relation);
    let runs = world.settle();
    let broken = find(&runs, "app/0", "db-relation-broken");
    broken.calls[0].prints("[]\n");
    broken.calls[1].prints("{\"key\":\"value\"}\n");
    broken.calls[2].prints("[]\n");
    assert!(broken.committed, "{:?}", broken.commit_error);
    assert!(!world.model.has_relation(relation));
}

pub(crate) fn behaviour_09_unknown_relation_id_exits_2() {
    let (mut world, relation) = World::pair(1);
    let unknown = "invalid value \"77\" for option -r: relation not found";
    world.call("app/0", "relation-list -r 77").fails(2, unknown);
    let endpoint = "invalid value \"db:77\" for option --relation: relation not found";
    world
        .call("app/0", "relation-set --relation db:77 a=b")
        .fails(2, endpoint);
    let word = "invalid value \"db:x\" for option -r: invalid relation id";
    world.call("app/0", "relation-get -r db:x -").fails(2, word);
    let wrong = format!("invalid value \"mates:{relation}\" for option -r: relation not found");
    world
        .call("app/0", &format!("relation-list -r mates:{relation}"))
        .fails(2, &wrong);
    world
        .call("app/0", &format!("relation-list -r db:{relation}"))
        .prints("pg/0\n");
}

pub(crate) fn behaviour_10_relation_list_shows_joined_units_only() {
    let mut world = World::beside(1, 2);
    let list = "relation-list --format=json\nrelation-list --app --format=json";
    for hook in ["created", "joined", "departed", "broken"] {
        world.script("app", &format!("db-relation-{hook}"), list);
    }
    let relation = world.model.integrate("app:db", "pg:server");
    let runs = world.settle();
    let shown = |run: &juju_simulator::HookRun| run.calls[0].stdout.trim().to_owned();
    let created = find(&runs, "app/0", "db-relation-created");
    assert_eq!(shown(created), "[]");
    created.calls[1].prints("\"pg\"\n");
    let joined: Vec<String> = runs
        .iter()
        .filter(|run| run.name == "db-relation-joined")
        .map(shown)
        .collect();
    assert_eq!(joined, ["[\"pg/0\"]", "[\"pg/0\",\"pg/1\"]"]);
    world.model.remove_relation(relation);
    let runs = world.settle();
    let lists: Vec<String> = runs.iter().map(shown).collect();
    assert_eq!(lists, ["[\"pg/1\"]", "[]", "[]"]);
}

pub(crate) fn behaviour_11_missing_key_is_null_and_empty_bag_is_an_object() {
    let (mut world, relation) = World::pair(1);
    let get = format!("relation-get -r {relation} --format=json");
    world
        .call("app/0", &format!("{get} nothing pg/0"))
        .prints("null\n");
    world
        .call("app/0", &format!("relation-get -r {relation} nothing pg/0"))
        .prints("");
    world
        .call("app/0", &format!("{get} --app - pg"))
        .prints("{}\n");
    let who = "expected unit name, got application name \"pg\"";
    world.call("app/0", &format!("{get} - pg")).fails(2, who);
    world
        .call("app/0", &format!("{get} - pg//0"))
        .fails(2, "invalid unit name \"pg//0\"");
    world
        .call("app/0", &format!("{get} -"))
        .fails(2, "no unit or application specified");
}

pub(crate) fn behaviour_12_non_leader_reads_own_application_data_of_peers_only() {
    let (mut world, relation) = World::pair(2);
    let peers = world.model.relation_ids("app", "mates")[0];
    world.run(
        "app/0",
        &format!("relation-set -r {relation} --app a=b; relation-set -r {peers} --app c=d"),
    );
    let own = format!("relation-get -r {relation} --format=json --app - app");
    world.call("app/0", &own).prints("{\"a\":\"b\"}\n");
    world.call("app/1", &own).fails(1, "permission denied");
    let of_peers = format!("relation-get -r {peers} --format=json --app - app");
    world.call("app/1", &of_peers).prints("{\"c\":\"d\"}\n");
    let mate = format!("relation-get -r {relation} - app/0");
    world.call("app/1", &mate).fails(1, "permission denied");
    let call = world.call(
        "app/1",
        &format!("relation-get -r {peers} ingress-address app/0"),
    );
    let address = world.model.address("app/0");
    call.prints(&format!("{address}\n"));
}

pub(crate) fn behaviour_13_non_leader_cannot_write_application_data() {
    let (mut world, relation) = World::pair(2);
    let call = world.call("app/1", &format!("relation-set -r {relation} --app a=b"));
    call.fails(1, "cannot write relation settings");
    assert!(world.model.app_bag(relation, "app").is_empty());
}

pub(crate) fn behaviour_14_empty_deletes_and_arguments_are_trimmed() {
    let (mut world, relation) = World::pair(1);
    let set = format!("relation-set -r {relation}");
    world.run("app/0", &format!("{set} ' one = spaced ' two=2 eq=a=b"));
    let bag = world.model.unit_bag(relation, "app/0");
    assert_eq!((bag["one"].as_str(), bag["eq"].as_str()), ("spaced", "a=b"));
    world.run("app/0", &format!("{set} two="));
    assert!(!world.model.unit_bag(relation, "app/0").contains_key("two"));
    let run = world.run(
        "app/0",
        &format!("printf '%s' '{{\"one\": \" kept \", \"n\": 5}}' | {set} --file - n=6"),
    );
    assert_eq!(
        run.calls[0].stdin.as_deref(),
        Some("{\"one\": \" kept \", \"n\": 5}")
    );
    let bag = world.model.unit_bag(relation, "app/0");
    assert_eq!((bag["one"].as_str(), bag["n"].as_str()), (" kept ", "6"));
    let scalar = world.run("app/0", &format!("echo word | {set} --file -"));
    assert!(
        scalar.calls[0]
            .stderr
            .starts_with("ERROR yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str")
    );
}

pub(crate) fn behaviour_15_writes_are_seen_by_others_after_success_only() {
    let (mut world, relation) = World::both();
    let lines = format!(
        "relation-set -r {relation} k=v; relation-set -r {relation} --app ak=av\n\
         relation-get -r {relation} k app/0; relation-get -r {relation} --app ak app"
    );
    let failing = world.run("app/0", &format!("{lines}; exit 1"));
    failing.calls[2].prints("v\n");
    failing.calls[3].prints("av\n");
    let other = format!("relation-get -r {relation} --format=json k app/0");
    world.call("srv/0", &other).prints("null\n");
    assert!(names_of(&world.settle(), "srv/0").is_empty());
    world.run("app/0", &lines);
    let runs = world.settle();
    assert_eq!(
        names_of(&runs, "srv/0"),
        ["server-relation-changed", "server-relation-changed"]
    );
    world.call("srv/0", &other).prints("\"v\"\n");
    assert!(names_of(&runs, "app/0").is_empty());
}

pub(crate) fn behaviour_17_equal_values_and_own_writes_give_no_event() {
    let mut world = World::new();
    world.deploy("app", 2);
    world.deploy("srv", 1);
    let relation = world.model.integrate("app:db", "srv:server");
    let peers = world.model.relation_ids("app", "mates")[0];
    world.settle();
    let lines = format!("relation-set -r {relation} k=v; relation-set -r {peers} --app k=v");
    let first = world.run("app/0", &lines);
    assert_eq!(first.changes.len(), 2);
    let runs = world.settle();
    assert_eq!(names_of(&runs, "srv/0"), ["server-relation-changed"]);
    assert_eq!(names_of(&runs, "app/1"), ["mates-relation-changed"]);
    assert!(
        names_of(&runs, "app/0").is_empty(),
        "own writes give the writer no event"
    );
    let again = world.run("app/0", &lines);
    assert!(again.changes.is_empty());
    assert!(
        world.settle().is_empty(),
        "equal values give nobody an event"
    );
}

pub(crate) fn behaviour_18_joined_is_followed_by_changed() {
    for seed in 0..8 {
        let mut world = World::with(|options| options.seed(seed));
        world.deploy("app", 1);
        world.puppet("pg", 3);
        let relation = world.model.integrate("app:db", "pg:server");
        world.model.relation_set_app(relation, "pg", &[("a", "b")]);
        while let Some(run) = world.model.step() {
            let Some(Hook::RelationJoined { unit, .. }) = &run.hook else {
                continue;
            };
            // Even a departure waits for the changed hook that joined owes.
            if unit.as_str() == "pg/1" {
                world.model.remove_unit_force("pg/1");
            }
            let next = world.model.step().expect("a hook follows");
            assert_eq!(
                next.hook,
                Some(Hook::RelationChanged {
                    relation,
                    unit: Some(unit.clone())
                })
            );
        }
    }
}

pub(crate) fn behaviour_20_order_of_removal() {
    let mut world = World::new();
    world.deploy("app", 2);
    world.deploy("srv", 1);
    let relation = world.model.integrate("app:db", "srv:server");
    world.settle();
    world.model.remove_relation(relation);
    let runs = world.settle();
    for unit in ["app/0", "app/1"] {
        assert_eq!(
            names_of(&runs, unit),
            ["db-relation-departed", "db-relation-broken"]
        );
    }
    let server = [
        "server-relation-departed",
        "server-relation-departed",
        "server-relation-broken",
    ];
    assert_eq!(names_of(&runs, "srv/0"), server);
    let departed = runs
        .iter()
        .filter(|run| run.name == "server-relation-departed");
    let units: Vec<_> = departed
        .filter_map(|run| run.variable("JUJU_REMOTE_UNIT"))
        .collect();
    assert_eq!(units, ["app/0", "app/1"]);

    world.model.integrate("app:db", "srv:server");
    world.settle();
    world.model.remove_unit("app/1");
    let runs = world.settle();
    let own = names_of(&runs, "app/1");
    let mut relations = own[..3].to_vec();
    relations.sort();
    assert_eq!(
        relations,
        [
            "db-relation-broken",
            "db-relation-departed",
            "mates-relation-departed"
        ]
    );
    assert_eq!(own[3..], ["stop", "remove"]);
    assert_eq!(names_of(&runs, "app/0"), ["mates-relation-departed"]);
    assert_eq!(names_of(&runs, "srv/0"), ["server-relation-departed"]);
    assert!(
        !runs.iter().any(|run| run.name == "mates-relation-broken"),
        "peers have no broken"
    );
    assert_eq!(world.model.units("app").len(), 1);
}

pub(crate) fn behaviour_21_departed_unit_can_still_be_read() {
    let mut world = World::beside(1, 2);
    let relation = world.model.integrate("app:db", "pg:server");
    world
        .model
        .relation_set_unit(relation, "pg/1", &[("last", "words")]);
    world.settle();
    world.model.remove_unit("pg/1");
    world.settle();
    let call = world.call("app/0", &format!("relation-get -r {relation} last pg/1"));
    call.prints("words\n");
    world
        .call("app/0", &format!("relation-list -r {relation}"))
        .prints("pg/0\n");
}
