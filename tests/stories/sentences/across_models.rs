//! Requirers in another model, who cannot share a secret with us, and the rest
//! that is cheap to check.

use std::collections::BTreeMap;

use etcd_charm_world::{UnitName, V0, World};
use fernet::Fernet;

use crate::support::{Client, assert_serves, certificate, deployed, named, trusts, users};

const KEY: &str = "encryption-secret";

/// Asserts that no hook publishes the key together with an answer: the
/// requirer would take the one and miss the other, for ever.
fn settle(world: &mut World, app: &V0) {
    let mut before = world.model.app_bag(app.relation, "etcd");
    world.settle_watched(|world, run| {
        let after = world.model.app_bag(app.relation, "etcd");
        let is_new = |key: &str| !before.contains_key(key) && after.contains_key(key);
        assert!(
            !(is_new(KEY) && is_new("secret-user")),
            "{}: {after:?}",
            run.name
        );
        before = after;
    });
}

/// What the requirer makes of a certificate with the key that it was given.
fn token(world: &mut World, app: &str, bag: &BTreeMap<String, String>, pem: &str) -> String {
    let content = world.secret_as(app, &bag[KEY]);
    let key = Fernet::new(&content["encryption-key"]).expect("a key");
    key.encrypt(pem.as_bytes())
}

pub(crate) fn across_models_a_clear_certificate_is_understood() {
    let (mut world, _) = deployed();
    let shown = certificate("client1");
    let (name, relation) = world.relate_remote("app");
    let app = V0::ask(&mut world.model, &name, relation, "/test/");
    let pairs = [
        ("mtls-cert", shown.certificate.as_str()),
        ("provided-secrets", ""),
    ];
    app.write(&mut world.model, &pairs);
    settle(&mut world, &app);
    let told = world.told(&app).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    // In place means another value of the same key here.
    let next = certificate("client1");
    app.write(&mut world.model, &[("mtls-cert", &next.certificate)]);
    settle(&mut world, &app);
    assert_eq!(world.told(&app).as_ref(), Some(&told));
    assert_serves(&mut world, &told, &next, "/test/");
    world.rest();
}

pub(crate) fn across_models_v0_is_given_a_key_before_its_answer() {
    let (mut world, unit) = deployed();
    let (name, relation) = world.relate_remote("app");
    let app = V0::ask(&mut world.model, &name, relation, "/test/");
    app.write(&mut world.model, &[("provided-secrets", "")]);
    settle(&mut world, &app);
    let bag = world.model.app_bag(relation, "etcd");
    assert_eq!(bag.keys().collect::<Vec<_>>(), [KEY]);
    // A certificate in clear that crosses our key on its way is not answered:
    // the same hook of the requirer replaces it.
    let shown = certificate("client1");
    app.write(&mut world.model, &[("mtls-cert", &shown.certificate)]);
    settle(&mut world, &app);
    assert_eq!(world.told(&app), None);

    let sent = token(&mut world, &name, &bag, &shown.certificate);
    let pairs = [(KEY, bag[KEY].as_str()), ("mtls-cert", &sent)];
    app.write(&mut world.model, &pairs);
    settle(&mut world, &app);
    let told = world.told(&app).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    assert_eq!(world.model.app_bag(relation, "etcd")[KEY], bag[KEY]);
    // The same certificate under another token is no other certificate.
    let starts = world.starts(&unit);
    let sent = token(&mut world, &name, &bag, &shown.certificate);
    app.write(&mut world.model, &[("mtls-cert", &sent)]);
    settle(&mut world, &app);
    assert_eq!(world.starts(&unit), starts);
    // A new one is.
    let next = certificate("client1");
    let sent = token(&mut world, &name, &bag, &next.certificate);
    app.write(&mut world.model, &[("mtls-cert", &sent)]);
    settle(&mut world, &app);
    assert_serves(&mut world, &told, &next, "/test/");
    assert!(!trusts(&world, &unit, &shown));

    world.model.remove_relation(relation);
    world.rest();
    assert_eq!(users(&world, &unit), ["root"]);
    assert_eq!(world.model.secrets("etcd").len(), 1, "the key goes as well");
}

pub(crate) fn an_echo_of_a_requirers_unit_is_not_answered() {
    let (mut world, _) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let before = world.model.app_bag(app.requirer.relation, "etcd");
    let echo = serde_json::to_string(&before).unwrap();
    world.model.relation_set_unit(
        app.requirer.relation,
        UnitName::new("app", 0),
        &[("data", &echo)],
    );
    let runs = world.settle();
    for run in named(&runs, "relation-changed") {
        assert_eq!(run.changes, []);
        // Reading the certificate may move what this unit tracks; that is all.
        let writers = run.calls.iter().filter(|call| call.writes);
        let writers: Vec<_> = writers.map(|call| call.tool.as_str()).collect();
        assert!(
            writers.iter().all(|tool| *tool == "secret-get"),
            "{writers:?}"
        );
        assert!(run.calls.len() <= 5, "{:#?}", run.calls);
    }
    assert_eq!(world.model.app_bag(app.requirer.relation, "etcd"), before);
    world.rest();
}
