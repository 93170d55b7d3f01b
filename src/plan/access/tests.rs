//! Decisions about access, one by one. Each plan is carried out on a copy of the
//! world, and planned again, which must give nothing.

mod ended;
mod pace;

use crate::facts::observed::{Certificate, Pass, PrefixPolicy, Scope};
use crate::facts::reason::CertificateFault;
use crate::facts::{
    Access, Alarm, AlarmKind, Audit, Condition, ConditionKind, MemberId, Permission, Prefix,
    Reason, RelationId, RequestKey,
};
use crate::plan::testing::{Bench, DAY, NOW, certificate, key, large_leaf, leaf};
use crate::relation::RelationRefusal;

/// A bench on which relation 1 has `/one/` as `alpha`, and all members know it.
fn granted() -> Bench {
    granted_by(1)
}

/// The same with so many members.
fn granted_by(members: u64) -> Bench {
    let mut bench = Bench::new(members);
    bench.serve(1, "/one/", "alpha");
    bench.trust(&[leaf("alpha", 1)]);
    bench
}

#[test]
fn a_new_grant_is_claimed_before_anything_is_made() {
    let mut bench = Bench::new(1);
    bench.ask_as(1, "/one/", "alpha", 1);
    assert_eq!(
        bench.access(),
        [
            "claim alpha for 1",
            "add role alpha",
            "permit alpha [/one/, /one0)",
            "add user alpha",
            "grant role alpha",
        ]
    );
    let grant = bench.record(1).grant.as_ref().expect("a grant");
    assert_eq!(grant.fingerprint, leaf("alpha", 1));
    assert_eq!(grant.granted_at, NOW);
}

#[test]
fn a_rotation_under_the_same_name_keeps_the_user() {
    let mut bench = granted();
    bench.ask_as(1, "/one/", "alpha", 2);
    assert_eq!(bench.access(), ["write alpha of 1, 1 granted"]);
    // The old leaf is kept in mind for as long as a member trusts it.
    let name = "alpha".parse().expect("a name");
    assert_eq!(
        bench.cluster.ledger.names[&name].leaves,
        [leaf("alpha", 1), leaf("alpha", 2)].into()
    );
    bench.trust(&[leaf("alpha", 2)]);
    assert_eq!(bench.access(), ["write alpha of 1"]);
    assert_eq!(
        bench.cluster.ledger.names[&name].leaves,
        [leaf("alpha", 2)].into()
    );
}

#[test]
fn a_rotation_to_another_name_ends_the_old_user_first() {
    let mut bench = granted();
    bench.ask_as(1, "/one/", "beta", 1);
    assert_eq!(
        bench.access(),
        [
            "delete user alpha",
            "delete role alpha",
            "write alpha leaving, 1 not granted",
            "claim beta for 1",
            "add role beta",
            "permit beta [/one/, /one0)",
            "add user beta",
            "grant role beta",
        ]
    );
}

#[test]
fn a_certificate_that_is_withdrawn_ends_access() {
    let mut bench = granted();
    bench.ask(1, "/one/", Certificate::Absent);
    assert_eq!(
        bench.access(),
        [
            "delete user alpha",
            "delete role alpha",
            "write alpha leaving, 1 not granted",
        ]
    );
    assert_eq!(bench.condition(1), "no certificate yet");
}

#[test]
fn a_relation_that_is_gone_loses_access_and_leaves_its_record() {
    let mut bench = granted();
    bench.leave(1);
    assert_eq!(
        bench.access(),
        [
            "delete user alpha",
            "delete role alpha",
            "write alpha leaving, 1 departed",
        ]
    );
    assert!(bench.record(1).departed);
}

#[test]
fn a_request_that_is_gone_is_gone_though_its_relation_stays() {
    let mut bench = granted();
    bench.relation(1).asked = Ok(None);
    assert_eq!(bench.access().len(), 3);
    assert!(bench.record(1).departed);
    bench.ask_as(1, "/one/", "alpha", 1);
    // The very same leaf may have its name back at once.
    assert_eq!(bench.access()[0], "write alpha of 1, 1 granted");
}

