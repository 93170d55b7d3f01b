//! Databags that no library writes, and texts that are hard to carry.

use serde_json::{Value, json};

use super::testing::{ETCD, Keys, answer, asked, bag};
use super::*;
use crate::request_id;

fn v1(requests: &Value) -> Databag {
    bag([("requests", &requests.to_string()), ("version", "v1")])
}

fn refusals(requests: &Value) -> Vec<String> {
    let asked = asked(&v1(requests));
    let of_requests = asked.requests.iter().filter_map(|entry| {
        let refusal = entry.outcome.as_ref().err()?;
        let id = entry.request.as_ref().expect("version 1 has ids");
        Some(format!("{id}: {refusal}"))
    });
    let unnamed = asked.unnamed.iter();
    of_requests
        .chain(unnamed.map(|entry| format!("#{}: {}", entry.position, entry.refusal)))
        .collect()
}

#[test]
fn nothing_is_asked_for_yet() {
    for nothing in [
        bag([]),
        bag([("requested-secrets", "[]"), ("secret-mtls", "secret:x")]),
        bag([("prefix", "")]),
        bag([("version", "v1")]),
        bag([("version", "v1"), ("requests", "[]")]),
        bag([("version", "v1"), ("requests", ""), ("prefix", "/")]),
    ] {
        assert_eq!(read::<Keys>(&ETCD, &nothing), Ok(None));
    }
}

#[test]
fn a_list_that_cannot_be_read_is_refused_as_a_whole() {
    let many = json!(vec![json!({"resource": "/"}); 101]).to_string();
    let large = format!("[\"{}\"]", "x".repeat(1024 * 1024));
    let deep = "[".repeat(100_000);
    for (requests, refusal) in [
        ("[{", RelationRefusal::RequestsNotJson),
        ("/test/", RelationRefusal::RequestsNotJson),
        ("[{}] more", RelationRefusal::RequestsNotJson),
        ("[\"\\ud800\"]", RelationRefusal::RequestsNotJson),
        (deep.as_str(), RelationRefusal::RequestsNotJson),
        ("{}", RelationRefusal::RequestsNotAList),
        ("null", RelationRefusal::RequestsNotAList),
        ("\"text\"", RelationRefusal::RequestsNotAList),
        ("17", RelationRefusal::RequestsNotAList),
        (&many, RelationRefusal::TooManyRequests),
        (&large, RelationRefusal::LargeRequests),
    ] {
        let bag = bag([("requests", requests), ("version", "v1")]);
        assert_eq!(read::<Keys>(&ETCD, &bag), Err(refusal));
    }
}

#[test]
fn another_version_is_refused() {
    for version in ["v2", "1", "\"v1\"", &"v".repeat(5_000)] {
        let refusal = read::<Keys>(&ETCD, &bag([("version", version), ("prefix", "/")]));
        let refusal = refusal.expect_err("it is not supported").to_string();
        assert!(refusal.len() < 100, "{refusal}");
    }
}

#[test]
fn each_bad_entry_has_its_reason_and_harms_no_other() {
    let entries = json!([
        {"resource": "/good/", "request-id": "a", "salt": "s"},
        {"resource": "", "request-id": "b"},
        {"resource": 5, "request-id": "c"},
        {"request-id": "d", "resource": null},
        {"resource": "/", "request-id": "e", "secret-mtls": "file:///etc/passwd"},
        {"resource": "/", "request-id": "f", "secret-mtls": ["x"]},
        {"resource": "/", "request-id": "g", "salt": "x".repeat(129)},
        {"resource": "/", "request-id": "h", "mtls-cert": "x".repeat(300_000)},
        {"resource": "\u{0}etcd", "request-id": "i"},
        {"resource": "/", "request-id": "j", "secret-mtls": "secret:cuvbv6p34trs48a10a2g --peek"},
        {"resource": "/x/", "request-id": "a"},
        "text",
        null,
        {"resource": "/", "request-id": "../../x"},
        {"resource": "/", "request-id": 5},
        {"salt": "s"},
        {"resource": "/", "salt": 5},
    ]);
    let read = asked(&v1(&entries));
    assert_eq!(read.requests.len() + read.unnamed.len(), 17);
    assert!(read.requests[0].outcome.is_ok());
    assert_eq!(
        refusals(&entries),
        [
            "b: the keys are empty",
            "c: resource is not text",
            "d: the request names no resource",
            "e: not a secret URI: \"file:///etc/passwd\"",
            "f: secret-mtls is not text",
            "g: the salt is longer than 128 bytes",
            "h: the certificate is larger than 262144 bytes",
            "i: the keys are reserved",
            "j: not a secret URI: \"secret:cuvbv6p34trs48a10a2g --peek\"",
            "#10: the request id a is there twice",
            "#11: the request is not a JSON object",
            "#12: the request is not a JSON object",
            "#13: not a request id: \"../../x\"",
            "#14: request-id is not text",
            "#15: the request names no resource",
            "#16: salt is not text",
        ]
    );
}

