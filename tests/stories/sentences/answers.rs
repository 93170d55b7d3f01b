//! How an answer looks, and that it appears whole.

use std::collections::BTreeMap;

use etcd_charm_world::{Change, HookRun, RelationId, UnitName, World};
use serde_json::Value;

use crate::support::{Client, ask_v0, ask_v1, assert_serves, certificate, deployed, id};

type Bag = BTreeMap<String, String>;

/// Our databag after each hook until nothing is due.
fn bags(world: &mut World, relation: RelationId) -> Vec<Bag> {
    let mut bags = Vec::new();
    world.settle_watched(|world, _| bags.push(world.model.app_bag(relation, "etcd")));
    bags
}

fn json(bag: &Bag, key: &str) -> Value {
    serde_json::from_str(&bag[key]).unwrap_or_else(|error| panic!("{key}: {error}: {bag:?}"))
}

fn keys(bag: &Bag) -> Vec<&str> {
    bag.keys().map(String::as_str).collect()
}

pub(crate) fn sentences_01_and_03_first_answer_of_v1_has_data_and_the_protocols_version() {
    let (mut world, unit) = deployed();
    let shown = certificate("client1");
    let app = ask_v1(&mut world, "app", &[("/test/", Some(&shown))]);
    let bags = bags(&mut world, app.relation);
    let first = bags.iter().find(|bag| !bag.is_empty()).expect("an answer");
    assert_eq!(keys(first), ["data", "requests", "version"]);
    let response = &json(first, "requests")[0];
    // The requirer looks for a user that was added, in a response whose id is
    // in the data, and whose data names no type of entity.
    assert!(
        response["secret-user"]
            .as_str()
            .unwrap()
            .starts_with("secret:")
    );
    let data = &json(first, "data")[response["request-id"].as_str().unwrap()];
    assert!(data.is_object() && data["entity-type"].is_null(), "{data}");
    assert_eq!(first["version"], "v1");
    let status = world.admin(&unit).json(&["endpoint", "status"]);
    assert_eq!(response["version"], status[0]["Status"]["version"]);
    let told = world.told_for(&app, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    world.rest();
}

pub(crate) fn sentences_04_and_05_each_dialect_has_its_own_words_and_keys() {
    let (mut world, _) = deployed();
    let (old, new) = (certificate("client1"), certificate("client2"));
    let v0 = ask_v0(&mut world, "old", "/old/", &old);
    let v1 = ask_v1(&mut world, "new", &[("/new/", Some(&new))]);
    world.settle();
    let told = world.told(&v0).expect("an answer");
    assert_eq!(told.tls["tls"], "True");
    assert_serves(&mut world, &told, &old, "/old/");
    let told = world.told_for(&v1, &id(0)).expect("an answer");
    assert_eq!(told.tls["tls"], "true");
    assert_serves(&mut world, &told, &new, "/new/");
    let bag = world.model.app_bag(v0.relation, "etcd");
    assert_eq!(
        keys(&bag),
        ["endpoints", "secret-tls", "secret-user", "version"]
    );
    let bag = world.model.app_bag(v1.relation, "etcd");
    assert_eq!(keys(&bag), ["data", "requests", "version"]);
    // A provider's unit says nothing either; `subordinated` above all would
    // silence a requirer for good.
    for requirer in [v0.relation, v1.relation] {
        let own = world.model.unit_bag(requirer, UnitName::new("etcd", 0));
        let is_jujus =
            |key: &&str| ["egress-subnets", "ingress-address", "private-address"].contains(key);
        assert!(keys(&own).iter().all(is_jujus), "{own:?}");
    }
    world.rest();
}

/// The secrets that this hook granted over a relation, as URIs end.
fn granted(run: &HookRun, over: RelationId) -> Vec<String> {
    run.changes
        .iter()
        .filter_map(|change| match change {
            Change::SecretGranted { secret, grant } if grant.relation == over => {
                Some(secret.clone())
            }
            _ => None,
        })
        .collect()
}

pub(crate) fn sentence_09_secrets_are_granted_with_their_uris() {
    let (mut world, _) = deployed();
    let (old, new) = (certificate("client1"), certificate("client2"));
    let v0 = ask_v0(&mut world, "old", "/old/", &old);
    let v1 = ask_v1(&mut world, "new", &[("/new/", Some(&new))]);
    let mut answers = BTreeMap::new();
    world.settle_watched(|world, run| {
        // Whatever is published can be read by the requirer there and then:
        // `told` fails where it cannot.
        for (app, relation, told) in [
            ("old", v0.relation, world.told(&v0)),
            ("new", v1.relation, world.told_for(&v1, &id(0))),
        ] {
            let Some(told) = told else { continue };
            assert!(!told.user["username"].is_empty());
            answers.entry(app).or_insert_with(|| {
                let granted = granted(run, relation);
                assert_eq!(granted.len(), 2, "{granted:?}");
                for uri in [&told.user_uri, &told.tls_uri] {
                    assert!(granted.iter().any(|id| uri.ends_with(id)), "{uri}");
                }
            });
        }
    });
    assert_eq!(answers.len(), 2);
    world.rest();
}

pub(crate) fn sentence_10_one_hook_publishes_everything() {
    let (mut world, _) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    let mut answers = 0;
    let runs = world.settle_watched(|world, _| {
        // `told` fails on half an answer.
        if let Some(told) = world.told(&app.requirer) {
            answers += 1;
            let keys: Vec<_> = told.user.keys().chain(told.tls.keys()).collect();
            assert_eq!(keys, ["uris", "username", "tls", "tls-ca"]);
            let values = told.user.values().chain(told.tls.values());
            assert!(
                values
                    .chain([&told.endpoints, &told.version])
                    .all(|text| !text.is_empty())
            );
        }
    });
    assert_eq!(answers, runs.len(), "the first hook answers");
    world.rest();
}