#[test]
fn another_prefix_takes_the_old_range_before_it_gives_the_new_one() {
    let mut bench = granted();
    bench.ask_as(1, "/two/", "alpha", 1);
    assert_eq!(
        bench.access(),
        [
            "forbid alpha [/one/, /one0)",
            "write 1 granted",
            "permit alpha [/two/, /two0)",
        ]
    );
}

#[test]
fn all_that_goes_goes_before_anything_is_written() {
    let mut bench = granted();
    bench.ask_as(2, "/two/", "beta", 1);
    bench.ask_as(3, "/three/", "gamma", 1);
    bench.access();
    bench.trust(&["alpha", "beta", "gamma"].map(|name| leaf(name, 1)));
    bench.leave(1);
    bench.leave(2);
    bench.ask_as(3, "/more/", "gamma", 1);
    bench.ask_as(4, "/four/", "delta", 1);
    let lines = bench.access();
    let is_written = |line: &String| line.starts_with("write") || line.starts_with("claim");
    let written = lines.iter().position(is_written).expect("something is");
    assert_eq!(
        lines[..written],
        [
            "delete user alpha",
            "delete role alpha",
            "delete user beta",
            "delete role beta",
            "forbid gamma [/three/, /three0)",
        ]
    );
}

#[test]
fn while_the_database_is_full_rights_are_taken_and_none_are_given() {
    let mut bench = granted();
    bench.ask_as(2, "/two/", "beta", 1);
    bench.access();
    bench.leave(1);
    bench.user("beta").user = None;
    bench.cluster.status.alarms.insert(Alarm {
        member: MemberId(100),
        kind: AlarmKind::NoSpace,
    });
    let lines = bench.access();
    let expected = [
        "delete user alpha",
        "delete role alpha",
        "write alpha leaving, 1 departed",
    ];
    assert_eq!(lines, expected);
    bench.cluster.status.alarms.clear();
    assert_eq!(bench.access(), ["add user beta", "grant role beta"]);
}

#[test]
fn who_became_root_is_root_no_more() {
    let mut bench = granted();
    bench.cluster.audit = Some(Audit {
        size: 0,
        root_has_password: true,
        usurpers: [(
            "back door".to_owned(),
            ["alpha".to_owned(), "root".to_owned()].into(),
        )]
        .into(),
        passwords: ["alpha".parse().expect("a name")].into(),
    });
    assert_eq!(
        bench.access(),
        [
            "take role alpha of back door",
            "take role root of back door",
            "lock root",
            "delete user alpha",
            "add user alpha",
            "grant role alpha",
        ]
    );
    // Whether root has a password shows no difference after that.
    bench.cluster.audit = Some(Audit {
        root_has_password: true,
        ..Audit::default()
    });
    bench.observed.repaired.root = true;
    assert_eq!(bench.access(), Vec::<String>::new());
}

#[test]
fn where_a_client_can_be_root_it_is_alone() {
    let mut bench = Bench::new(1);
    bench.cluster.status.version = "3.5.33".parse().expect("a version");
    bench.ask_as(1, "/one/", "alpha", 1);
    bench.ask_as(2, "/two/", "beta", 1);
    bench.access();
    assert!(bench.record(1).grant.is_some());
    let reason = "attach etcd 3.6, or set allow-vulnerable-etcd: 3.5.33 isolates no clients";
    assert_eq!(bench.condition(2), reason);
    // What it has it keeps, and renews.
    bench.observed.options.allows_vulnerable = true;
    bench.access();
    bench.observed.options.allows_vulnerable = false;
    bench.ask_as(2, "/two/", "beta", 2);
    assert!(!bench.access().is_empty());
    assert_eq!(bench.condition(2), "");
    // It is the release alone that matters.
    bench.cluster.status.version = "3.6.0".parse().expect("a version");
    bench.ask_as(3, "/three/", "gamma", 1);
    bench.access();
    assert!(bench.record(3).grant.is_some());
}

