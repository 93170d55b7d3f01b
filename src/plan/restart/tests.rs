//! When a member restarts, with what, and what is written down about it.

use crate::facts::observed::Pass;
use crate::facts::{ConditionKind, Known, MemberId, MemberName, MemberTrust, NoAnswer, Requirer};
use crate::plan::configuration::wanted;
use crate::plan::restart::{Restart, RestartInTurn, RestartStep, RestartWait};
use crate::plan::safety::Unsafe;
use crate::plan::testing::{Bench, NOW, client_authorities, key, large_leaf, leaf};
use crate::plan::{Stage, Wait, plan};
use crate::relation::peer::UnitData;
use crate::tls::{TrustBundle, digest};

/// A bench with `alpha` granted to 1, loaded everywhere and written down.
fn settled(members: u64) -> Bench {
    let mut bench = Bench::new(members);
    bench.serve(1, "/one/", "alpha");
    bench.trust(&[leaf("alpha", 1)]);
    bench
}

fn trust(bench: &mut Bench) -> RestartStep {
    match bench.stage() {
        Stage::Restart(step) => step,
        stage => panic!("{stage:?}"),
    }
}

fn restart(bench: &mut Bench) -> RestartInTurn {
    match trust(bench) {
        RestartStep::Restart(Restart::InTurn(restart)) => *restart,
        step => panic!("{step:?}"),
    }
}

fn is_publication(bench: &mut Bench) -> bool {
    matches!(bench.stage(), Stage::Publish(_))
}

#[test]
fn an_unchanged_set_restarts_nothing() {
    assert!(is_publication(&mut settled(3)));
}

#[test]
fn one_restart_brings_in_everything_that_is_granted() {
    let mut bench = settled(1);
    bench.ask_as(2, "/two/", "beta", 1);
    bench.ask_as(3, "/three/", "gamma", 1);
    bench.leave(1);
    bench.access();
    let restart = restart(&mut bench);
    let wanted = [leaf("beta", 1), leaf("gamma", 1)].into();
    let bundle = TrustBundle::parse(&restart.trust).expect("a trust file");
    assert_eq!(bundle.leaves(), wanted);
    // Until the end of the restart both the old and the new leaves count.
    assert_eq!(
        restart.before,
        MemberTrust {
            client_authorities: client_authorities(),
            loaded: [leaf("alpha", 1)].into(),
            starting: Some([leaf("alpha", 1), leaf("beta", 1), leaf("gamma", 1)].into()),
        }
    );
    assert_eq!(
        restart.after,
        MemberTrust {
            client_authorities: client_authorities(),
            loaded: wanted,
            starting: None,
        }
    );
    assert_eq!((restart.needs_lock, restart.transferee), (false, None));
}

fn requirer(app: &str) -> Requirer {
    Requirer::Application(app.parse().expect("a name"))
}

#[test]
fn a_leaf_on_record_that_is_refused_today_is_left_out_and_said() {
    let mut bench = settled(1);
    bench.serve(2, "/two/", "beta");
    let mut refused = bench.cluster.ledger.clients[key(1)].clone();
    let grant = refused.grant.as_mut().expect("a grant");
    grant.certificate = "what was let in once".to_owned();
    bench.cluster.ledger.clients.insert(key(1), refused);
    bench.observed.leader = false;
    let planned = restart(&mut bench);
    let wanted = [leaf("beta", 1)].into();
    let bundle = TrustBundle::parse(&planned.trust).expect("a trust file");
    assert_eq!(
        (bundle.leaves(), &planned.after.loaded),
        (wanted, &bundle.leaves())
    );
    // It is not wanted, so it causes no restart any more, and is told.
    bench.trust(&[leaf("beta", 1)]);
    let plan = bench.plan();
    assert!(matches!(plan.stage, Stage::Publish(_)), "{:?}", plan.stage);
    let reason = "certificate not trusted any more: there is text outside of the PEM blocks";
    let [(left_out, condition)] = plan.report.conditions.as_slice() else {
        panic!("{:?}", plan.report.conditions);
    };
    assert_eq!(left_out, &requirer("app1"));
    assert_eq!(condition.kind(), ConditionKind::Refused);
    assert_eq!(condition.words(), reason);
}

