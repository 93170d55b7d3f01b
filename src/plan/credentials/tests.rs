use super::*;
use crate::facts::Fingerprint;
use crate::facts::NameRefusal;
use crate::plan::simulate::simulate_access;
use crate::plan::testing::{Bench, DAY, NOW};

fn name(text: &str) -> CommonName {
    text.parse().expect("a name")
}

fn request(text: &str, prefix: Option<&str>) -> Request {
    Request {
        name: name(text),
        prefix: prefix.map(|text| Prefix::new(text).expect("a prefix")),
        validity_seconds: 30 * DAY,
    }
}

fn place(found: Option<&str>) -> ArchivePlace {
    ArchivePlace {
        path: "/home/ubuntu/archive".into(),
        is_fetched: true,
        found: found.map(str::to_owned),
    }
}

fn record(state: IssuedState) -> IssuedRecord {
    IssuedRecord {
        purpose: Purpose::Operator,
        prefix: None,
        fingerprint: Some(Fingerprint::of_der(b"before")),
        issuer: None,
        issued_at: NOW,
        not_after: NOW.plus_seconds(90 * DAY),
        ended_at: None,
        state,
        archive: Some("before".to_owned()),
    }
}

fn certificate(bench: &Bench, days: i64) -> OwnCertificate {
    let authorities = bench.authorities();
    let issued = authorities.admin.issue_client("client", NOW, days * DAY);
    OwnCertificate::read(&issued.expect("a certificate").certificate).expect("it is one")
}

impl Bench {
    fn credentials(&mut self, request: Request, found: Option<&str>) -> Result<Issuing, Refusal> {
        self.cluster.access.entry(request.name.clone()).or_default();
        admit(request, &self.observed.unit, &place(found), &self.cluster)
    }

    fn apply(&mut self, steps: &[AccessStep]) {
        for step in steps {
            simulate_access(&mut self.cluster, step);
        }
    }

    fn on_record(&self) -> Option<&IssuedRecord> {
        self.cluster.ledger.issued.get(&name("client"))
    }

    fn made(&mut self, issuing: &Issuing, days: i64) -> Steps {
        let certificate = certificate(self, days);
        let made = Made {
            certificate: &certificate,
            issuer: &self.authorities().admin_issuer(),
            archive: "after",
            at: NOW,
        };
        issuing.steps(made, &self.cluster)
    }
}

#[test]
fn what_was_not_handed_over_has_no_rights_and_is_taken_back() {
    let mut bench = Bench::new(1);
    let issuing = bench.credentials(request("client", Some("/x/")), None);
    let steps = bench.made(&issuing.expect("a free name"), 30);
    let before = bench.cluster.clone();
    bench.apply(&[steps.claim]);
    let claimed = bench.on_record().expect("a claim").clone();
    assert_eq!(claimed.state, IssuedState::Unfinished);
    // A full pass in between gives it nothing.
    assert_eq!(bench.access(), [""; 0]);
    bench.apply(&[steps.undo]);
    assert_eq!(bench.cluster.ledger, before.ledger);
}

#[test]
fn what_was_handed_over_has_its_rights_and_a_full_pass_leaves_them() {
    let mut bench = Bench::new(1);
    let issuing = bench.credentials(request("client", Some("/x/")), None);
    let steps = bench.made(&issuing.expect("a free name"), 30);
    bench.apply(&[steps.claim]);
    bench.apply(&steps.finish);
    let record = bench.on_record().expect("a record");
    assert_eq!(record.state, IssuedState::InForce);
    assert_eq!(record.archive.as_deref(), Some("after"));
    assert!(bench.user("client").user.is_some());
    assert_eq!(bench.access(), [""; 0]);
}

