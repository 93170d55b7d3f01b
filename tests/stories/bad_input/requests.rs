//! Requests that are no requests, or far too many, or far too large.

use etcd_charm_world::World;
use serde_json::{Value, json};

use super::Neighbours;
use crate::support::{
    application_message, ask_v0, ask_v1, assert_serves, certificate, deployed, id, listed, users,
};

pub(crate) fn what_is_no_list_of_requests() {
    let mut story = Neighbours::new();
    let deep = "[".repeat(100_000);
    let list = |text: &str| {
        vec![
            ("version".to_owned(), "v1".to_owned()),
            ("requests".to_owned(), text.to_owned()),
        ]
    };
    let version = |text: &str| vec![("version".to_owned(), text.to_owned())];
    for (pairs, reason) in [
        (list("{"), "the requests are not JSON"),
        (list("not even close"), "the requests are not JSON"),
        (
            list("[{\"resource\": \"/a/\"}] more"),
            "the requests are not JSON",
        ),
        (list(&deep), "the requests are not JSON"),
        (list("[\"\\ud800\"]"), "the requests are not JSON"),
        (
            list("{\"resource\": \"/a/\"}"),
            "the requests are not a list",
        ),
        (list("\"text\""), "the requests are not a list"),
        (list("17"), "the requests are not a list"),
        (list("null"), "the requests are not a list"),
        (
            version("v2"),
            "unsupported version of the interface: \"v2\"",
        ),
        (
            version("3.6.4"),
            "unsupported version of the interface: \"3.6.4\"",
        ),
        (
            version("\n\u{202e}\u{7}".repeat(999).as_str()),
            "unsupported version of the interface: ",
        ),
    ] {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        story.write(&pairs);
        story.assert_refused(pairs.last().unwrap().1, reason);
    }
    story.assert_mended();
}

pub(crate) fn fields_of_the_wrong_type() {
    let mut story = Neighbours::new();
    let uri = story.share(&certificate("client1").certificate);
    let base = json!({
        "resource": "/a/", "request-id": id(0), "salt": "salt", "secret-mtls": uri,
    });
    let with = |key: &str, value: Value| {
        let mut request = base.clone();
        request[key] = value;
        json!([request])
    };
    for (requests, reason) in [
        (
            json!([1]),
            "request 1 of the list: the request is not a JSON object",
        ),
        (
            json!([[], null]),
            "request 1 of the list: the request is not a JSON object",
        ),
        (with("request-id", json!(7)), "request-id is not text"),
        (with("request-id", json!("a/b")), "request 1 of the list: "),
        (
            with("request-id", json!("../\u{0}")),
            "request 1 of the list: ",
        ),
        (with("resource", json!(7)), "resource is not text"),
        (with("resource", json!(["/a/"])), "resource is not text"),
        (
            with("resource", json!("\u{0}etcd-charm/")),
            "reserved for the charm",
        ),
        (with("salt", json!({"a": 1})), "salt is not text"),
        (with("secret-mtls", json!([uri])), "secret-mtls is not text"),
        (
            with("secret-mtls", json!("https://example.org/")),
            "https://example.org/",
        ),
        (with("secret-mtls", json!("secret:short")), "secret:short"),
        (
            with("secret-mtls", json!("secret:cuvbv6p34trs48a10a2g --peek")),
            "secret",
        ),
    ] {
        let requests = requests.to_string();
        story.write(&[("version", "v1"), ("requests", &requests)]);
        story.assert_refused(&requests, reason);
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
    let few = &many[..101];
    let mut salted = request(0);
    salted["salt"] = json!(large[..129]);
    let mut wide = request(0);
    wide["resource"] = json!(large);
    let mut long = request(0);
    long["resource"] = json!(large[..1025]);
    for (requests, reason) in [
        (json!(many), "there are more than 100 requests"),
        (json!(few), "there are more than 100 requests"),
        (json!([wide, wide]), "the requests are larger than"),
        (json!([long]), "the prefix is longer than"),
        (json!([salted]), "the salt is longer than"),
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

    // What was good turns bad: it keeps what it has until it says otherwise.
    (story.starts, story.trust) = (
        story.world.starts(&story.unit),
        story.world.trust_file(&story.unit),
    );
    story.write(&[("requests", "{")]);
    story.world.settle();
    assert!(application_message(&story.world).contains("not JSON"));
    assert!(client.run(&["put", "/good/key", "2"]).ok);
    story.assert_unharmed("bad after good");
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
