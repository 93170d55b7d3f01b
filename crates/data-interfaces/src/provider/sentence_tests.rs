//! What requirers rely on, a test for each sentence about it. A sentence keeps its
//! number in the stories about the whole charm, so that both can be found by it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::testing::{ETCD, Keys, answer, asked, bag, v0_requirer, v1_requirer};
use super::*;
use crate::{UserSecret, tls_secret};

const USER: &str = "secret:dp9n0q3bkjhgqjlot0na";
const TLS: &str = "secret:d4gcn48lf6uro2adu250";

fn two_requests() -> Databag {
    let requests = json!([
        {"resource": "/a/", "request-id": "3541b56b8ae09e79", "salt": "6H0JxX6X7KnzG5at"},
        {"resource": "/b/", "request-id": "e16406dc28b9cb12", "salt": "WU2bmSWUKOgDWM8Q"},
    ]);
    bag([("requests", &requests.to_string()), ("version", "v1")])
}

fn answers(asked: &Requests<Keys>) -> Vec<Response> {
    let entries = asked.requests.iter();
    entries.map(|entry| answer(entry, USER, TLS)).collect()
}

fn parsed(bag: &Databag, key: &str) -> Value {
    serde_json::from_str(&bag[key]).expect("it is JSON")
}

#[test]
fn sentence_02_every_response_has_an_object_in_data() {
    let asked = asked(&two_requests());
    let written = write(&asked, &answers(&asked));
    let data = parsed(&written, "data");
    let responses = parsed(&written, "requests");
    let responses = responses.as_array().expect("a list");
    assert_eq!(responses.len(), 2);
    for response in responses {
        let id = response["request-id"].as_str().expect("an id");
        assert!(data[id].is_object());
    }
    // Also if the request is not among those that were asked.
    let none = Requests {
        requests: Vec::new(),
        ..asked.clone()
    };
    assert_eq!(parsed(&write(&none, &answers(&asked)), "data"), data);
}

#[test]
fn sentence_03_version_at_the_top_is_that_of_the_protocol() {
    let asked = asked(&v1_requirer());
    let written = write(&asked, &answers(&asked));
    assert_eq!(written["version"], "v1");
    assert_eq!(parsed(&written, "requests")[0]["version"], "3.6.4");
}

#[test]
fn sentence_04_each_dialect_says_in_its_words_that_tls_is_on() {
    for (dialect, expected) in [(Dialect::V0, "True"), (Dialect::V1, "true")] {
        let content = tls_secret(&ETCD, dialect, Some("-----BEGIN"));
        assert_eq!(content["tls"].expose(), expected);
        assert_eq!(content["tls-ca"].expose(), "-----BEGIN");
        assert_eq!(content.len(), 2);
    }
}

#[test]
fn sentence_05_a_requirer_is_answered_in_its_own_dialect() {
    let v0 = asked(&v0_requirer());
    let v0 = write(&v0, &answers(&v0));
    let keys: Vec<_> = v0.keys().collect();
    assert_eq!(keys, ["endpoints", "secret-tls", "secret-user", "version"]);

    let v1 = asked(&v1_requirer());
    let v1 = write(&v1, &answers(&v1));
    let keys: Vec<_> = v1.keys().collect();
    assert_eq!(keys, ["data", "requests", "version"]);

    // A requirer that changes over finds nothing of the other dialect.
    let change = changes(&ETCD, &v0, &v1);
    assert_eq!(change["endpoints"], None);
    assert_eq!(change["secret-user"], None);
    assert_eq!(change["version"].as_deref(), Some("v1"));
}

#[test]
fn sentence_11_endpoints_are_sorted_and_stable() {
    let asked = asked(&v1_requirer());
    let mut answers = answers(&asked);
    let written = write(&asked, &answers);
    let endpoints = "10.0.0.1:2379,10.0.0.2:2379";
    assert_eq!(parsed(&written, "requests")[0]["endpoints"], endpoints);

    answers[0].endpoints.reverse();
    answers[0].endpoints.push("10.0.0.1:2379".to_owned());
    assert_eq!(
        changes(&ETCD, &written, &write(&asked, &answers)),
        BTreeMap::new()
    );

    let content = UserSecret {
        username: "client1",
        password: None,
        uris: Some(UserSecret::uris("https", &answers[0].endpoints)),
    }
    .content();
    assert_eq!(
        content["uris"].expose(),
        "https://10.0.0.1:2379,https://10.0.0.2:2379"
    );
    assert_eq!(content["username"].expose(), "client1");
    assert_eq!(content.len(), 2);
}

#[test]
fn sentence_11_a_difference_in_writing_alone_is_no_change() {
    let asked = asked(&v1_requirer());
    let answers = answers(&asked);
    let wanted = write(&asked, &answers);
    let mut own = wanted.clone();
    let long = USER.replace("secret:", "secret://9d39bbbe-d95a-405d-8573-6835864daf92/");
    for key in ["requests", "data"] {
        let json = parsed(&wanted, key);
        let text = serde_json::to_string_pretty(&json).expect("it is JSON");
        own.insert(key.to_owned(), text.replace(USER, &long));
    }
    assert_ne!(own, wanted);
    assert_eq!(changes(&ETCD, &own, &wanted), BTreeMap::new());

    let own = bag([("secret-user", &long), ("endpoints", "a")]);
    let wanted = bag([("secret-user", USER), ("endpoints", "a")]);
    assert_eq!(changes(&ETCD, &own, &wanted), BTreeMap::new());

    // Another secret is a change.
    let wanted = bag([("secret-user", TLS), ("endpoints", "a")]);
    assert_eq!(changes(&ETCD, &own, &wanted).len(), 1);
}

#[test]
fn sentence_16_a_request_without_id_is_answered_under_the_computed_one() {
    for id in [json!(null), json!("")] {
        let requests = json!([{"resource": "/c/", "salt": "EcJGM1Fpe1W5gpaT", "request-id": id}]);
        let asked = asked(&bag([
            ("requests", &requests.to_string()),
            ("version", "v1"),
        ]));
        let written = write(&asked, &answers(&asked));
        let response = &parsed(&written, "requests")[0];
        assert_eq!(response["request-id"], "ac224273fc4e734c");
        let data = parsed(&written, "data");
        assert_eq!(data["ac224273fc4e734c"]["request-id"], "ac224273fc4e734c");
    }
}

#[test]
fn sentence_18_response_and_data_go_together() {
    let asked = asked(&two_requests());
    let mut answers = answers(&asked);
    let own = write(&asked, &answers);
    let mut fewer = asked;
    fewer.requests.remove(0);
    answers.remove(0);
    let written = write(&fewer, &answers);
    assert_eq!(
        parsed(&written, "requests").as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(
        parsed(&written, "data").as_object().map(|data| data.len()),
        Some(1)
    );
    let keys: Vec<_> = changes(&ETCD, &own, &written).into_keys().collect();
    assert_eq!(keys, ["data", "requests"]);

    // The last one takes everything with it, but never the encryption secret.
    let mut own = own;
    own.insert(crate::ENCRYPTION_SECRET.to_owned(), "secret:x".to_owned());
    own.insert("other".to_owned(), "kept".to_owned());
    let change = changes(&ETCD, &own, &write(&fewer, &[]));
    let keys: Vec<_> = change.keys().collect();
    assert_eq!(keys, ["data", "requests", "version"]);
    assert!(change.values().all(Option::is_none));
}
