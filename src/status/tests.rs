//! What operators read.

use super::{of_application, of_unit};
use crate::juju::StatusName;
use crate::model::{AlarmKind, MemberName, Notice};
use crate::plan::testing::{Bench, DAY, NOW, key, leaf};
use crate::plan::{Report, Stage, Wait};

fn unit(report: &Report) -> String {
    let status = of_unit(report);
    format!("{}: {}", status.name.as_str(), status.message)
}

fn application(report: &Report) -> String {
    let status = of_application(report);
    format!("{}: {}", status.name.as_str(), status.message)
}

#[test]
fn what_a_unit_waits_for() {
    for (wait, text) in [
        (
            Wait::Machine("an address"),
            "waiting: waiting for an address",
        ),
        (Wait::PeerRelation, "waiting: waiting for the peer relation"),
        (
            Wait::Authorities,
            "waiting: waiting for the leader to make the certificate authorities",
        ),
        (
            Wait::Cluster(MemberName::new("etcd-7")),
            "waiting: waiting for etcd-7 to start the cluster",
        ),
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
            Wait::Restart("1 of 2 other members answer".to_owned()),
            "waiting: waiting to restart etcd: 1 of 2 other members answer",
        ),
        (Wait::Removal, "maintenance: left the cluster"),
        (
            Wait::LostMember,
            "blocked: data of this member is gone: remove this unit and add another",
        ),
        (
            Wait::Alarm(AlarmKind::NoSpace),
            "blocked: no writes are taken, since the database of a member is full (alarm NOSPACE): \
             run compact, then defrag, then alarm-disarm",
        ),
        (
            Wait::Majority(vec!["etcd-1".to_owned(), "etcd-10".to_owned()]),
            "blocked: majority of the cluster lost: no answer from etcd-1, etcd-10; bring the \
             machines back, or, if they are gone for good, run `rebuild-cluster` on the leader",
        ),
        (
            Wait::Majority(Vec::new()),
            "blocked: majority of the cluster lost: this member waits for the others; bring the \
             machines back, or, if they are gone for good, run `rebuild-cluster` on the leader",
        ),
        (
            Wait::Refounding,
            "waiting: waiting to restore a snapshot: the other members cannot be stopped yet",
        ),
        (
            Wait::Etcd("no member answers".to_owned()),
            "waiting: waiting for etcd: no member answers; see `systemctl status 'etcd-charm-*'`",
        ),
    ] {
        let report = Report {
            wait: Some(wait),
            ..Report::default()
        };
        assert_eq!(unit(&report), text);
        assert_eq!(application(&report), text);
    }
}

#[test]
fn an_option_that_is_refused_blocks_and_says_what_holds() {
    let refused = |wait| Report {
        refused_option: Some("option log-level must be info".to_owned()),
        wait,
        ..Report::default()
    };
    let blocked = "blocked: option log-level must be info";
    let lost = unit(&Report {
        wait: Some(Wait::Majority(vec!["etcd-1".to_owned()])),
        ..Report::default()
    });
    assert!(lost.contains("majority of the cluster lost"), "{lost}");
    for (wait, text) in [
        (
            None,
            format!("{blocked}; what was set before stays in force"),
        ),
        (
            Some(Wait::Restart("1 of 2".to_owned())),
            format!("{blocked}; what was set before stays in force"),
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
    assert_eq!(unit(&report), "active: (leader) cluster is healthy");
    assert_eq!(application(&report), "active: ");
    bench.cluster.status.leader = Some(101);
    bench.cluster.answering.remove(&102);
    let report = bench.plan().report;
    assert_eq!(
        unit(&report),
        "active: no answer from etcd-2: start what is down, or remove what is gone"
    );
}

#[test]
fn a_unit_whose_own_member_is_down_says_so_while_others_serve() {
    let down = "blocked: etcd of this unit does not answer: see `journalctl -u 'etcd-charm-*'`; \
                the others serve";
    // Another member was asked, and it leads.
    let mut bench = Bench::new(3);
    (bench.cluster.status.member, bench.cluster.status.leader) = (101, Some(101));
    bench.cluster.answering.remove(&100);
    let report = bench.plan().report;
    assert_eq!(unit(&report), down);
    assert_eq!(application(&report), "active: ");
    assert!(!report.raft_leader);

    // It could not even be started; the leader goes on with what is asked of it.
    bench.observed.machine.is_running = false;
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
        "active: (leader) cluster is healthy; etcd 3.6.10 lets clients past their rights \
         (CVE-2026-44283 and 1 more): upgrade"
    );
}

#[test]
fn requests_that_are_not_in_force_are_named_by_relation() {
    let mut bench = Bench::new(1);
    bench.ask_as(1, "/one/", "root", 1);
    bench.ask_as(10, "/ten/", "alpha", 1);
    bench.access();
    bench.trust(&[leaf("alpha", 1)]);
    let report = bench.plan().report;
    assert_eq!(
        application(&report),
        "active: etcd-client:1 refused: common name root is reserved"
    );
    bench.observed.now = NOW.plus_seconds(294 * DAY);
    // The member's own certificates would have been renewed by then.
    let report = {
        let mut report = Report::default();
        report.read_ledger(
            &bench.cluster,
            bench.cluster.members.first(),
            bench.observed.now,
        );
        report
    };
    assert_eq!(
        application(&report),
        "active: etcd-client:1 refused: common name root is reserved; etcd-client:10: \
         certificate ends 2027-11-11T08:00:00Z, renew it in the application"
    );
    assert_eq!(report.expiring.len(), 1);
}

#[test]
fn a_long_list_is_counted_and_a_hostile_reason_stays_one_line() {
    let notice = |text: &str| Notice::Waiting(text.to_owned());
    let report = Report {
        notices: [1, 2, 10]
            .map(|relation| (key(relation), notice("a\nb")))
            .into(),
        ..Report::default()
    };
    assert_eq!(
        application(&report),
        "active: etcd-client:1 waits: a b; etcd-client:2 waits: a b; 1 more, see action list-clients"
    );
    let report = Report {
        notices: vec![(key(1), notice(&"x".repeat(10_000)))],
        ..Report::default()
    };
    let status = of_application(&report);
    assert_eq!(status.name, StatusName::Active);
    assert_eq!(status.message.chars().count(), 401);
}

#[test]
fn an_alarm_and_strangers_are_told_whatever_is_waited_for() {
    let alarm = "etcd-0 has raised an alarm: see alarm-list".to_owned();
    let mut report = Report {
        strangers: vec!["a1b2".to_owned(), "odd".to_owned()],
        ..Report::default()
    };
    let stranger = "; of no unit: member a1b2, odd, to be removed with etcdctl unless it is wanted";
    assert_eq!(
        unit(&report),
        format!("active: cluster is healthy{stranger}")
    );
    report.wait_for(Wait::OtherJoiner);
    assert_eq!(
        unit(&report),
        format!("waiting: waiting for another unit to join{stranger}")
    );
    report.alarm = Some(alarm.clone());
    assert_eq!(unit(&report), format!("blocked: {alarm}{stranger}"));
    assert_eq!(application(&report), format!("blocked: {alarm}{stranger}"));
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
    let told = ending(100);
    assert!(
        told.starts_with("active: authority of servers ends "),
        "{told}"
    );
    assert!(
        told.contains(": run rotate-server-ca; authority of administrators ends "),
        "{told}"
    );
    let report = Report {
        ending: vec![("servers", NOW)],
        rotation: Some("authority of servers is replaced".to_owned()),
        ..Report::default()
    };
    assert_eq!(
        application(&report),
        "active: authority of servers is replaced"
    );
}
