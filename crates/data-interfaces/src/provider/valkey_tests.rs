//! An interface without client certificates and with further response fields.

use serde_json::{Value, json};

use super::testing::{VALKEY, answer, asked_over, bag, v1_valkey_requirer};
use super::*;
use crate::Field;

const USER: &str = "secret:k011j522j04tsndvdi5d";
const TLS: &str = "secret:fuxpjln6jfhghx83ofl6";

fn with_fields(response: Response, read_only: &str) -> Response {
    Response {
        endpoints: vec!["10.0.0.1:6379".to_owned()],
        version: "9.0.1".to_owned(),
        fields: [
            (Field::MODE, "sentinel"),
            (Field::READ_ONLY_ENDPOINTS, read_only),
            (Field::SENTINEL_ENDPOINTS, "10.0.0.1:26379,10.0.0.2:26379"),
        ]
        .map(|(field, value)| (field, value.to_owned()))
        .into(),
        ..response
    }
}

fn v0_requirer() -> Databag {
    bag([
        ("database", "application:*"),
        ("provided-secrets", r#"["mtls-cert"]"#),
        ("requested-secrets", r#"["username", "password"]"#),
    ])
}

#[test]
fn a_v0_answer_has_both_spellings_of_sentinels() {
    let asked = asked_over(&VALKEY, &v0_requirer());
    let response = with_fields(answer(&asked.requests[0], USER, TLS), "10.0.0.2:6379");
    let written = write(&asked, std::slice::from_ref(&response));
    let expected = bag([
        ("endpoints", "10.0.0.1:6379"),
        ("mode", "sentinel"),
        ("read-only-endpoints", "10.0.0.2:6379"),
        ("secret-tls", TLS),
        ("secret-user", USER),
        ("sentinel-endpoints", "10.0.0.1:26379,10.0.0.2:26379"),
        ("sentinel_endpoints", "10.0.0.1:26379,10.0.0.2:26379"),
        ("version", "9.0.1"),
    ]);
    assert_eq!(written, expected);

    // Existing providers have one of the spellings.
    let mut theirs = written.clone();
    theirs.remove("sentinel-endpoints");
    let published = read_published(&VALKEY, &theirs);
    assert_eq!(published[&None].fields, response.fields);

    // The last replica goes, and then the request.
    let fewer = write(&asked, &[with_fields(response, "")]);
    let change = changes(&VALKEY, &written, &fewer);
    assert_eq!(change, [("read-only-endpoints".to_owned(), None)].into());
    let change = changes(&VALKEY, &written, &Databag::new());
    assert!(change.keys().eq(written.keys()) && change.values().all(Option::is_none));
}

#[test]
fn a_v1_answer_has_the_fields_in_its_response() {
    let asked = asked_over(&VALKEY, &v1_valkey_requirer());
    let response = with_fields(answer(&asked.requests[0], USER, TLS), "");
    let written = write(&asked, std::slice::from_ref(&response));
    let keys: Vec<_> = written.keys().collect();
    assert_eq!(keys, ["data", "requests", "version"]);
    let responses: Value = serde_json::from_str(&written["requests"]).expect("JSON");
    assert_eq!(
        responses,
        json!([{
            "resource": "application:*", "request-id": "aab671783f226b26", "salt": "QBXthX2z8LjJeVb3",
            "endpoints": "10.0.0.1:6379", "read-only-endpoints": "", "mode": "sentinel",
            "sentinel-endpoints": "10.0.0.1:26379,10.0.0.2:26379",
            "secret-user": USER, "secret-tls": TLS, "version": "9.0.1",
        }])
    );
    let published = read_published(&VALKEY, &written);
    let published = &published[&asked.requests[0].request];
    assert_eq!(published.fields, response.fields);
    assert_eq!(published.correlation, response.correlation);
}

#[test]
fn nothing_is_read_of_a_certificate() {
    let bad = json!([{"resource": "a:*", "salt": "s", "secret-mtls": 5, "mtls-cert": ["x"]}]);
    let v1 = bag([("version", "v1"), ("requests", &bad.to_string())]);
    let v0 = bag([("database", "a:*"), ("secret-mtls", "no URI")]);
    for bag in [v0, v1] {
        let asked = asked_over(&VALKEY, &bag);
        let request = asked.requests[0].outcome.as_ref().expect("well formed");
        assert_eq!(request.certificate, OfferedCertificate::None);
        assert_eq!(request.correlation.secret_mtls, None);
    }
}

#[test]
fn a_kind_of_account_is_seen() {
    for (kind, expected) in [
        (json!(null), false),
        (json!("USER"), true),
        (json!(5), true),
    ] {
        let entries = json!([{"resource": "a:*", "salt": "s", "entity-type": kind}]).to_string();
        let asked = asked_over(&VALKEY, &bag([("version", "v1"), ("requests", &entries)]));
        let request = asked.requests[0].outcome.as_ref().expect("well formed");
        assert_eq!(request.has_entity_type, expected);
    }
    let asked = asked_over(
        &VALKEY,
        &bag([("database", "a:*"), ("entity-type", "GROUP")]),
    );
    assert!(matches!(&asked.requests[0].outcome, Ok(request) if request.has_entity_type));
}