#[test]
fn what_cannot_be_read_changes_no_access() {
    for (case, reason) in [
        (
            Certificate::Unreadable(CertificateFault::ForeignKey),
            "not ours",
        ),
        (Certificate::Text("x".to_owned()), "text outside"),
    ] {
        let mut bench = granted();
        bench.ask(1, "/two/", case);
        assert_eq!(bench.access(), ["write 1 granted"]);
        assert!(
            bench.condition(1).contains(reason),
            "{}",
            bench.condition(1)
        );
        let grant = bench.record(1).grant.as_ref().expect("a grant");
        assert_eq!(grant.prefix.as_str(), "/one/");
    }
    let mut bench = granted();
    bench.relation(1).asked = Err(Reason::Relation(RelationRefusal::RequestsNotJson));
    assert_eq!(bench.access(), ["write 1 granted"]);
    assert_eq!(bench.condition(1), "the requests are not JSON");
}

#[test]
fn a_certificate_that_has_expired_keeps_its_access_until_it_is_replaced() {
    let mut bench = granted();
    bench.observed.now = NOW.plus_seconds(301 * DAY);
    assert_eq!(bench.access(), ["write 1 granted"]);
    assert!(
        bench
            .condition(1)
            .starts_with("the certificate expired at ")
    );
}

#[test]
fn the_first_owner_of_a_name_keeps_it() {
    let mut bench = Bench::new(1);
    bench.ask_as(10, "/ten/", "alpha", 1);
    bench.access();
    // A smaller number is no earlier claim, and 1 is not 10.
    bench.ask_as(1, "/one/", "alpha", 2);
    assert_eq!(bench.access(), ["write 1 not granted"]);
    assert_eq!(bench.condition(1), "common name alpha is held by app10");
    bench.ask_as(1, "/one/", "alpha", 1);
    assert_eq!(bench.access(), [""; 0]);
}

#[test]
fn the_end_of_relation_1_leaves_10_alone() {
    let mut bench = granted();
    bench.ask_as(10, "/ten/", "beta", 1);
    bench.access();
    bench.observed.pass = Pass::Event;
    bench.observed.clients.scope = Scope::Only([key(1).relation].into());
    bench.observed.clients.relations.clear();
    assert_eq!(
        bench.access(),
        [
            "delete user alpha",
            "delete role alpha",
            "write alpha leaving, 1 departed",
        ]
    );
    assert!(bench.record(10).grant.is_some());
    assert!(bench.user("beta").user.is_some());
}

#[test]
fn a_name_that_is_being_released_waits_until_nobody_may_trust_its_leaf() {
    let mut bench = Bench::new(2);
    bench.ask_as(1, "/one/", "alpha", 1);
    bench.access();
    bench.trust(&[leaf("alpha", 1)]);
    bench.leave(1);
    bench.ask_as(2, "/two/", "alpha", 2);
    bench.access();
    let reason = "common name alpha is free once no member trusts its old certificate";
    assert_eq!(bench.condition(2), reason);
    let kind = bench.record(2).condition.as_ref().map(Condition::kind);
    assert_eq!(kind, Some(ConditionKind::Waiting));
    // One of two members has loaded a file without it, and would load it again.
    bench.trust(&[]);
    let crashed = bench.cluster.ledger.members.values_mut().next();
    crashed.expect("a member").starting = Some([leaf("alpha", 1)].into());
    assert_eq!(bench.access(), [""; 0]);
    // A member that has not said anything counts as trusting everything.
    bench.cluster.ledger.members.pop_first();
    assert_eq!(bench.access(), [""; 0]);
    bench = {
        let fresh = Bench::new(2);
        bench.cluster.ledger.members = fresh.cluster.ledger.members;
        bench
    };
    let steps = bench.access_steps();
    assert_eq!(steps.len(), 1, "{steps:?}");
    assert_eq!(bench.access_all()[0], "write alpha free");
    assert!(bench.record(2).grant.is_some());
}