#[test]
fn no_trust_file_names_more_than_a_handshake_holds() {
    let mut bench = settled(1);
    bench.serve(2, "/two/", "beta");
    bench.observed.leader = false;
    // From before there was any bound, and each a moment later than the last.
    for number in 0..70 {
        let leaf = large_leaf(&format!("large{number}"), 1);
        let mut record = bench.record(1).clone();
        record.app = format!("app{}", 10 + number).parse().ok();
        let grant = record.grant.as_mut().expect("a grant");
        grant.common_name = leaf.common_name;
        grant.certificate = leaf.pem;
        grant.fingerprint = leaf.fingerprint;
        grant.granted_at = NOW.plus_seconds(i64::from(number) + 1);
        bench
            .cluster
            .ledger
            .clients
            .insert(key(10 + number), record);
    }
    let planned = restart(&mut bench);
    let bundle = TrustBundle::parse(&planned.trust).expect("a trust file");
    assert!((59_000..=60_000).contains(&bundle.named_bytes()));
    assert!(bundle.trusts(&leaf("beta", 1)) && bundle.trusts(&leaf("alpha", 1)));
    assert!(!bundle.trusts(&large_leaf("large69", 1).fingerprint));
    let loaded: Vec<_> = bundle.leaves().into_iter().collect();
    bench.trust(&loaded);
    let plan = bench.plan();
    assert!(matches!(plan.stage, Stage::Publish(_)), "{:?}", plan.stage);
    let (last, condition) = plan.report.conditions.last().expect("a notice");
    let reason = "certificate not trusted any more: there are too many names";
    assert_eq!((last, condition.words()), (&requirer("app79"), reason));
}

#[test]
fn a_removal_waits_for_a_full_pass() {
    let mut bench = settled(1);
    bench.leave(1);
    bench.access();
    bench.observed.pass = Pass::Event;
    assert!(is_publication(&mut bench));
    // Nor is a full pass on somebody else's account the time for it.
    bench.observed.pass = Pass::Full;
    bench.observed.is_regular = false;
    assert!(is_publication(&mut bench));
    bench.observed.is_regular = true;
    assert!(restart(&mut bench).after.loaded.is_empty());
}

#[test]
fn other_requests_are_looked_for_before_a_restart() {
    let mut bench = settled(1);
    bench.serve(2, "/two/", "beta");
    bench.observed.pass = Pass::Event;
    bench.observed.clients.pending_is_read = false;
    assert_eq!(trust(&mut bench), RestartStep::ReadPending);
    // Only the leader can see what clients ask for.
    bench.observed.leader = false;
    assert!(matches!(trust(&mut bench), RestartStep::Restart(_)));
}

#[test]
fn leadership_is_moved_to_a_member_that_answers() {
    let mut bench = settled(5);
    bench.serve(2, "/two/", "beta");
    let planned = restart(&mut bench);
    assert_eq!(
        (planned.needs_lock, planned.transferee),
        (true, Some(MemberId(101)))
    );
    bench.cluster.answering.remove(&MemberId(101));
    assert_eq!(restart(&mut bench).transferee, Some(MemberId(102)));
    bench.cluster.status.leader = Some(MemberId(104));
    assert_eq!(restart(&mut bench).transferee, None);
}

#[test]
fn a_restart_beside_a_learner_takes_the_lock() {
    let mut bench = settled(2);
    bench.cluster.members[1].learner = true;
    bench.serve(2, "/two/", "beta");
    let restart = restart(&mut bench);
    assert_eq!((restart.needs_lock, restart.transferee), (true, None));
}

#[test]
fn a_restart_that_is_not_safe_is_waited_for() {
    let mut bench = settled(3);
    bench.serve(2, "/two/", "beta");
    bench.cluster.answering.remove(&MemberId(102));
    let plan = bench.plan();
    assert!(matches!(plan.stage, Stage::Publish(_)));
    assert_eq!(
        plan.report.wait,
        Some(Wait::Restart(RestartWait::Unsafe(Unsafe::NoQuorum {
            answering: 1,
            others: 2
        })))
    );
}

/// A bench of three members, one of which is unreachable, when a client comes.
fn one_is_unreachable() -> Bench {
    let mut bench = settled(3);
    bench.serve(2, "/two/", "beta");
    bench.cluster.answering.remove(&MemberId(102));
    bench
}

#[test]
fn a_cluster_without_a_member_to_spare_pauses_once_for_a_client() {
    let mut bench = one_is_unreachable();
    let unreachable = MemberName::new("etcd-2");
    bench.observed.unreachable.insert(unreachable.clone(), 1);
    let plan = bench.plan();
    assert!(matches!(plan.report.wait, Some(Wait::Restart(_))));
    assert!(plan.report.clients_wait);
    assert_eq!(plan.report.unreachable, ["etcd/2"]);
    bench.observed.unreachable.insert(unreachable.clone(), 2);
    // The leader gives the other one time for another pass,
    let plan = bench.plan();
    assert!(matches!(plan.report.wait, Some(Wait::Restart(_))));
    assert!(plan.report.clients_wait);
    // which has no reason to wait.
    let leader = bench.cluster.status.leader.replace(MemberId(101));
    let planned = restart(&mut bench);
    assert_eq!(planned.transferee, None);
    assert!(planned.needs_lock);
    bench.cluster.status.leader = leader;
    // If it comes to that, it is a follower when it restarts, so that there is no election.
    bench.observed.unreachable.insert(unreachable, 3);
    let planned = restart(&mut bench);
    assert_eq!(planned.transferee, Some(MemberId(101)));
    assert!(planned.needs_lock);

    // One that lets the client in is enough, where none can be lost.
    let other = bench
        .cluster
        .ledger
        .members
        .get_mut(&MemberName::new("etcd-1"));
    other.expect("a record").loaded.insert(leaf("beta", 1));
    let plan = bench.plan();
    assert!(matches!(plan.report.wait, Some(Wait::Restart(_))));
    assert!(!plan.report.clients_wait);
}

