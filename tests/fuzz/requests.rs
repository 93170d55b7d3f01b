//! What is read of what requirers write.

use std::collections::BTreeSet;

use etcd_charm::facts::Databag;
use etcd_charm::relation::{Asked, Dialect, OfferedCertificate, Request, fernet, read};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::bags::{FIELDS, bag};
use crate::texts::{edited, edits, json, text};
use crate::{assert_line, cases};

/// Most entries that are looked at.
const MAX_ENTRIES: usize = 100;

/// Longest salt, prefix and certificate.
const MAX_SALT: usize = 128;
const MAX_PREFIX: usize = 1024;
const MAX_CERTIFICATE: usize = 256 * 1024;

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn any_databag_is_read_or_refused_within_limits(bag in bag()) {
        check(&bag);
    }

    #[test]
    fn one_bad_entry_changes_nothing_of_the_others(
        intruder in prop_oneof![json(FIELDS), request(99)],
        good in 0..4_usize,
        at in any::<prop::sample::Index>(),
        broken in edits(),
    ) {
        let mut list: Vec<Value> = (0..good).map(honest).collect();
        let alone = requests(&list);
        // Changed in its text, so that no field of it is safe, but still JSON.
        let intruder = serde_json::from_str(&edited(&intruder.to_string(), &broken))
            .unwrap_or(intruder);
        // Who takes the id of another's entry is not read as another's.
        let claims = |key| intruder.get(key).and_then(Value::as_str);
        let claimed = [claims("request-id"), claims("request_id")];
        prop_assume!(!list.iter().any(|entry| claimed.contains(&entry["request-id"].as_str())));
        list.insert(at.index(good + 1), intruder);
        let together = requests(&list);
        for entry in alone.iter().flat_map(|asked| &asked.requests) {
            let asked = together.as_ref().unwrap();
            prop_assert!(asked.requests.contains(entry), "{entry:?} is not in {asked:?}");
        }
        let places = together.map_or(0, |asked| asked.requests.len() + asked.unnamed.len());
        prop_assert_eq!(places, good + 1);
    }

    #[test]
    fn a_token_is_refused_or_is_what_was_encrypted(edits in edits(), other in text()) {
        let key = etcd_charm::facts::Secret::new("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=".to_owned());
        let token = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        for token in [edited(token, &edits), other.clone()] {
            match fernet::decrypt(&key, &token) {
                Ok(text) => prop_assert_eq!(text, "hello"),
                Err(refusal) => assert_line(&refusal.to_string()),
            }
        }
        let _ = fernet::decrypt(&etcd_charm::facts::Secret::new(other), token);
    }
}

proptest! {
    // Large input takes seconds each time, and there is not much to vary in it:
    // more cases would keep all other tests waiting and find nothing.
    #![proptest_config(Config { cases: 2, ..cases(1) })]

    #[test]
    fn floods_are_refused(
        filler in prop::sample::select(&["[", "{\"a\":", "[],", "{},", "\"", "0,", "\u{0}"][..]),
        kibibytes in 250..1_100_usize,
    ) {
        let size = kibibytes * 1024;
        let flood: String = std::iter::repeat_n(filler, size / filler.len()).collect();
        for text in [flood.clone(), format!("[{flood}"), format!("[{}0]", "{},".repeat(200_000))] {
            let text = [("version", "v1"), ("requests", &text)];
            check(&text.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        }
        for key in ["prefix", "secret-mtls", "mtls-cert", "version"] {
            let mut bag = Databag::from([("prefix".to_owned(), "/a/".to_owned())]);
            bag.insert(key.to_owned(), flood.clone());
            check(&bag);
        }
        for field in ["mtls-cert", "request-id", "resource", "salt", "secret-mtls"] {
            let mut entry = honest(0);
            entry[field] = flood.clone().into();
            let _ = requests(&[entry, honest(1)]);
        }
    }
}

/// Reads a databag and asserts what callers rely on.
fn check(bag: &Databag) {
    let asked = match read(bag) {
        Ok(Some(asked)) => asked,
        Ok(None) => return,
        Err(refusal) => return assert_line(&refusal.to_string()),
    };
    assert_eq!(read(bag), Ok(Some(asked.clone())));
    assert!(asked.requests.len() + asked.unnamed.len() <= MAX_ENTRIES);
    let ids: BTreeSet<_> = asked.requests.iter().map(|entry| &entry.request).collect();
    assert_eq!(ids.len(), asked.requests.len(), "an id is there twice");
    match asked.dialect {
        Dialect::V0 => {
            assert_eq!(asked.requests.len(), 1);
            assert!(ids.contains(&None) && asked.unnamed.is_empty());
        }
        Dialect::V1 => assert!(!ids.contains(&None)),
    }
    for entry in &asked.requests {
        match &entry.outcome {
            Ok(request) => check_request(request),
            Err(refusal) => assert_line(&refusal.to_string()),
        }
    }
    for entry in &asked.unnamed {
        assert!(entry.position < MAX_ENTRIES);
        assert_line(&entry.refusal.to_string());
    }
}

fn check_request(request: &Request) {
    let prefix = request.resource.as_str();
    assert_eq!(
        request.correlation.resource, prefix,
        "nothing is trimmed or added"
    );
    assert!((1..=MAX_PREFIX).contains(&prefix.len()));
    let range = request.resource.range();
    assert_eq!(range.key, prefix.as_bytes());
    assert!(range.key[0] > 0, "the charm's own keys are out of reach");
    assert!(range.range_end > range.key || range.range_end == [0]);
    assert!(request.correlation.salt.len() <= MAX_SALT);
    assert!(
        request
            .correlation
            .secret_mtls
            .as_ref()
            .is_none_or(|uri| uri.len() < 80)
    );
    match &request.certificate {
        OfferedCertificate::None => {}
        OfferedCertificate::Clear(text) | OfferedCertificate::Encrypted(text) => {
            assert!(text.len() <= MAX_CERTIFICATE);
        }
        // It becomes an argument of a hook tool.
        OfferedCertificate::Secret(uri) => {
            assert!(!uri.as_str().starts_with('-') && uri.as_str().len() < 80);
        }
    }
}

/// An entry that nothing is wrong with.
fn honest(number: usize) -> Value {
    json!({
        "resource": format!("/{number}/"),
        "request-id": format!("{number:016x}"),
        "salt": "KTRVA3q2u8N5IE3e",
        "secret-mtls": "secret:dgn34ncrkv8nhk3si8n4",
    })
}

/// An entry with one field that may be anything.
fn request(number: usize) -> impl Strategy<Value = Value> {
    (prop::sample::select(FIELDS), json(FIELDS)).prop_map(move |(field, value)| {
        let mut entry = honest(number);
        entry[field] = value;
        entry
    })
}

fn requests(list: &[Value]) -> Option<Asked> {
    let bag = [
        ("requests".to_owned(), Value::from(list).to_string()),
        ("version".to_owned(), "v1".to_owned()),
    ];
    let bag = Databag::from(bag);
    check(&bag);
    read(&bag).ok().flatten()
}
