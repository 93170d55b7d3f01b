use super::*;
use crate::facts::observed::HeldIdentity;
use crate::facts::{KeyRange, LegacyInterface, Permission, Secret};
use crate::plan::Stage;
use crate::plan::issue::{self, VALIDITY_SECONDS};
use crate::plan::testing::{Bench, DAY, NOW, certificate, leaf};

fn name(text: &str) -> CommonName {
    text.parse().expect("a name")
}

fn record(text: &str, purpose: Purpose, state: IssuedState) -> IssuedRecord {
    IssuedRecord {
        purpose,
        prefix: None,
        fingerprint: Some(leaf(text, 1)),
        issuer: None,
        issued_at: NOW,
        not_after: NOW.plus_seconds(VALIDITY_SECONDS),
        ended_at: None,
        state,
        archive: None,
    }
}

fn of_relation(text: &str, id: u32) -> IssuedRecord {
    let purpose = Purpose::Relation(LegacyInterface::Db, RelationId(id));
    record(text, purpose, IssuedState::InForce)
}

impl Bench {
    fn put_on_record(&mut self, text: &str, record: IssuedRecord) {
        self.cluster.ledger.issued.insert(name(text), record);
    }

    fn issued(&self, text: &str) -> Option<&IssuedRecord> {
        self.cluster.ledger.issued.get(&name(text))
    }

    /// A relation of a legacy interface, with the identity that it was given.
    fn relate(&mut self, id: u32, held: Option<&str>) {
        let held = held.map(|text| HeldIdentity {
            certificate: certificate(text, 1),
            key: Secret::new("the key of a relation".to_owned()),
            fingerprint: leaf(text, 1),
        });
        let relation = LegacyRelation {
            interface: LegacyInterface::Db,
            own: Some(Default::default()),
            held,
        };
        let legacy = &mut self.observed.clients.legacy;
        legacy.insert(RelationId(id), relation);
    }

    /// The steps with which an identity is forgotten whose certificate ends then:
    /// it is noted when it is seen, and a day more goes by, since clocks differ.
    fn end_of(&mut self, end: Timestamp, text: &str) -> Vec<String> {
        self.observed.now = end;
        self.access_all();
        assert_eq!(self.issued(text).expect("a record").ended_at, None);
        let seen = end.plus_seconds(1);
        self.observed.now = seen;
        self.access_all();
        assert_eq!(self.issued(text).expect("a record").ended_at, Some(seen));
        self.observed.now = seen.plus_seconds(DAY);
        assert_eq!(self.access_all(), [""; 0]);
        self.observed.now = seen.plus_seconds(DAY + 1);
        self.access_all()
    }

    fn issuances(&self) -> Vec<u32> {
        let issuances = issue::plan(&self.observed, &self.cluster).into_iter();
        issuances.map(|issuance| issuance.relation.0).collect()
    }
}

#[test]
fn an_identity_has_the_keys_of_all_clients_and_no_others() {
    let mut bench = Bench::new(1);
    bench.put_on_record("db-1", of_relation("db-1", 1));
    bench.relate(1, Some("db-1"));
    let steps = bench.access();
    assert_eq!(
        steps,
        [
            "add role db-1",
            "permit db-1 [\\x01, ∞)",
            "add user db-1",
            "grant role db-1"
        ]
    );
    // What somebody adds by hand goes, what somebody takes comes back.
    let everything = Permission {
        read_write: true,
        range: KeyRange {
            key: vec![0],
            range_end: vec![0],
        },
    };
    bench.user("db-1").role = Some([everything].into());
    bench.user("db-1").user = Some(["root".to_owned()].into());
    let steps = bench.access();
    assert_eq!(
        steps,
        [
            "forbid db-1 [\\x00, ∞)",
            "revoke role root of db-1",
            "permit db-1 [\\x01, ∞)",
            "grant role db-1"
        ]
    );
}

#[test]
fn with_its_relation_an_identity_goes_and_is_forgotten_after_its_secret() {
    let mut bench = Bench::new(1);
    for (text, id) in [("db-1", 1), ("db-10", 10)] {
        bench.put_on_record(text, of_relation(text, id));
        bench.relate(id, Some(text));
    }
    bench.access();
    bench.observed.clients.legacy.remove(&RelationId(1));
    let steps = bench.access();
    assert_eq!(
        steps,
        ["delete user db-1", "delete role db-1", "write db-1 Revoked"]
    );
    let Stage::Publish(publication) = bench.stage() else {
        panic!("there is more to do")
    };
    let [ended] = publication.ended.as_slice() else {
        panic!("{:?}", publication.ended)
    };
    assert_eq!(ended.label, "db.1.identity.secret");
    assert_eq!(ended.names, [name("db-1")]);
}