#[test]
fn a_cluster_pauses_for_nothing_but_a_client() {
    let given_up = |bench: &mut Bench| {
        bench.give_up("etcd-2", 9);
    };
    let waits = |bench: &mut Bench| matches!(bench.plan().report.wait, Some(Wait::Restart(_)));
    // An option, or another release, is in no hurry, and may not come up.
    let mut bench = one_is_unreachable();
    given_up(&mut bench);
    bench.observed.machine.loaded_configuration = Some("another".to_owned());
    assert!(waits(&mut bench));
    // Whoever goes has no access any more.
    let mut bench = settled(3);
    bench.leave(1);
    bench.access();
    bench.cluster.answering.remove(&MemberId(102));
    given_up(&mut bench);
    assert!(waits(&mut bench));
    // Of five, two may be given up, and a third is waited for.
    let mut bench = settled(5);
    bench.serve(2, "/two/", "beta");
    bench
        .cluster
        .answering
        .retain(|id| ![102, 103].contains(&id.0));
    given_up(&mut bench);
    assert!(waits(&mut bench));
    bench.give_up("etcd-3", 3);
    assert!(!waits(&mut bench));
    bench.cluster.status.leader = None;
    assert!(waits(&mut bench));
}

#[test]
fn a_member_that_joins_is_named_and_not_told_to_be_removed() {
    let mut bench = settled(3);
    bench.cluster.members[1].learner = true;
    let unstarted = &mut bench.cluster.members[2];
    (unstarted.name, unstarted.learner) = (None, true);
    bench.cluster.answering = [MemberId(100)].into();
    let unit = UnitData {
        address: Some("10.0.0.3".to_owned()),
        ..UnitData::default()
    };
    bench.peers().others.insert(MemberName::new("etcd-2"), unit);
    let report = bench.plan().report;
    assert_eq!(report.joining, ["etcd/1", "etcd/2"]);
    assert!(report.unreachable.is_empty(), "{:?}", report.unreachable);
}

#[test]
fn what_a_run_cut_short_has_written_counts_until_it_is_replaced() {
    let mut bench = settled(1);
    let written = [leaf("alpha", 1), leaf("beta", 1)].into();
    bench.observed.machine.written_leaves = Some(written);
    bench.observed.pass = Pass::Event;
    assert_eq!(
        trust(&mut bench),
        RestartStep::Record(MemberTrust {
            client_authorities: client_authorities(),
            loaded: [leaf("alpha", 1)].into(),
            starting: Some([leaf("alpha", 1), leaf("beta", 1)].into()),
        })
    );
    bench.observed.pass = Pass::Full;
    assert_eq!(restart(&mut bench).after.loaded, [leaf("alpha", 1)].into());
}

#[test]
fn a_member_without_a_record_writes_one() {
    let mut bench = settled(1);
    let member = MemberName::new("etcd-0");
    bench.cluster.ledger.members.remove(&member);
    assert_eq!(
        trust(&mut bench),
        RestartStep::Record(MemberTrust {
            client_authorities: client_authorities(),
            loaded: [leaf("alpha", 1)].into(),
            starting: None,
        })
    );
}

#[test]
fn another_configuration_is_reason_enough() {
    let mut bench = settled(1);
    bench.observed.machine.loaded_configuration = Some("old".to_owned());
    let restart = restart(&mut bench);
    assert_eq!(restart.after.loaded, [leaf("alpha", 1)].into());
}

