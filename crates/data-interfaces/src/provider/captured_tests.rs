//! Databags as the libraries were seen to write them.

use serde_json::{Value, json};

use super::testing::{answer, asked, bag, uri, v0_requirer, v1_requirer};
use super::*;

#[test]
fn the_v0_library_asks_for_one_prefix() {
    let asked = asked(&v0_requirer());
    assert_eq!(asked.dialect, Dialect::V0);
    assert!(!asked.encryption_secret_copied);
    assert!(asked.unnamed.is_empty());
    let [entry] = asked.requests.as_slice() else {
        panic!("one request");
    };
    assert_eq!(entry.request, None);
    let request = entry.outcome.as_ref().expect("it is well formed");
    assert_eq!(request.resource.as_str(), "/test/");
    let certificate = uri("secret:dqhgta57akkhue4kgffq");
    assert_eq!(request.certificate, OfferedCertificate::Secret(certificate));
}

#[test]
fn the_v0_library_is_answered_as_by_its_own_provider() {
    let asked = asked(&v0_requirer());
    let answer = answer(
        &asked.requests[0],
        "secret:dgs83lke5491v8oktlj6",
        "secret:dfdmcuhkga48cf02ui9h",
    );
    let expected = bag([
        ("endpoints", "10.0.0.1:2379,10.0.0.2:2379"),
        ("secret-tls", "secret:dfdmcuhkga48cf02ui9h"),
        ("secret-user", "secret:dgs83lke5491v8oktlj6"),
        ("version", "3.6.4"),
    ]);
    assert_eq!(write(&asked, &[answer]), expected);
}

#[test]
fn both_v1_libraries_ask_the_same() {
    // `dpcharmlibs-interfaces` adds fields, none of which matters to etcd.
    let dplib = v1_requirer()["requests"].replace(
        r#""}]"#,
        r#"", "mtls-cert": null, "secret-requested-entity": null, "entity-name": null, "password": null, "prefix-matching": null, "entity-password": null}]"#,
    );
    for requests in [&v1_requirer()["requests"], &dplib] {
        let asked = asked(&bag([("requests", requests), ("version", "v1")]));
        assert_eq!(asked.dialect, Dialect::V1);
        let [entry] = asked.requests.as_slice() else {
            panic!("one request");
        };
        let id = entry.request.as_ref().expect("it has an id");
        assert_eq!(id.as_str(), "0b047bb88ba93a70");
        let request = entry.outcome.as_ref().expect("it is well formed");
        assert_eq!(request.resource.as_str(), "/test/");
        assert_eq!(request.correlation.salt, "KTRVA3q2u8N5IE3e");
        let certificate = uri("secret:dgn34ncrkv8nhk3si8n4");
        assert_eq!(request.certificate, OfferedCertificate::Secret(certificate));
    }
}

/// The captured answer, as JSON, without the fields that are `null`.
fn without_nulls(text: &str) -> Value {
    let mut list: Value = serde_json::from_str(text).expect("it is JSON");
    for response in list.as_array_mut().expect("a list") {
        let fields = response.as_object_mut().expect("an object");
        fields.retain(|_, value| !value.is_null());
    }
    list
}

#[test]
fn a_v1_library_is_answered_as_by_its_own_provider() {
    let asked = asked(&v1_requirer());
    let answer = answer(
        &asked.requests[0],
        "secret:dt4n1efhf5o27o3icvud",
        "secret:d39p3b0hc4ke3vkiuvip",
    );
    let written = write(&asked, &[answer]);

    let captured = r#"[{"resource": "/test/", "request-id": "0b047bb88ba93a70", "salt": "KTRVA3q2u8N5IE3e", "endpoints": "10.0.0.1:2379,10.0.0.2:2379", "read-only-endpoints": null, "secret-user": "secret:dt4n1efhf5o27o3icvud", "secret-tls": "secret:d39p3b0hc4ke3vkiuvip", "secret-extra": null, "secret-entity": null, "version": "3.6.4"}]"#;
    assert_eq!(without_nulls(&written["requests"]), without_nulls(captured));
    let data: Value = serde_json::from_str(&written["data"]).expect("it is JSON");
    assert_eq!(
        data,
        json!({"0b047bb88ba93a70": {
            "resource": "/test/", "request-id": "0b047bb88ba93a70",
            "salt": "KTRVA3q2u8N5IE3e", "secret-mtls": "secret:dgn34ncrkv8nhk3si8n4"
        }})
    );
    assert_eq!(written["version"], "v1");
    assert_eq!(written.len(), 3);
}

#[test]
fn a_request_without_certificate_waits_in_data_beside_an_answered_one() {
    let requests = r#"[{"resource": "/a/", "request-id": "3541b56b8ae09e79", "salt": "6H0JxX6X7KnzG5at", "secret-mtls": "secret:dbd4iudcls0v323o3fpe"}, {"resource": "/b/", "request-id": "e16406dc28b9cb12", "salt": "WU2bmSWUKOgDWM8Q", "secret-mtls": null}]"#;
    let asked = asked(&bag([("requests", requests), ("version", "v1")]));
    let waiting = asked.requests[1]
        .outcome
        .as_ref()
        .expect("it is well formed");
    assert_eq!(waiting.certificate, OfferedCertificate::None);
    let answer = answer(
        &asked.requests[0],
        "secret:dp9n0q3bkjhgqjlot0na",
        "secret:d4gcn48lf6uro2adu250",
    );
    let written = write(&asked, &[answer]);

    let responses: Value = serde_json::from_str(&written["requests"]).expect("it is JSON");
    assert_eq!(responses.as_array().expect("a list").len(), 1);
    assert_eq!(responses[0]["request-id"], "3541b56b8ae09e79");
    let data: Value = serde_json::from_str(&written["data"]).expect("it is JSON");
    assert_eq!(
        data,
        json!({
            "3541b56b8ae09e79": {
                "resource": "/a/", "request-id": "3541b56b8ae09e79",
                "salt": "6H0JxX6X7KnzG5at", "secret-mtls": "secret:dbd4iudcls0v323o3fpe"
            },
            "e16406dc28b9cb12": {
                "resource": "/b/", "request-id": "e16406dc28b9cb12",
                "salt": "WU2bmSWUKOgDWM8Q"
            }
        })
    );
}

#[test]
fn across_models_the_certificate_stands_in_the_databag() {
    for (text, expected) in [
        (
            "-----BEGIN",
            OfferedCertificate::Clear("-----BEGIN".to_owned()),
        ),
        (
            "gAAAAABx",
            OfferedCertificate::Encrypted("gAAAAABx".to_owned()),
        ),
    ] {
        let v0 = bag([
            ("prefix", "/"),
            ("mtls-cert", text),
            ("encryption-secret", "x"),
        ]);
        let requests = json!([{"resource": "/", "salt": "s", "mtls-cert": text}]).to_string();
        let v1 = bag([
            ("requests", &requests),
            ("version", "v1"),
            ("encryption-secret", "x"),
        ]);
        for bag in [v0, v1] {
            let asked = asked(&bag);
            assert!(asked.encryption_secret_copied);
            let request = asked.requests[0].outcome.as_ref().expect("well formed");
            assert_eq!(request.certificate, expected);
        }
    }
}
