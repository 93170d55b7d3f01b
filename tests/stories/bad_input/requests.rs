//! Requests that are no requests, or far too many, or far too large.

use etcd_charm_world::World;
use serde_json::{Value, json};

use super::Neighbours;
use crate::support::{
    application_message, ask_v0, ask_v1, assert_serves, certificate, deployed, id, listed, users,
};

/// One of each kind: the codec has a test with many of each, and their reasons.
pub(crate) fn what_is_no_request() {
    let mut story = Neighbours::new();
    let uri = story.share(&certificate("client1").certificate);
    let version = "\n\u{202e}\u{7}".repeat(999);
    story.write(&[("version", &version)]);
    story.assert_refused(&version, "unsupported version of the interface: ");
    let with = |key: &str, value: Value| {
        let mut request = json!({
            "resource": "/a/", "request-id": id(0), "salt": "salt", "secret-mtls": uri,
        });
        request[key] = value;
        json!([request]).to_string()
    };
    let hostile_id = with("request-id", json!("../\u{0}"));
    let reserved = with("resource", json!("\u{0}etcd-charm/"));
    let short = with("secret-mtls", json!("secret:short"));
    for (requests, reason) in [
        ("{", "the requests are not JSON"),
        ("null", "the requests are not a list"),
        ("[[], null]", "request 1 of the list: the request is not"),
        (&hostile_id, "request 1 of the list: "),
        (&with("resource", json!(["/a/"])), "resource is not text"),
        (&reserved, "reserved for the charm"),
        (&short, "secret:short"),
    ] {
        story.write(&[("version", "v1"), ("requests", requests)]);
        story.assert_refused(requests, reason);
    }
    // The same in version 0, where all is text: only what a URI is can be wrong.
    story.write(&[("version", ""), ("requests", ""), ("prefix", "/a/")]);
    for uri in ["7", "secret:", "-r", "\n"] {
        story.write(&[("secret-mtls", uri)]);
        story.assert_refused(uri, "secret");
    }
    story.assert_mended();
}

pub(crate) fn of_any_size() {
    let mut story = Neighbours::new();
    let uri = story.share(&certificate("client1").certificate);
    let large = "x".repeat(1_000_000);
    story.write(&[("prefix", &large), ("secret-mtls", &uri)]);
    story.assert_refused("a prefix of 1 MB", "the prefix is longer than 1024 bytes");
    story.write(&[("prefix", "/a/"), ("secret-mtls", &large)]);
    story.assert_refused("a URI of 1 MB", "secret");
    story.write(&[("secret-mtls", ""), ("mtls-cert", &large)]);
    story.assert_refused("a certificate of 1 MB", "the certificate is larger than");
    let uri_of_large = story.share(&large);
    story.write(&[("mtls-cert", ""), ("secret-mtls", &uri_of_large)]);
    story.assert_refused("a secret of 1 MB", "the text is longer than");

    let request = |number: usize| {
        json!({
            "resource": format!("/{number}/"), "request-id": id(number), "salt": "s", "secret-mtls": uri,
        })
    };
    let many: Vec<Value> = (0..5000).map(request).collect();
    let mut wide = request(0);
    wide["resource"] = json!(large);
    for (requests, reason) in [
        (json!(many), "there are more than 100 requests"),
        (json!([wide, wide]), "the requests are larger than"),
    ] {
        let requests = requests.to_string();
        story.write(&[("version", "v1"), ("requests", &requests)]);
        story.assert_refused(&format!("{} bytes", requests.len()), reason);
    }
    story.assert_mended();
}

pub(crate) fn beside_a_good_request() {
    let mut story = Neighbours::new();
    let shown = certificate("client1");
    let uri = story.share(&shown.certificate);
    let good = json!({
        "resource": "/good/", "request-id": id(0), "salt": "s", "secret-mtls": uri,
    });
    // An id that is there twice, an entry without a name, and a bad prefix.
    let mut twice = good.clone();
    twice["resource"] = json!("/other/");
    let empty = json!({ "resource": "", "request-id": id(1), "salt": "s", "secret-mtls": uri });
    let requests = json!([null, good, twice, empty]).to_string();
    story.write(&[("version", "v1"), ("requests", &requests)]);
    story.world.rest();
    assert_eq!(
        users(&story.world, &story.unit),
        ["client1", "new", "old", "root"]
    );
    let bag = story.world.model.app_bag(story.bad, "etcd");
    let answers: Value = serde_json::from_str(&bag["requests"]).unwrap();
    assert_eq!(answers.as_array().unwrap().len(), 1);
    assert_eq!(answers[0]["resource"], "/good/");
    let user = story
        .world
        .secret_as("bad", answers[0]["secret-user"].as_str().unwrap());
    let tls = story
        .world
        .secret_as("bad", answers[0]["secret-tls"].as_str().unwrap());
    let client = story
        .world
        .client_told(&user["uris"], &shown, &tls["tls-ca"]);
    assert!(client.run(&["put", "/good/key", "1"]).ok);
    let message = application_message(&story.world);
    assert!(message.contains("request 1 of the list: "), "{message}");
    let listed = listed(&mut story.world, &story.unit);
    assert!(listed.contains("the prefix is empty"), "{listed}");
    story.world.rest();
}

/// What cannot be read says nothing about what was granted before: the client
/// keeps its access, and the answer that tells it how to use it.
pub(crate) fn in_place_of_a_granted_request() {
    let (mut world, _) = deployed();
    let (v0, v1) = (certificate("old"), certificate("new"));
    let old = ask_v0(&mut world, "old", "/old/", &v0);
    let new = ask_v1(&mut world, "new", &[("/new/", Some(&v1))]);
    world.rest();
    let answers = |world: &mut World| {
        let bags = [old.relation, new.relation].map(|id| world.model.app_bag(id, "etcd"));
        let told = world.told_for(&new, &id(0)).expect("an answer");
        assert_serves(world, &told, &v1, "/new/");
        let told = world.told(&old).expect("an answer");
        assert_serves(world, &told, &v0, "/old/");
        bags
    };
    let before = answers(&mut world);
    let bag = world.model.app_bag(new.relation, "new");
    let requests = bag["requests"].replace("\"/new/\"", "7");
    assert_ne!(requests, bag["requests"]);
    let model = &mut world.model;
    model.relation_set_app(new.relation, "new", &[("requests", &requests)]);
    model.relation_set_app(old.relation, "old", &[("secret-mtls", "nothing")]);
    world.rest();
    assert_eq!(answers(&mut world), before);
    let message = application_message(&world);
    assert_eq!(message.matches(" refused: ").count(), 2, "{message}");
}