/// Where nobody answers there is nobody to ask for a turn: whatever the reason, it is
/// this restart or none.
#[test]
fn a_member_that_listens_in_the_wrong_place_is_restarted_at_once() {
    let mut bench = settled(3);
    bench.observed.machine.address = Some("10.0.0.9".to_owned());
    let stage = |bench: &Bench| {
        let mut observed = bench.observed.clone();
        observed.cluster = Known::Unknown(NoAnswer::NoLeader);
        plan(&observed).stage
    };
    // Its certificate and its files first.
    assert!(matches!(stage(&bench), Stage::Machine(_)));
    bench.observed.machine.address = Some("10.0.0.1".to_owned());
    bench.observed.options.heartbeat_interval = 99;
    assert!(matches!(stage(&bench), Stage::Machine(_)));
    bench.observed.machine.written = wanted(&bench.observed).expect("documents");
    let at_once = Restart::AtOnce;
    match stage(&bench) {
        Stage::Restart(step) => assert_eq!(step, RestartStep::Restart(at_once)),
        stage => panic!("{stage:?}"),
    }
    // While any member answers it has its turn.
    restart(&mut bench);
    // One that does not run is started, and is not restarted on top of it.
    bench.observed.machine.is_running = Some(false);
    assert!(matches!(stage(&bench), Stage::Machine(_)));
    bench.observed.machine.is_pending = true;
    assert!(matches!(stage(&bench), Stage::Publish(_)));
    // What it has loaded is what it should have.
    bench.observed.machine.is_running = Some(true);
    bench.observed.machine.is_pending = false;
    bench.configure();
    assert!(matches!(stage(&bench), Stage::Publish(_)));
}

#[test]
fn after_many_restarts_the_next_waits_and_is_said() {
    let mut bench = settled(1);
    bench.observed.is_regular = false;
    bench.serve(2, "/two/", "beta");
    let paid = restart(&mut bench).paid_until;
    assert_eq!(paid, Some(NOW.plus_seconds(300)));
    // As many as are lent were made just now.
    bench.observed.machine.restarts_paid_until = Some(NOW.plus_seconds(3600));
    let plan = bench.plan();
    assert!(matches!(plan.stage, Stage::Publish(_)), "{:?}", plan.stage);
    let next = NOW.plus_seconds(300);
    assert_eq!(
        (plan.report.postponed, plan.report.wait),
        (Some(next), None)
    );
    // The first hook after that time makes it.
    bench.observed.now = next;
    assert_eq!(
        restart(&mut bench).paid_until,
        Some(next.plus_seconds(3600))
    );
    // A removal waits as well, and nobody is told, since nobody waits for it.
    bench.observed.now = NOW;
    bench.leave(2);
    bench.leave(1);
    bench.access_all();
    bench.observed.is_regular = true;
    let plan = bench.plan();
    assert!(matches!(plan.stage, Stage::Publish(_)), "{:?}", plan.stage);
    assert_eq!(plan.report.postponed, None);
    // What an operator has changed does not, and takes the rest along for nothing.
    bench.observed.machine.loaded_configuration = Some("old".to_owned());
    let paid = restart(&mut bench).paid_until;
    assert_eq!(paid, Some(NOW.plus_seconds(3600)));
}

#[test]
fn a_member_that_went_dark_with_another_trust_file_goes_back() {
    let mut bench = settled(3);
    bench.observed.machine.is_unproven = true;
    assert_eq!(trust(&mut bench), RestartStep::Prove);
    bench.cluster.answering.remove(&MemberId(100));
    bench.cluster.status.member = MemberId(101);
    for pass in [Pass::Event, Pass::Full] {
        bench.observed.pass = pass;
        assert_eq!(trust(&mut bench), RestartStep::FallBack);
    }
    // With the file that served it would be dark as well.
    bench.observed.machine.is_unproven = false;
    assert_eq!(bench.plan().report.wait, Some(Wait::Member));
    // Alone it cannot even be asked, and a lost majority is no trust file's fault.
    let mut observed = bench.observed.clone();
    observed.machine.is_unproven = true;
    assert_eq!(super::fall_back(&observed), Some(RestartStep::FallBack));
    observed.cluster = Known::Unknown(NoAnswer::Minority(vec!["etcd-1".to_owned()]));
    assert_eq!(super::fall_back(&observed), None);
}

#[test]
fn a_trust_file_that_did_not_serve_is_not_tried_again_at_once() {
    let mut bench = settled(1);
    bench.serve(2, "/two/", "beta");
    let refused = digest(restart(&mut bench).trust.as_bytes());
    bench.observed.machine.refused_trust = Some((refused, NOW));
    let plan = bench.plan();
    assert!(matches!(plan.stage, Stage::Publish(_)), "{:?}", plan.stage);
    assert!(plan.report.refused_trust);
    // Another one is, and that one after an hour.
    bench.serve(3, "/three/", "gamma");
    restart(&mut bench);
    bench.leave(3);
    bench.access_all();
    assert!(bench.plan().report.refused_trust);
    bench.observed.now = NOW.plus_seconds(3600);
    bench.access_all();
    restart(&mut bench);
}