#[test]
fn what_nobody_holds_was_lost_and_is_replaced() {
    let mut bench = Bench::new(1);
    bench.relate(1, None);
    assert_eq!(bench.issuances(), [1]);
    // A hook wrote the record, gave the rights and was killed.
    bench.put_on_record("lost", of_relation("lost", 1));
    bench.user("lost").user = Some(Default::default());
    assert_eq!(bench.access(), ["delete user lost", "write lost forgotten"]);
    assert_eq!(bench.issuances(), [1]);
}

#[test]
fn a_renewed_identity_leaves_the_old_one_until_its_end() {
    let mut bench = Bench::new(1);
    bench.put_on_record("old", of_relation("old", 1));
    bench.relate(1, Some("old"));
    bench.access();
    assert_eq!(bench.issuances(), [0; 0]);
    bench.observed.now = NOW.plus_seconds(VALIDITY_SECONDS / 3 * 2);
    assert_eq!(bench.issuances(), [1]);
    let new = IssuedRecord {
        issued_at: bench.observed.now,
        not_after: bench.observed.now.plus_seconds(VALIDITY_SECONDS),
        ..of_relation("new", 1)
    };
    bench.put_on_record("new", new);
    // The new one is held only once the hook that issued it was committed.
    let issued = bench.cluster.clone();
    assert_eq!(bench.access(), ["write new forgotten"]);
    bench.cluster = issued;
    bench.relate(1, Some("new"));
    bench.access();
    assert_eq!(bench.issuances(), [0; 0]);
    for text in ["old", "new"] {
        assert!(bench.user(text).user.is_some(), "{text}");
    }
    let steps = bench.end_of(NOW.plus_seconds(VALIDITY_SECONDS), "old");
    assert_eq!(
        steps,
        ["delete user old", "delete role old", "write old forgotten"]
    );
}

#[test]
fn an_expired_identity_is_replaced_at_once() {
    let mut bench = Bench::new(1);
    bench.put_on_record("old", of_relation("old", 1));
    bench.relate(1, Some("old"));
    bench.access();
    bench.observed.now = NOW.plus_seconds(VALIDITY_SECONDS);
    assert_eq!(bench.issuances(), [1]);
    bench.end_of(NOW.plus_seconds(VALIDITY_SECONDS), "old");
    assert_eq!(bench.issued("old"), None);
    assert_eq!(bench.issuances(), [1]);
}

#[test]
fn of_a_relation_that_cannot_be_read_nothing_is_concluded() {
    let mut bench = Bench::new(1);
    bench.put_on_record("db-1", of_relation("db-1", 1));
    bench.relate(1, None);
    let relation = bench.observed.clients.legacy.get_mut(&RelationId(1));
    relation.expect("it is there").own = None;
    assert_eq!(bench.access(), [""; 0]);
    assert_eq!(bench.issuances(), [0; 0]);
}

#[test]
fn an_event_of_one_relation_touches_no_other_identity() {
    let mut bench = Bench::new(1);
    bench.put_on_record("db-1", of_relation("db-1", 1));
    bench.put_on_record("db-10", of_relation("db-10", 10));
    let operator = record("tool", Purpose::Operator, IssuedState::InForce);
    bench.put_on_record("tool", operator);
    bench.observed.clients.scope = Scope::Only([RelationId(1)].into());
    bench.relate(1, Some("db-1"));
    let steps = bench.access();
    assert!(steps.iter().all(|step| step.contains("db-1")), "{steps:?}");
    assert!(
        !steps.iter().any(|step| step.contains("db-10")),
        "{steps:?}"
    );
}

#[test]
fn only_what_was_handed_over_and_not_revoked_has_rights() {
    for (state, has_rights) in [
        (IssuedState::Unfinished, false),
        (IssuedState::InForce, true),
        (IssuedState::Revoked, false),
    ] {
        let mut bench = Bench::new(1);
        let prefix = Some(Prefix::new("/tool/").expect("a prefix"));
        let record = IssuedRecord {
            prefix,
            ..record("tool", Purpose::Operator, state)
        };
        bench.put_on_record("tool", record);
        bench.user("tool").user = Some(Default::default());
        let steps = bench.access();
        assert_eq!(bench.user("tool").user.is_some(), has_rights, "{steps:?}");
        let permits = steps
            .iter()
            .any(|step| step == "permit tool [/tool/, /tool0)");
        assert_eq!(permits, has_rights, "{steps:?}");
    }
}

#[test]
fn a_revoked_name_is_nobodys_until_its_certificate_has_expired() {
    let mut bench = Bench::new(1);
    let end = NOW.plus_seconds(100 * DAY);
    let revoked = IssuedRecord {
        not_after: end,
        ..record("tool", Purpose::Operator, IssuedState::Revoked)
    };
    bench.put_on_record("tool", revoked);
    bench.ask_as(1, "/app/", "tool", 2);
    bench.access();
    assert_eq!(
        bench.condition(1),
        format!(
            "common name tool was revoked, and is free after {}",
            end.plus_seconds(DAY)
        )
    );
    assert!(bench.user("tool").user.is_none());
    let steps = bench.end_of(end, "tool");
    assert_eq!(
        steps.first().map(String::as_str),
        Some("write tool forgotten")
    );
    assert_eq!(bench.issued("tool"), None);
}

