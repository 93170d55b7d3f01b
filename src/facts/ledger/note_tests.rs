//! A ledger as a unit notes it for itself.

use super::super::issued::tests::record as issued;
use super::super::records::{Record, RecordKey};
use super::super::signed::tests::record as signed;
use super::super::{AppName, ConditionKind, Purpose, Unsigned};
use super::*;

fn leaf(digit: &str) -> Fingerprint {
    digit.repeat(64).try_into().expect("a fingerprint")
}

fn app(name: &str) -> AppName {
    name.parse().expect("a name")
}

fn key(relation: u32, request: Option<&str>) -> RequestKey {
    RequestKey {
        relation: RelationId(relation),
        request: request.map(|id| id.parse().expect("an id")),
    }
}

fn grant() -> Grant {
    Grant {
        common_name: "client ü".parse().expect("a name"),
        prefix: "/test\"\n".parse().expect("a prefix"),
        certificate: "-----BEGIN\nCERTIFICATE\n".to_owned(),
        issuer: None,
        fingerprint: leaf("a"),
        not_after: Timestamp(i64::MAX),
        granted_at: Timestamp(-1),
    }
}

fn clients() -> Records<RequestKey, ClientRecord> {
    let whole = ClientRecord {
        app: Some(app("app")),
        grant: Some(grant()),
        condition: Some(Condition::new(ConditionKind::Refused, "no".to_owned())),
        secret: Some("9m4e2mr0ui3e8a215n4g".parse().expect("an id")),
        answer: Some("5f".to_owned()),
        departed: true,
        ungranted: true,
    };
    let of_authority = ClientRecord {
        grant: Some(Grant {
            issuer: Some(leaf("b")),
            ..grant()
        }),
        condition: Some(Condition::new(ConditionKind::Waiting, String::new())),
        ..ClientRecord::default()
    };
    [
        (key(1, None), whole),
        (key(10, Some("0b047bb88ba93a70")), of_authority),
        (key(11, None), ClientRecord::default()),
    ]
    .into()
}

fn claim(releasing: bool, leaves: &[&str]) -> NameClaim {
    NameClaim {
        holder: key(1, None),
        leaves: leaves.iter().map(|digit| leaf(digit)).collect(),
        releasing,
    }
}

fn pace(shown: Option<&str>) -> Pace {
    Pace {
        changes: 3,
        last: Timestamp(9),
        shown: shown.map(str::to_owned),
    }
}

/// With each field in each of its states.
fn filled() -> Ledger {
    let name = |text: &str| text.parse().expect("a name");
    let trust = MemberTrust {
        loaded: [leaf("a"), leaf("b")].into(),
        starting: Some([leaf("c")].into()),
        client_authorities: [leaf("d")].into(),
    };
    let unsigned = Unsigned {
        app: app("app"),
        reason: "why".to_owned(),
        others: 2,
    };
    let revoked = SignedName {
        ended_at: Some(Timestamp(1)),
        ..signed("app", true)
    };
    let paces = [(1, None), (u32::MAX, Some("5f"))];
    let members = [("etcd-0", trust), ("etcd-1", MemberTrust::default())];
    Ledger {
        clients: clients(),
        names: [
            (name("a"), claim(false, &[])),
            (name("b"), claim(true, &["a", "b"])),
        ]
        .into(),
        issued: [(name("op"), issued(Purpose::Operator))].into(),
        signed: [(name("s"), signed("app", false)), (name("t"), revoked)].into(),
        unsigned: [(RelationId(4), unsigned)].into(),
        members: members.map(|(name, of)| (MemberName::new(name), of)).into(),
        paces: paces
            .map(|(id, shown)| (RelationId(id), pace(shown)))
            .into(),
        ended: [(RelationId(5), EndedRelation { at: Timestamp(8) })].into(),
        locks: BTreeMap::new(),
        settled: Some(7),
        newer_format: None,
    }
}

#[test]
fn a_ledger_is_read_as_it_was_noted() {
    for ledger in [Ledger::default(), filled()] {
        let note = rmp_serde::to_vec_named(&ledger).expect("a note");
        assert_eq!(
            rmp_serde::from_slice::<Ledger>(&note).expect("a ledger"),
            ledger
        );
    }
}

#[test]
fn what_a_record_says_is_the_same_before_it_is_read() {
    fn same<K: RecordKey, V: Record>(records: &Records<K, V>) -> bool
    where
        for<'a> V::View<'a>: PartialEq,
    {
        let (mut bytes, mut read) = (Vec::new(), true);
        for (key, record) in records.iter() {
            bytes.clear();
            key.write(&mut bytes);
            read &= K::is_whole(&bytes) && K::read(&bytes).as_ref() == Some(key);
            bytes.clear();
            record.write(&mut bytes);
            read &= V::view_of(&bytes).is_some_and(|view| view == record.view());
            read &= V::read(&bytes).as_ref() == Some(record);
            for length in 0..bytes.len() {
                read &= V::read(&bytes[..length]).is_none_or(|part| part != *record);
            }
        }
        read
    }
    let ledger = filled();
    assert!(same(&ledger.clients));
    assert!(same(&ledger.names));
}
