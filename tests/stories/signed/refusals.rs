//! Requests for certificates that are refused: seen by the operator, and harmless
//! to others.

use etcd_charm_world::SigningRequest;
use serde_json::{Value, json};

use super::{ask, with_access};
use crate::support::{application_message, assert_serves, deployed, listed};

/// The longest message of a status.
const STATUS_LENGTH: usize = 100;

pub(crate) fn are_seen() {
    let (mut world, unit) = deployed();
    let rival = world.relate_certificates("rival");
    let request = SigningRequest::new("root");
    world.ask_to_sign(&rival, &[&request]);
    // The hook of the request alone is enough.
    world.settle();
    let message = application_message(&world);
    assert_eq!(message, "rival refused: common name root is reserved");
    let table = listed(&mut world, &unit);
    let expected = "certificate: common name root is reserved";
    assert!(
        table.contains("refused") && table.contains(expected),
        "{table}"
    );
    // Others do not hide it, and are served.
    let (_, shown, requirer) = with_access(&mut world, "app");
    world.settle();
    let told = world.told(&requirer).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/app/");
    assert_eq!(application_message(&world), message);
    // Corrected, and the relation gone, it is seen no more.
    let good = SigningRequest::new("rival");
    world.ask_to_sign(&rival, &[&request, &good]);
    world.settle();
    assert_eq!(application_message(&world), message);
    world.ask_to_sign(&rival, &[&good]);
    world.settle();
    assert!(!application_message(&world).contains("refused"));
    world.ask_to_sign(&rival, &[&request]);
    world.settle();
    world.model.remove_relation(rival.relation);
    world.rest();
    assert!(!application_message(&world).contains("refused"));
    assert!(!listed(&mut world, &unit).contains("rival"));
}

pub(crate) fn beside_a_thousand_of_nonsense() {
    let (mut world, _) = deployed();
    let (rival, good) = ask(&mut world, "rival");
    let entry = |number: usize| match number % 4 {
        0 => json!({ "certificate_signing_request": good.csr, "ca": true }),
        1 => json!({ "certificate_signing_request": format!("nonsense {number}"), "ca": false }),
        2 => json!({ "certificate_signing_request": good.csr, "ca": "perhaps" }),
        _ => json!(number),
    };
    let mut entries: Vec<Value> = (0..1000).map(entry).collect();
    let key = "certificate_signing_requests";
    let write = |world: &mut etcd_charm_world::World, text: &str| {
        let (relation, app) = (rival.relation, &rival.app);
        world.model.relation_set_app(relation, app, &[(key, text)]);
    };
    write(&mut world, &Value::from(entries.clone()).to_string());
    let (_, shown, requirer) = with_access(&mut world, "app");
    world.rest();
    let told = world.told(&requirer).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/app/");
    let message = application_message(&world);
    assert!(message.starts_with("rival refused: "), "{message}");
    assert!(message.chars().count() <= STATUS_LENGTH, "{message}");
    // One that is in order is answered beside them.
    entries.truncate(50);
    let request = json!({ "certificate_signing_request": good.csr, "ca": false });
    entries.retain(|entry| entry["ca"] != json!(true));
    entries.insert(7, request);
    write(&mut world, &Value::from(entries).to_string());
    world.rest();
    assert!(world.signed(&rival, &good).is_some());
    // What is no list says nothing about what was asked for before.
    for text in ["nonsense", "{}", "[", "null"] {
        write(&mut world, text);
        world.rest();
        assert!(world.signed(&rival, &good).is_some(), "{text}");
        let message = application_message(&world);
        assert!(message.starts_with("rival refused: "), "{text}: {message}");
    }
    assert_serves(&mut world, &told, &shown, "/app/");
}