/// The clock of the unit that leads is years ahead for half a day, once and
/// again; certificates are valid for everybody else all the while.
#[test]
fn a_clock_that_jumps_ahead_and_back_takes_nothing_from_anybody() {
    let mut bench = Bench::new(1);
    let operator = record("tool", Purpose::Operator, IssuedState::InForce);
    bench.put_on_record("tool", operator);
    let revoked = record("gone", Purpose::Operator, IssuedState::Revoked);
    bench.put_on_record("gone", revoked);
    bench.put_on_record("db-1", of_relation("db-1", 1));
    bench.relate(1, Some("db-1"));
    bench.ask_as(2, "/app/", "gone", 2);
    bench.access();
    let before = bench.cluster.clone();
    for years in [1, 5, 20] {
        for hours in [0, 6, 12] {
            bench.observed.now = NOW.plus_seconds(years * 370 * DAY + hours * 3600);
            bench.access_all();
        }
        bench.observed.now = NOW.plus_seconds(DAY);
        bench.access_all();
        assert_eq!(bench.cluster.ledger.issued, before.ledger.issued);
        assert_eq!(bench.cluster.access, before.access);
        assert!(
            bench.condition(2).contains("was revoked"),
            "{}",
            bench.condition(2)
        );
    }
    // What was issued by that clock is of no use before its time.
    let early = IssuedRecord {
        issued_at: NOW.plus_seconds(370 * DAY),
        not_after: NOW.plus_seconds(735 * DAY),
        ..of_relation("db-1", 1)
    };
    bench.put_on_record("db-1", early);
    assert_eq!(bench.issuances(), [1]);
}

#[test]
fn a_name_in_use_by_an_operator_is_refused_to_requests() {
    for state in [IssuedState::InForce, IssuedState::Unfinished] {
        let mut bench = Bench::new(1);
        bench.put_on_record("tool", record("tool", Purpose::Operator, state));
        bench.ask_as(1, "/app/", "tool", 2);
        bench.access();
        assert_eq!(
            bench.condition(1),
            "common name tool is that of credentials issued to an operator"
        );
    }
}

/// A client, credentials in every state, and a user that is nobody's.
fn with_names() -> Bench {
    let mut bench = Bench::new(2);
    bench.ask_as(7, "/app/", "client1", 2);
    bench.access();
    bench.put_on_record(
        "gone",
        record("gone", Purpose::Operator, IssuedState::Revoked),
    );
    bench.put_on_record(
        "tool",
        record("tool", Purpose::Operator, IssuedState::InForce),
    );
    bench.put_on_record(
        "begun",
        record("begun", Purpose::Operator, IssuedState::Unfinished),
    );
    bench.user("by-hand").role = Some(Default::default());
    bench.user("free");
    bench
}

#[test]
fn an_operator_is_told_why_a_name_cannot_be_had() {
    let bench = with_names();
    let prefix = Prefix::new("/x/").expect("a prefix");
    let app = "etcd".parse().expect("a name");
    let admitted = |text: &str, prefix: Option<&Prefix>| {
        admit_operator(&name(text), prefix, &app, &bench.cluster)
    };
    let until = NOW.plus_seconds(VALIDITY_SECONDS + DAY);
    for (text, prefix, reason) in [
        (
            "root",
            None,
            "common name root is reserved; choose another one".to_owned(),
        ),
        (
            "etcd-0",
            None,
            "common name etcd-0 is reserved; choose another one".to_owned(),
        ),
        (
            "etcd-charm:db-1",
            None,
            "common name etcd-charm:db-1 is reserved; choose another one".to_owned(),
        ),
        (
            "client1",
            None,
            "common name client1 is held by app7; choose another one".to_owned(),
        ),
        (
            "by-hand",
            None,
            "etcd has a user or role by-hand that is not the charm's; choose another common name"
                .to_owned(),
        ),
        (
            "gone",
            None,
            format!(
                "common name gone was revoked and can be used again after {until}; choose another one"
            ),
        ),
        (
            "tool",
            Some(&prefix),
            "common name tool has credentials for [\\x01, ∞) already; choose another one, or run \
             revoke-client-certificates first"
                .to_owned(),
        ),
    ] {
        let refusal = admitted(text, prefix).expect_err(text);
        assert_eq!(
            crate::explain::reasons::no_name(&name(text), &refusal),
            reason
        );
    }
    assert_eq!(admitted("free", Some(&prefix)), Ok(None));
    assert!(matches!(admitted("tool", None), Ok(Some(_))));
    // What was never handed over may be begun again with other keys.
    assert!(matches!(admitted("begun", Some(&prefix)), Ok(Some(_))));
    // What was not looked up is not known to be free.
    assert!(admitted("unknown", None).is_err());
}