#[test]
fn a_renewal_keeps_what_is_in_force_and_the_later_end() {
    let mut bench = Bench::new(1);
    let before = record(IssuedState::InForce);
    let issued = &mut bench.cluster.ledger.issued;
    issued.insert(name("client"), before.clone());
    let issuing = bench.credentials(request("client", None), None);
    let issuing = issuing.expect("the same keys");
    let steps = bench.made(&issuing, 30);
    let AccessStep::ReplaceIssued(_, seen, after) = &steps.claim else {
        panic!("{:?}", steps.claim)
    };
    assert_eq!(**seen, before);
    assert_eq!(after.state, IssuedState::InForce);
    assert_eq!(after.not_after, before.not_after);
    bench.apply(&[steps.claim, steps.undo]);
    assert_eq!(bench.on_record(), Some(&before));
    let steps = bench.made(&issuing, 200);
    bench.apply(&steps.finish);
    let ends = bench.on_record().expect("a record").not_after;
    assert!(ends > before.not_after);
    // For other keys they have to be revoked first.
    let refused = bench.credentials(request("client", Some("/x/")), None);
    let keys = before.range();
    let refusal = Refusal::Name(name("client"), NameRefusal::Credentials(keys));
    assert_eq!(refused, Err(refusal));
}

#[test]
fn no_archive_is_overwritten_that_somebody_may_fetch() {
    let mut bench = Bench::new(1);
    let issued = &mut bench.cluster.ledger.issued;
    issued.insert(name("client"), record(IssuedState::InForce));
    let mut holds =
        |text: &str, found: &str| match bench.credentials(request(text, None), Some(found)) {
            Ok(_) => None,
            Err(Refusal::Archive { holds, .. }) => Some(holds),
            Err(other) => panic!("{other:?}"),
        };
    assert_eq!(holds("client", "before"), None);
    assert_eq!(holds("client", "mine"), Some(ArchiveHolds::Unknown));
    let of_client = ArchiveHolds::CredentialsOf(name("client"));
    assert_eq!(holds("other", "before"), Some(of_client));
    let issued = &mut bench.cluster.ledger.issued;
    issued.insert(name("client"), record(IssuedState::Revoked));
    // Revoked ones are of no use to anybody.
    assert!(
        bench
            .credentials(request("other", None), Some("before"))
            .is_ok()
    );
}

#[test]
fn revoked_credentials_have_no_rights_and_stay_on_record() {
    let mut bench = Bench::new(1);
    let issued = &mut bench.cluster.ledger.issued;
    issued.insert(name("client"), record(IssuedState::InForce));
    bench.access();
    let revoked = |bench: &Bench, reserves| {
        let unit = &bench.observed.unit;
        revoke(&name("client"), reserves, unit, &bench.cluster, None, NOW)
    };
    let revocation = revoked(&bench, false).expect("there are some");
    assert_eq!(revocation.claim, None);
    bench.apply(revocation.note.as_slice());
    bench.apply(&revocation.ends);
    assert_eq!(bench.on_record(), Some(&revocation.record));
    assert_eq!(bench.user("client").user, None);
    bench.access();
    assert_eq!(bench.user("client").user, None);
    // Once more there is nothing to note.
    let again = revoked(&bench, true).expect("they are on record");
    assert_eq!((again.claim, again.note), (None, None));
}

#[test]
fn a_name_that_nobody_knows_can_be_kept_from_everybody() {
    let mut bench = Bench::new(1);
    bench.user("client");
    let ends = NOW.plus_seconds(1000 * DAY);
    let revoked = |bench: &Bench, reserves, ends| {
        let unit = &bench.observed.unit;
        revoke(&name("client"), reserves, unit, &bench.cluster, ends, NOW)
    };
    let refusal = Refusal::NotIssued(name("client"));
    assert_eq!(revoked(&bench, false, Some(ends)), Err(refusal));
    assert_eq!(revoked(&bench, true, None), Err(Refusal::NoAuthorities));
    let revocation = revoked(&bench, true, Some(ends)).expect("a free name");
    assert_eq!(revocation.note, None);
    bench.apply(revocation.claim.as_slice());
    let record = bench.on_record().expect("a record");
    assert_eq!(
        (record.state, record.not_after),
        (IssuedState::Revoked, ends)
    );
    // It is nobody's to revoke whom a relation has given it.
    bench.serve(1, "/app/", "served");
    let unit = &bench.observed.unit;
    let refused = revoke(&name("served"), true, unit, &bench.cluster, Some(ends), NOW);
    assert!(matches!(refused, Err(Refusal::Name(..))), "{refused:?}");
}
