//! What operators read.

use super::line::LONGEST;
use super::{of_application, of_unit};
use crate::facts::authorities::AuthorityKind;
use crate::facts::reason::tests::{reasons, signing_refusals};
use crate::facts::{
    AlarmKind, Cause, Condition, Instead, MemberId, NoAnswer, RefusalNote, Requirer, Unsigned,
};
use crate::juju::StatusName;
use crate::plan::authorities::rotation::{RotationProgress, RotationStage};
use crate::plan::restart::RestartWait;
use crate::plan::safety::Unsafe;
use crate::plan::testing::{Bench, DAY, NOW, leaf};
use crate::plan::{MachineWait, ReleaseFault, Report, Stage, Wait};

fn unit(report: &Report) -> String {
    let status = of_unit(report);
    format!("{}: {}", status.name.as_str(), status.message)
}

/// As another revision may have it noted.
fn noted(text: &str) -> Option<RefusalNote> {
    serde_json::from_value(text.into()).ok()
}

fn application(report: &Report) -> String {
    let status = of_application(report);
    format!("{}: {}", status.name.as_str(), status.message)
}

/// Unit and application say this while they wait for it.
fn says(waits: impl IntoIterator<Item = (Wait, &'static str)>) {
    for (wait, text) in waits {
        let report = Report {
            wait: Some(wait),
            ..Report::default()
        };
        assert_eq!(unit(&report), text);
        assert_eq!(application(&report), text);
    }
}

#[test]
fn what_a_unit_waits_for() {
    says([
        (
            Wait::Machine(MachineWait::Address),
            "waiting: waiting for an address",
        ),
        (
            Wait::Machine(MachineWait::Storage),
            "waiting: waiting for storage `data`",
        ),
        (Wait::PeerRelation, "waiting: waiting for the peer relation"),
        (
            Wait::Authorities,
            "waiting: waiting for the leader to make the certificate authorities",
        ),
        (
            Wait::Bootstrap("etcd/7".parse().expect("a unit")),
            "waiting: waiting for etcd/7 to bootstrap the cluster",
        ),
        (Wait::Reach, "waiting: waiting to reach the cluster"),
        (
            Wait::OtherJoiner,
            "waiting: waiting for another unit to join",
        ),
        (
            Wait::Options,
            "waiting: waiting for an option to be corrected",
        ),
        (
            Wait::Promotion,
            "waiting: waiting to catch up with the cluster",
        ),
        (
            Wait::Restart(RestartWait::Unsafe(Unsafe::NoQuorum {
                answering: 1,
                others: 2,
            })),
            "waiting: waiting to restart etcd: 1 of 2 other members answer",
        ),
        (Wait::Removal, "maintenance: left the cluster"),
        (
            Wait::Joining,
            "waiting: waiting for its member to join the cluster",
        ),
        (
            Wait::Address("etcd/1".parse().expect("a unit")),
            "waiting: waiting for etcd/1 to give up this unit's address",
        ),
        (
            Wait::Recreation,
            "waiting: waiting to restore a snapshot: the other members cannot be stopped yet",
        ),
        (
            Wait::Etcd(NoAnswer::NoMember),
            "waiting: waiting for etcd, see `journalctl -u 'etcd-charm-*'`: no member is known yet",
        ),
    ]);
}

#[test]
fn what_an_operator_has_to_do() {
    says([
        (
            Wait::Release(ReleaseFault::CannotJoin {
                members: "3.5.1".parse().expect("a version"),
                own: "3.6.16".parse().expect("a version"),
                instead: Instead::FirstFrom(3, 5, 26),
            }),
            "blocked: attach 3.5.26 or newer of 3.5 first: etcd 3.6.16 cannot join members that \
             run 3.5.1",
        ),
        (
            Wait::Release(ReleaseFault::Unreadable(Cause::of(&std::io::Error::other(
                "it does not run",
            )))),
            "blocked: attach another etcd: this one does not say its version (it does not run)",
        ),
        (
            Wait::LostMember,
            "blocked: start the other units, or run rebuild-cluster if they are gone: the data of \
             this member is gone",
        ),
        (
            Wait::LostCluster,
            "blocked: run restore, or remove this unit and add another: the data of its member is \
             gone",
        ),
        (
            Wait::OldData,
            "blocked: run rebuild-cluster use-own-data=true confirm=true to use the data of an \
             earlier member",
        ),
        (
            Wait::UnreadableData,
            "blocked: repair the disk, or remove this unit and add another: the data cannot be read",
        ),
        (
            Wait::Alarm(AlarmKind::NoSpace),
            "blocked: run compact, defrag, then alarm-disarm: no writes, database of a member is \
             full (NOSPACE)",
        ),
        (
            Wait::Majority(["etcd/1", "etcd/10", "etcd/11"].map(str::to_owned).into()),
            "blocked: quorum lost: no answer from etcd/1, etcd/10 and 1 more: start them, or run \
             rebuild-cluster if gone",
        ),
        (
            Wait::Majority(Vec::new()),
            "blocked: quorum lost: no answer from the other units: start them, or run \
             rebuild-cluster if gone",
        ),
    ]);
}

#[test]
fn an_option_that_is_refused_blocks_and_says_what_holds() {
    let refused = |wait| Report {
        refused_option: noted("option log-level must be info"),
        wait,
        ..Report::default()
    };
    let blocked = "blocked: option log-level must be info";
    let lost = unit(&Report {
        wait: Some(Wait::Majority(vec!["etcd-1".to_owned()])),
        ..Report::default()
    });
    assert!(lost.starts_with("blocked: quorum lost"), "{lost}");
    for (wait, text) in [
        (
            None,
            format!("{blocked}; the options set before stay in force"),
        ),
        (
            Some(Wait::Restart(RestartWait::Starting)),
            format!("{blocked}; the options set before stay in force"),
        ),
        (Some(Wait::Options), blocked.to_owned()),
        (
            Some(Wait::Removal),
            "maintenance: left the cluster".to_owned(),
        ),
        (Some(Wait::Majority(vec!["etcd-1".to_owned()])), lost),
    ] {
        let report = refused(wait);
        assert_eq!(unit(&report), text);
        assert_eq!(application(&report), text);
    }
}

#[test]
fn a_healthy_cluster() {
    let mut bench = Bench::new(3);
    let report = bench.plan().report;
    assert_eq!(unit(&report), "active: cluster is healthy; raft leader");
    assert_eq!(application(&report), "active: ");
    bench.cluster.status.leader = Some(MemberId(101));
    bench.cluster.answering.remove(&MemberId(102));
    let report = bench.plan().report;
    assert_eq!(
        unit(&report),
        "active: no answer from etcd/2: start what is down, or remove what is gone"
    );
}

#[test]
fn a_unit_whose_own_member_is_down_says_so_while_others_serve() {
    let down = "blocked: see `journalctl -u 'etcd-charm-*'` here: etcd does not answer; the other \
                units serve";
    // Another member was asked, and it leads.
    let mut bench = Bench::new(3);
    (bench.cluster.status.member, bench.cluster.status.leader) =
        (MemberId(101), Some(MemberId(101)));
    bench.cluster.answering.remove(&MemberId(100));
    let report = bench.plan().report;
    assert_eq!(unit(&report), down);
    assert_eq!(application(&report), "active: ");
    assert!(!report.raft_leader);

    // It could not even be started; the leader goes on with what is asked of it.
    bench.observed.machine.is_running = Some(false);
    bench.observed.machine.has_failed = true;
    bench.ask_as(1, "/one/", "alpha", 1);
    let plan = bench.plan();
    assert!(matches!(plan.stage, Stage::Access(_)), "{:?}", plan.stage);
    bench.access();
    let report = bench.plan().report;
    assert_eq!(unit(&report), down);
}

#[test]
fn a_version_with_open_advisories_is_named() {
    let mut bench = Bench::new(1);
    bench.cluster.status.version = "3.6.10".parse().expect("a version");
    let report = bench.plan().report;
    assert_eq!(
        unit(&report),
        "active: upgrade etcd 3.6.10: 2 security advisories; cluster is healthy; raft leader"
    );
}

#[test]
fn requests_that_are_not_in_force_are_named_by_application() {
    let mut bench = Bench::new(1);
    bench.ask_as(1, "/one/", "root", 1);
    bench.serve(10, "/ten/", "alpha");
    bench.trust(&[leaf("alpha", 1)]);
    let report = bench.plan().report;
    assert_eq!(
        application(&report),
        "active: app1 refused: common name root is reserved"
    );
    bench.observed.now = NOW.plus_seconds(294 * DAY);
    // The member's own certificates would have been renewed by then.
    let report = {
        let mut report = Report::default();
        report.read_ledger(
            &bench.cluster,
            bench.cluster.members.first(),
            &bench.observed,
        );
        report
    };
    assert_eq!(
        application(&report),
        "active: app1 refused: common name root is reserved; app10 must renew its certificate: it \
         ends 2027-11-11"
    );
    assert_eq!(report.expiring.len(), 1);
}

#[test]
fn every_reason_of_a_request_fits_into_a_status() {
    let reasons = reasons().into_iter();
    let reasons = reasons.map(|(reason, ..)| Condition::from(reason));
    let refusals = signing_refusals().into_iter();
    let refusals = refusals.filter_map(|(refusal, _)| {
        let app = "app".parse().expect("a name");
        Some(Condition::from(&Unsigned::of(&app, [&refusal])?))
    });
    let requirer = Requirer::from("app".parse().ok().as_ref());
    for condition in reasons.chain(refusals) {
        let report = Report {
            conditions: vec![(requirer.clone(), condition.clone())],
            ..Report::default()
        };
        let message = of_application(&report).message;
        assert!(message.ends_with(condition.words()), "{message}");
    }
}

#[test]
fn a_long_list_is_counted_and_a_hostile_reason_stays_one_line() {
    // As another revision may have recorded it.
    let recorded = |kind: &str, text: &str| -> Condition {
        let json = serde_json::json!({"kind": kind, "reason": text});
        serde_json::from_value(json).expect("a condition")
    };
    let condition = |text: &str| recorded("waiting", text);
    let requirer = |name: &str| Requirer::from(name.parse().ok().as_ref());
    let report = Report {
        conditions: (1..8)
            .map(|number| (requirer(&format!("some-app{number}")), condition("a\nb")))
            .collect(),
        ..Report::default()
    };
    assert_eq!(
        application(&report),
        "active: some-app1 waits: a b; some-app2 waits: a b; some-app3 waits: a b; 4 more: run \
         list-clients"
    );
    let other_model = requirer("remote-0a1b2c3d4e5f60718293a4b5c6d7e8f9");
    let report = Report {
        conditions: vec![
            (requirer("patient"), condition("x")),
            (other_model, recorded("refused", &"x".repeat(10_000))),
        ],
        ..Report::default()
    };
    let status = of_application(&report);
    assert_eq!(status.name, StatusName::Active);
    let expected = "an application of another model refused: xxx";
    assert!(status.message.starts_with(expected), "{}", status.message);
    let more = "x…; 1 more: run list-clients";
    assert!(status.message.ends_with(more), "{}", status.message);
    assert_eq!(status.message.chars().count(), LONGEST);
}

#[test]
fn an_alarm_and_unmanaged_members_are_told_whatever_is_waited_for() {
    let alarm = "run alarm-list: etcd/0 has raised an alarm".to_owned();
    let mut report = Report {
        unmanaged_members: vec!["member odd".to_owned()],
        ..Report::default()
    };
    let advice = "member odd belongs to no unit: remove it with etcdctl";
    assert_eq!(
        unit(&report),
        format!("active: {advice}; cluster is healthy")
    );
    report.wait_for(Wait::OtherJoiner);
    assert_eq!(
        unit(&report),
        format!("waiting: {advice}; waiting for another unit to join")
    );
    report.alarms = vec![(AlarmKind::Other, Some("etcd/0".to_owned()))];
    let both = format!("blocked: {alarm}; {advice}");
    assert_eq!(unit(&report), both);
    assert_eq!(application(&report), both);
    report.wait = Some(Wait::Removal);
    assert_eq!(unit(&report), "maintenance: left the cluster");
}

#[test]
fn the_end_of_an_authority_is_told_in_time() {
    let bench = Bench::new(1);
    let end = bench.authorities().server.own().not_after;
    let ending = |days: i64| {
        let mut report = Report::default();
        report.read_authorities(&bench.observed.machine, end.plus_seconds(-days * DAY));
        application(&report)
    };
    assert_eq!(ending(200), "active: ");
    let text = ending(100);
    assert!(
        text.starts_with("active: run rotate-server-ca: the servers' CA ends "),
        "{text}"
    );
    assert!(text.ends_with("; 2 more: run list-clients"), "{text}");
    for (kind, of, action) in [
        (
            AuthorityKind::Administrators,
            "administrators",
            "rotate-admin-ca",
        ),
        (AuthorityKind::Clients, "clients", "rotate-client-ca"),
    ] {
        let report = Report {
            ending: vec![(kind, NOW)],
            ..Report::default()
        };
        let text = application(&report);
        let expected = format!("active: run {action}: the {of}' CA ends ");
        assert!(text.starts_with(&expected), "{text}");
    }
    let report = Report {
        ending: vec![(AuthorityKind::Servers, NOW)],
        rotations: vec![RotationProgress {
            kind: AuthorityKind::Servers,
            stage: RotationStage::Removing,
        }],
        ..Report::default()
    };
    assert_eq!(
        application(&report),
        "active: replacing the servers' CA: removing the previous one"
    );
}
