//! Keys and values of the ledger.

use super::super::issued::tests::record;
use super::super::{
    ConditionKind, LedgerKey, LedgerKeys, LegacyInterface, Purpose, Reason, RelationId,
};
use super::*;

fn keys() -> LedgerKeys {
    LedgerKeys::new(
        &"9d39bbbe-d95a-405d-8573-6835864daf92"
            .parse()
            .expect("a UUID"),
        &"etcd".parse().expect("a name"),
    )
}

#[test]
fn keys_are_read_back_as_they_were_written() {
    let request = RequestKey {
        relation: RelationId(10),
        request: Some("0b047bb88ba93a70".parse().expect("an id")),
    };
    let only = RequestKey {
        relation: RelationId(1),
        request: None,
    };
    for key in [
        LedgerKey::Client(request),
        LedgerKey::Client(only),
        LedgerKey::Name("a/b client".parse().expect("a name")),
        LedgerKey::Issued("a/b client".parse().expect("a name")),
        LedgerKey::Signed("a/b client".parse().expect("a name")),
        LedgerKey::Unsigned(RelationId(10)),
        LedgerKey::Member(MemberName::new("etcd-0")),
        LedgerKey::Pace(RelationId(10)),
        LedgerKey::Ended(RelationId(10)),
        LedgerKey::Lock(LockName::Membership),
        LedgerKey::Lock(LockName::Restart),
        LedgerKey::Lock(LockName::Recovery),
        LedgerKey::Settled,
    ] {
        assert_eq!(keys().decode(&keys().encode(&key)), Some(key));
    }
}

/// As ledgers of today have it: a name in a record is never changed.
#[test]
fn the_names_in_a_record_stay() {
    let text = r#"{"app":"app","notice":{"kind":"waiting","reason":"no certificate yet"},"ungranted":true}"#;
    let record: ClientRecord = serde_json::from_str(text).expect("a record");
    assert_eq!(record.condition, Some(Reason::NoCertificate.into()));
    assert_eq!(serde_json::to_string(&record).expect("a text"), text);
    let text = r#"{"holder":{"relation":1,"request":null},"leaves":[],"leaving":true}"#;
    let claim: NameClaim = serde_json::from_str(text).expect("a claim");
    assert!(claim.releasing);
    assert_eq!(serde_json::to_string(&claim).expect("a text"), text);
}

#[test]
fn a_newer_format_is_seen() {
    assert_eq!(newer_format("1"), None);
    assert_eq!(newer_format("2"), Some(2));
    assert_eq!(newer_format("2.1"), Some(u32::MAX));
}

#[test]
fn foreign_keys_are_nobodys() {
    for key in ["/x", "\0etcd-charm/other/etcd/name/x", "\0", ""] {
        assert_eq!(keys().decode(key), None);
    }
    // A second key for the same request would hide the first.
    for end in ["client/+5/-", "client/05/-", "pace/05", "ended/05"] {
        assert_eq!(keys().decode(&format!("{}{end}", keys().root())), None);
    }
    let future = format!("{}future/x", keys().root());
    assert_eq!(keys().decode(&future), None);
}

#[test]
fn a_key_tells_whose_it_is() {
    let key = keys().encode(&LedgerKey::Lock(LockName::Restart));
    assert_eq!(LedgerKeys::of_key(&key), Some(keys()));
    for key in [
        "/x",
        "\0etcd-charm/other/etcd/name/x",
        "\0etcd-charm/",
        "\0",
    ] {
        assert_eq!(LedgerKeys::of_key(key), None, "{key:?}");
    }
}

#[test]
fn every_key_lies_below_the_first_key_of_a_client() {
    let root = keys().root().as_bytes().to_vec();
    assert!(root.first() < Some(&super::super::prefix::FIRST_CLIENT_BYTE));
}

#[test]
fn the_largest_record_has_thirty_kib() {
    // A leaf of 16 KiB, lines of 64 characters, and markers around it.
    let line = format!("{}\n", "A".repeat(64));
    let certificate = format!("{:-<60}{}", "", line.repeat(16 * 1024 / 48 + 1));
    let fingerprint: Fingerprint = "5f".repeat(32).try_into().expect("a fingerprint");
    let grant = Grant {
        common_name: "\u{1f600}".repeat(64).parse().expect("a name"),
        // Of all bytes, JSON makes most of these.
        prefix: Prefix::new("\u{1}".repeat(1024)).expect("a prefix"),
        certificate,
        issuer: Some(fingerprint.clone()),
        fingerprint,
        not_after: Timestamp(i64::MAX),
        granted_at: Timestamp(i64::MIN),
    };
    let record = ClientRecord {
        app: Some("a".repeat(64).parse().expect("a name")),
        grant: Some(grant),
        condition: Some(Condition::new(ConditionKind::Refused, "x".repeat(400))),
        secret: Some("9m4e2mr0ui3e8a215n4g".parse().expect("an id")),
        answer: Some("5f".repeat(16)),
        departed: false,
        ungranted: false,
    };
    let bytes = serde_json::to_vec(&record).expect("JSON").len();
    assert!(bytes <= 30 * 1024, "{bytes}");
}

#[test]
fn relation_one_is_not_relation_ten() {
    let mut ledger = Ledger::default();
    for (name, relation, issued_at) in [("b", 1, 1), ("a", 1, 2), ("c", 10, 3)] {
        let purpose = Purpose::Relation(LegacyInterface::Db, RelationId(relation));
        let record = IssuedRecord {
            issued_at: Timestamp(issued_at),
            ..record(purpose)
        };
        ledger.issued.insert(name.parse().expect("a name"), record);
    }
    let names: Vec<_> = ledger
        .identities_of(RelationId(1))
        .into_iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["b", "a"]);
}
