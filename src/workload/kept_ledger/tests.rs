use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::super::layout::ensure_layout;
use super::super::testing::Machine;
use super::*;
use crate::facts::{ClientRecord, Grant, LockName, MemberId, RelationId, RequestKey, Timestamp};

const POINT: LedgerPoint = LedgerPoint {
    cluster: 1,
    revision: 2,
    keys: 3,
    fence: 4,
};

const OWN: MemberIdentity = MemberIdentity {
    member: MemberId(1),
    cluster: 1,
};

fn keys(app: &str) -> LedgerKeys {
    let model = "9d39bbbe-d95a-405d-8573-6835864daf92";
    let (model, app) = (model.parse().expect("a UUID"), app.parse().expect("a name"));
    LedgerKeys::new(&model, &app)
}

/// A machine on which etcd has loaded its files.
fn machine() -> (Machine, Paths, PathBuf) {
    let machine = Machine::new();
    let paths = machine.paths();
    ensure_layout(&paths).expect("directories");
    fs::create_dir_all(paths.loaded_dir()).expect("a directory");
    let program = machine.root().join("program");
    for path in [&paths.loaded_config(), &paths.loaded_trust(), &program] {
        fs::write(path, "loaded").expect("writable");
    }
    (machine, paths, program)
}

fn noted(paths: &Paths, run: &EtcdRun) -> Option<LedgerPoint> {
    let found = recall(paths, run, &RecalledLeaves::default());
    found.map(|(_, point)| point)
}

#[test]
fn a_note_is_of_one_run_of_one_member_and_one_program() {
    let (_machine, paths, program) = machine();
    let now = |own, app| EtcdRun::now(&paths, &program, own, &keys(app));
    let run = now(OWN, "etcd").expect("a run");
    assert_eq!(noted(&paths, &run), None);
    let recalled = RecalledLeaves::default();
    note(&paths, &run, &Ledger::default(), &POINT, &recalled).expect("written");
    assert_eq!(now(OWN, "etcd"), Some(run.clone()));
    assert_eq!(noted(&paths, &run), Some(POINT));
    let mode = fs::metadata(paths.kept_ledger()).expect("there");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let other_member = MemberIdentity {
        member: MemberId(2),
        ..OWN
    };
    let other_cluster = MemberIdentity { cluster: 2, ..OWN };
    for other in [
        now(other_member, "etcd"),
        now(other_cluster, "etcd"),
        now(OWN, "etcd-2"),
    ] {
        assert_eq!(noted(&paths, &other.expect("a run")), None);
    }
    // As the service does at its next start, and an upgrade of the charm.
    for path in [&paths.loaded_config(), &paths.loaded_trust(), &program] {
        let before = now(OWN, "etcd").expect("a run");
        assert!(noted(&paths, &before).is_some());
        let new = path.with_extension("new");
        fs::write(&new, "loaded").expect("writable");
        fs::rename(&new, path).expect("renamed");
        let after = now(OWN, "etcd").expect("a run");
        assert_eq!(noted(&paths, &after), None, "{path:?}");
        note(&paths, &after, &Ledger::default(), &POINT, &recalled).expect("written");
        fs::remove_file(path).expect("removed");
        assert_eq!(now(OWN, "etcd"), None, "{path:?}");
        fs::write(path, "loaded").expect("writable");
        let after = now(OWN, "etcd").expect("a run");
        assert_eq!(noted(&paths, &after), None, "{path:?}");
        note(&paths, &after, &Ledger::default(), &POINT, &recalled).expect("written");
    }
}

#[test]
fn a_note_goes_with_what_is_forgotten_and_is_none_where_it_cannot_be_read() {
    let (_machine, paths, program) = machine();
    let run = EtcdRun::now(&paths, &program, OWN, &keys("etcd")).expect("a run");
    let recalled = RecalledLeaves::default();
    let leave = || note(&paths, &run, &Ledger::default(), &POINT, &recalled);
    leave().expect("written");
    assert_eq!(noted(&paths, &run), Some(POINT));
    forget(&paths).expect("removed");
    assert_eq!(noted(&paths, &run), None);
    forget(&paths).expect("nothing to do");
    fs::create_dir(paths.kept_ledger()).expect("made");
    assert_eq!(noted(&paths, &run), None);
    assert!(leave().is_err());
}

#[test]
fn what_comes_and_goes_is_not_noted() {
    let (_machine, paths, program) = machine();
    let run = EtcdRun::now(&paths, &program, OWN, &keys("etcd")).expect("a run");
    let locked = Ledger {
        locks: [(LockName::Restart, "etcd/1".to_owned())].into(),
        ..Ledger::default()
    };
    let newer = Ledger {
        newer_format: Some(2),
        ..Ledger::default()
    };
    for ledger in [locked, newer] {
        note(&paths, &run, &ledger, &POINT, &RecalledLeaves::default()).expect("left out");
        assert_eq!(noted(&paths, &run), None);
    }
}

#[test]
fn what_is_known_of_certificates_on_record_goes_along() {
    let (_machine, paths, program) = machine();
    let run = EtcdRun::now(&paths, &program, OWN, &keys("etcd")).expect("a run");
    let grant = |digit: &str, certificate: &str| Grant {
        common_name: "client".parse().expect("a name"),
        prefix: "/client/".parse().expect("a prefix"),
        certificate: certificate.to_owned(),
        issuer: None,
        fingerprint: digit.repeat(64).try_into().expect("a fingerprint"),
        not_after: Timestamp(2),
        granted_at: Timestamp(1),
    };
    let (on_record, gone) = (grant("a", "one"), grant("b", "two"));
    let record = ClientRecord {
        grant: Some(on_record.clone()),
        ..ClientRecord::default()
    };
    let key = RequestKey {
        relation: RelationId(1),
        request: None,
    };
    let ledger = Ledger {
        clients: [(key, record)].into(),
        ..Ledger::default()
    };
    let known = KnownLeaf {
        text: crc32fast::hash(b"one"),
        named_bytes: 21,
    };
    let before = RecalledLeaves::default();
    for grant in [&on_record, &gone] {
        before.note(grant.fingerprint.clone(), known);
    }
    note(&paths, &run, &ledger, &POINT, &before).expect("written");

    let after = RecalledLeaves::default();
    assert_eq!(recall(&paths, &run, &after), Some((ledger, POINT)));
    assert_eq!(after.noted(&on_record), Some(known));
    let same_text = grant("b", "one");
    assert_eq!(
        after.noted(&same_text),
        None,
        "it is not on record any more"
    );
    let other_text = grant("a", "other");
    assert_eq!(after.noted(&other_text), None);
}
