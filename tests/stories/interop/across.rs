//! A requirer in another model. It cannot share a secret, so it sends its
//! certificate encrypted, with a key that the provider shares with it.

use libtest_mimic::Trial;
use serde_json::Value;

use crate::interop::story::{Story, assert_serves, story};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("v1_across_models", across_models),
        story("v1_across_models_after_failed_commit", after_failed_commit),
    ]
}

fn across_models(mut story: Story) {
    let old = story.certificate("client1");
    let (app, relation) = story.ask_v1_remotely(&[("/test/", Some(&old))]);
    let fired = story.rest_told(&app, &["resource_created"]);
    let created = fired[0].clone();
    assert_eq!(created.response("username"), "client1");
    story.assert_serves_v1(&created, &old, "/test/");
    let asked = story.world.model.app_bag(relation, &app);
    let asked: Vec<Value> = serde_json::from_str(&asked["requests"]).unwrap();
    assert_eq!(asked[0]["secret-mtls"], Value::Null);
    let token = asked[0]["mtls-cert"].as_str().unwrap();
    assert!(token.starts_with("gAAAA"), "the certificate is encrypted");

    let new = story.certificate("client1");
    story.wish(&app, &[("/test/", Some(&new))]);
    story.rest_told(&app, &[]);
    story.assert_serves_v1(&created, &new, "/test/");
    story.assert_shuts_out_v1(&created, &old);

    let more = story.certificate("client2");
    story.wish(&app, &[("/test/", Some(&new)), ("/more/", Some(&more))]);
    let fired = story.rest_told(&app, &["resource_created"]);
    let client = story.client_v1(&fired[0], &more);
    assert_serves(&client, "/more/");
    assert_eq!(story.users(), ["client1", "client2"]);

    story.world.model.remove_relation(relation);
    story.rest();
    assert_eq!(story.users(), [""; 0]);
    story.assert_shut_out(&client);
}

/// A commit that fails half-way keeps the secrets that the hook has made (Juju
/// 3.6). The next hook finds them by their labels, and whoever reads them in
/// another model needs to be told in which model they are.
fn after_failed_commit(mut story: Story) {
    let certificate = story.certificate("client1");
    let (app, relation) = story.ask_v1_remotely(&[("/test/", Some(&certificate))]);
    // First the key for the certificate, then what belongs to the answer.
    story.fail_commit_with_secrets();
    while !story.answer(relation).contains_key("encryption-secret") {
        story.step();
    }
    story.fail_commit_with_secrets();
    let fired = story.rest_told(&app, &["resource_created"]);
    story.assert_serves_v1(&fired[0], &certificate, "/test/");
}