#[test]
fn a_member_that_never_started_may_trust_anything() {
    let mut bench = granted();
    bench.leave(1);
    bench.access();
    bench.trust(&[]);
    let mut joining = crate::plan::testing::member(1);
    joining.name = None;
    bench.cluster.members.push(joining);
    assert_eq!(bench.access(), [""; 0]);
    bench.cluster.members.pop();
    assert_eq!(bench.access(), ["write alpha free"]);
}

#[test]
fn reserved_names_are_refused() {
    for name in ["root", "etcd-0", "etcd-17", "etcd-charm:etcd-0"] {
        let mut bench = Bench::new(1);
        bench.ask_as(1, "/one/", name, 1);
        assert_eq!(bench.access(), ["write 1 not granted"], "{name}");
        assert_eq!(
            bench.condition(1),
            format!("common name {name} is reserved")
        );
    }
    for name in ["etcd-", "etcd-x", "etcd-0x", "myetcd-0", "Root"] {
        let mut bench = Bench::new(1);
        bench.ask_as(1, "/one/", name, 1);
        assert_eq!(bench.access().len(), 5, "{name}");
    }
}

#[test]
fn a_user_that_somebody_made_is_never_adopted() {
    for (user, role) in [(true, false), (false, true), (true, true)] {
        let mut bench = Bench::new(1);
        *bench.user("alpha") = Access {
            user: user.then(|| ["guest".to_owned()].into()),
            role: role.then(Default::default),
        };
        bench.ask_as(1, "/one/", "alpha", 1);
        assert_eq!(bench.access(), ["write 1 not granted"]);
        assert_eq!(
            bench.condition(1),
            "etcd has a user or role alpha that is not the charm's"
        );
    }
}

#[test]
fn drift_is_repaired() {
    let range = |prefix: &str| Prefix::new(prefix).expect("a prefix").range();
    let mut bench = granted();
    bench.user("alpha").user = None;
    assert_eq!(bench.access(), ["add user alpha", "grant role alpha"]);
    bench.user("alpha").role = Some(
        [("/one/", false), ("/two/", true)]
            .map(|(prefix, read_write)| Permission {
                read_write,
                range: range(prefix),
            })
            .into(),
    );
    assert_eq!(
        bench.access(),
        ["forbid alpha [/two/, /two0)", "permit alpha [/one/, /one0)"]
    );
    bench.user("alpha").user = Some(["root".to_owned()].into());
    assert_eq!(
        bench.access(),
        ["revoke role root of alpha", "grant role alpha"]
    );
}

#[test]
fn what_a_run_cut_short_left_behind_is_removed() {
    // The record of 1 is gone, and user and role of its name are still there.
    let mut bench = granted();
    bench.cluster.ledger.clients.clear();
    bench.leave(1);
    assert_eq!(
        bench.access(),
        [
            "delete user alpha",
            "delete role alpha",
            "write alpha leaving"
        ]
    );
}

#[test]
fn overlap_is_refused_where_the_policy_says_so() {
    let mut bench = granted();
    bench.ask_as(2, "/one/two/", "beta", 1);
    bench.observed.options.prefix_policy = PrefixPolicy::Exclusive;
    assert_eq!(bench.access(), ["write 2 not granted"]);
    let text = "prefix /one/two/ overlaps /one/ of app1";
    assert_eq!(bench.condition(2), text);
    bench.observed.options.prefix_policy = PrefixPolicy::Shared;
    assert_eq!(bench.access_steps().len(), 6);
    let [(requirer, request, overlap)] = bench.report.overlaps.as_slice() else {
        panic!("{:?}", bench.report.overlaps);
    };
    assert_eq!(
        (requirer.to_string(), request),
        ("app2".to_owned(), &key(2))
    );
    assert_eq!(overlap.to_string(), text);
    bench.access();
    bench.trust(&[leaf("alpha", 1), leaf("beta", 1)]);
    // What was granted stays when the policy changes, and can be renewed.
    bench.observed.options.prefix_policy = PrefixPolicy::Exclusive;
    bench.ask_as(2, "/one/two/", "beta", 2);
    assert_eq!(bench.access(), ["write beta of 2, 2 granted"]);
}