#[test]
fn a_bad_v0_request_is_the_only_one_of_its_relation() {
    for (key, value) in [
        ("prefix", "\0"),
        ("secret-mtls", "secret:short"),
        ("mtls-cert", &"x".repeat(300_000)),
    ] {
        let mut bag = bag([("prefix", "/")]);
        bag.insert(key.to_owned(), value.to_owned());
        let asked = asked(&bag);
        assert_eq!(asked.requests.len(), 1);
        assert_eq!(asked.requests[0].request, None);
        assert!(asked.requests[0].outcome.is_err(), "{key}");
        assert!(write(&asked, &[]).is_empty());
    }
}

#[test]
fn names_that_the_libraries_only_read_are_read() {
    let plain = asked(&v1(&json!([
        {"resource": "/", "request-id": "a", "salt": "s", "secret-mtls": "secret:dgn34ncrkv8nhk3si8n4",
         "extra-user-roles": "admin", "unknown": {"a": []}}
    ])));
    let other = asked(&v1(&json!([
        {"prefix": "/", "request_id": "a", "salt": "s", "secret_mtls": "secret:dgn34ncrkv8nhk3si8n4"}
    ])));
    assert_eq!(plain, other);
}

#[test]
fn hard_texts_come_back_as_they_were() {
    for text in [
        "123",
        "true",
        "null",
        "-x/",
        " a ",
        "\"q\"",
        "[]",
        "{}",
        "ü/€/🦀",
        "a\u{1}\n\u{7f}",
        "\u{2028}",
        "<&>",
    ] {
        let v0 = asked(&bag([("prefix", text)]));
        let request = v0.requests[0].outcome.as_ref().expect("it is a prefix");
        assert_eq!(request.resource.as_str(), text);

        let entries = json!([{"resource": text, "request-id": null, "salt": text}]);
        let v1 = asked(&v1(&entries));
        let id = request_id(text, text);
        assert_eq!(v1.requests[0].request.as_ref(), Some(&id));
        let answer = answer(
            &v1.requests[0],
            "secret:dp9n0q3bkjhgqjlot0na",
            "secret:d4gcn48lf6uro2adu250",
        );
        let written = write(&v1, &[answer]);
        let responses: Value = serde_json::from_str(&written["requests"]).expect("JSON");
        assert_eq!(responses[0]["resource"], text);
        assert_eq!(responses[0]["salt"], text);
        let data: Value = serde_json::from_str(&written["data"]).expect("JSON");
        assert_eq!(data[id.as_str()]["resource"], text);
    }
}

#[test]
fn what_was_written_is_read_back() {
    let requests = json!([{"resource": "/a/", "salt": "1"}, {"resource": "/b/", "salt": "2"}]);
    for asked in [asked(&v1(&requests)), asked(&bag([("prefix", "/")]))] {
        let answers: Vec<_> = asked
            .requests
            .iter()
            .map(|entry| {
                answer(
                    entry,
                    "secret:dp9n0q3bkjhgqjlot0na",
                    "secret:d4gcn48lf6uro2adu250",
                )
            })
            .collect();
        let published = read_published(&ETCD, &write(&asked, &answers));
        assert_eq!(published.len(), answers.len());
        for answer in answers {
            let published = &published[&answer.request];
            assert_eq!(published.secret_user.as_ref(), Some(&answer.secret_user));
            assert_eq!(published.secret_tls.as_ref(), Some(&answer.secret_tls));
            assert_eq!(published.endpoints, ["10.0.0.1:2379", "10.0.0.2:2379"]);
            assert_eq!(published.version.as_deref(), Some("3.6.4"));
        }
    }
}

#[test]
fn garbage_of_our_own_counts_as_nothing() {
    for garbage in ["", "x", "{}", "[5]", r#"[{"request-id": "../x"}]"#, "[{}]"] {
        let bag = bag([("version", "v1"), ("requests", garbage)]);
        assert!(read_published(&ETCD, &bag).is_empty(), "{garbage}");
    }
    assert!(read_published(&ETCD, &bag([("encryption-secret", "x")])).is_empty());
    let published = read_published(&ETCD, &bag([("secret-user", "x"), ("endpoints", ",,")]));
    assert!(published.is_empty());
}