#[test]
fn the_chain_of_a_certificate_never_matters() {
    let mut bench = granted();
    let chain = certificate("alpha", 1) + &certificate("beta", 1);
    bench.ask(1, "/one/", Certificate::Text(chain));
    assert_eq!(bench.access(), [""; 0]);
}

/// As many requests as have room in a handshake, each on its own relation, with
/// subjects about as long as may be.
fn full(bench: &mut Bench) -> u32 {
    let mut relation = 0;
    loop {
        relation += 1;
        let leaf = large_leaf(&format!("large{relation}"), 1);
        let prefix = format!("/{relation}/");
        bench.ask(relation, &prefix, Certificate::Text(leaf.pem));
        bench.access();
        if bench.record(relation).grant.is_none() {
            return relation;
        }
        assert!(relation < 100, "there is no bound");
    }
}

#[test]
fn no_more_is_granted_than_a_handshake_has_room_for() {
    let mut bench = Bench::new(1);
    let last = full(&mut bench);
    assert_eq!(last, 33, "32 names of nearly 1000 bytes are nearly 32000");
    let reason = "names of all certificates exceed 32000 bytes: remove a relation";
    assert_eq!(bench.condition(last), reason);
    // A shorter name still has room, and one that is replaced keeps its own.
    bench.ask_as(50, "/50/", "short", 1);
    bench.ask(1, "/1/", Certificate::Text(large_leaf("large1", 2).pem));
    bench.access();
    let leaves = [leaf("short", 1), large_leaf("large1", 2).fingerprint];
    for (relation, leaf) in [50, 1].into_iter().zip(leaves) {
        let grant = bench.record(relation).grant.as_ref().expect("a grant");
        assert_eq!((&grant.fingerprint, bench.condition(relation)), (&leaf, ""));
    }
    // Who waits is served when another goes.
    bench.leave(2);
    bench.access_all();
    assert!(
        bench.record(last).grant.is_some(),
        "{}",
        bench.condition(last)
    );
}

#[test]
fn what_was_never_granted_leaves_nothing_behind() {
    let mut bench = granted();
    bench.ask(1, "/one/", Certificate::Absent);
    bench.ask(2, "/two/", Certificate::Absent);
    bench.access();
    for relation in [1, 2] {
        bench.relation(relation).asked = Ok(None);
    }
    bench.access();
    assert!(bench.record(1).departed, "it may have secrets");
    assert!(!bench.cluster.ledger.clients.contains_key(&key(2)));
    // Only a relation that is gone may have left an encryption key.
    bench.ask(3, "/three/", Certificate::Absent);
    bench.access();
    bench.leave(3);
    bench.access();
    assert!(bench.record(3).departed);
}

#[test]
fn who_leaves_too_much_behind_waits() {
    let mut bench = granted();
    let left = bench.record(1).clone();
    for number in 0..100 {
        let mut left = left.clone();
        (left.grant, left.departed) = (None, true);
        let key = RequestKey {
            relation: RelationId(2),
            request: Some(format!("id{number}").parse().expect("an id")),
        };
        bench.cluster.ledger.clients.insert(key, left);
    }
    bench.observed.clients.scope = Scope::Only([RelationId(2), RelationId(3)].into());
    bench.ask_as(2, "/two/", "beta", 1);
    bench.ask_as(3, "/three/", "gamma", 1);
    bench.access();
    assert_eq!(
        bench.condition(2),
        "requests that it has replaced are cleaned up first"
    );
    assert!(bench.record(3).grant.is_some());
}
