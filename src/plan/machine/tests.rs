//! What a machine needs, and what it must not do by itself.

use std::collections::BTreeSet;

use crate::facts::observed::{Pass, PeerRelation};
use crate::facts::options::OptionRefusal;
use crate::facts::provider::KeyPair;
use crate::facts::{
    Bootstrap, Cause, Instead, Known, MemberData, MemberName, NoAnswer, RefusalNote, Secret,
    Source, Version,
};
use crate::plan::configuration;
use crate::plan::machine::{Installation, MachineStep, ServerIssuance};
use crate::plan::testing::{Bench, DAY, IDENTITY, NOW, OWN_NAMES, leaf};
use crate::plan::{MachineWait, Stage, Wait, plan};
use crate::relation::peer::UnitData;
use crate::tls::{OwnCertificate, TrustBundle};

fn steps(bench: &mut Bench) -> Vec<MachineStep> {
    match bench.stage() {
        Stage::Machine(steps) => steps,
        _ => Vec::new(),
    }
}

/// The steps while etcd cannot be asked, and what is waited for.
fn alone(bench: &Bench) -> (Vec<MachineStep>, Option<Wait>) {
    unanswered(bench, NoAnswer::NoLeader)
}

/// The same where this is the reason.
fn unanswered(bench: &Bench, reason: NoAnswer) -> (Vec<MachineStep>, Option<Wait>) {
    let mut observed = bench.observed.clone();
    observed.cluster = Known::Unknown(reason);
    let plan = plan(&observed);
    match plan.stage {
        Stage::Machine(steps) => (steps, None),
        _ => (Vec::new(), plan.report.wait),
    }
}

#[test]
fn a_machine_at_rest_needs_nothing() {
    assert_eq!(steps(&mut Bench::new(1)), []);
}

#[test]
fn the_first_thing_that_is_missing_is_waited_for() {
    let mut bench = Bench::new(1);
    bench.observed.machine.authorities = None;
    assert_eq!(bench.plan().report.wait, Some(Wait::Authorities));
    bench.observed.peers = PeerRelation::Absent;
    assert_eq!(bench.plan().report.wait, Some(Wait::PeerRelation));
    bench.observed.machine.has_storage = false;
    let wait = bench.plan().report.wait;
    assert_eq!(wait, Some(Wait::Machine(MachineWait::Storage)));
    bench.observed.machine.address = None;
    let wait = bench.plan().report.wait;
    assert_eq!(wait, Some(Wait::Machine(MachineWait::Address)));
    bench.observed.machine.is_installed = false;
    let distribution = Installation {
        source: Source::Distribution,
        follows: None,
    };
    assert_eq!(steps(&mut bench), [MachineStep::Install(distribution)]);
}

#[test]
fn programs_go_along_with_the_release_that_they_must_follow() {
    let mut bench = Bench::new(1);
    let version = |text: &str| text.parse::<Version>().expect("a version");
    let machine = &mut bench.observed.machine;
    machine.is_installed = false;
    machine.source = Some(Source::Archive("/etcd.tar.gz".into()));
    machine.member_release = Some(version("3.4.23"));
    let [MachineStep::Install(installation)] = &steps(&mut bench)[..] else {
        panic!("the archive is not installed");
    };
    let archive = Source::Archive("/etcd.tar.gz".into());
    assert_eq!(installation.source, archive);
    assert_eq!(installation.refusal(Some(&version("3.5.26"))), None);
    let refusal = installation.refusal(Some(&version("3.6.14")));
    assert!(refusal.is_some_and(|reason| reason.instead == Instead::FirstOfSeries(3, 5)));
    // A program that cannot say what it is fails in another way.
    assert_eq!(installation.refusal(None), None);
}

/// The issuance that is wanted, shown in place of another or not.
fn issuance(bench: &Bench, names: BTreeSet<String>, days: i64, is_shown: bool) -> MachineStep {
    MachineStep::IssueServer(Box::new(ServerIssuance {
        authority: bench.authorities().server.clone(),
        names,
        seconds: days * DAY,
        is_shown,
    }))
}

/// A member that shows clients its own certificate shows them the next one before that
/// takes its place; one that shows a provider's goes on with that.
#[test]
fn the_next_certificate_is_shown_by_who_shows_its_own() {
    let mut bench = Bench::new(1);
    let names = OWN_NAMES.map(str::to_owned);
    bench.observed.machine.server_certificate = None;
    let pair = |text: &str| KeyPair {
        certificates: text.to_owned(),
        key: Secret::new(format!("the key of {text}")),
    };
    for (own, served, is_shown) in [
        (Some("own"), Some("own"), true),
        (Some("own"), Some("provided"), false),
        (Some("own"), None, false),
        (None, None, false),
    ] {
        bench.observed.machine.own_pair = own.map(pair);
        bench.observed.machine.served = served.map(pair);
        let expected = issuance(&bench, names.clone().into(), 90, is_shown);
        assert_eq!(steps(&mut bench), [expected], "{own:?} {served:?}");
    }
}

#[test]
fn a_step_with_a_key_does_not_show_it() {
    let mut bench = Bench::new(1);
    bench.observed.machine.server_certificate = None;
    bench.observed.machine.admin_certificate = None;
    let steps = steps(&mut bench);
    assert_eq!(steps.len(), 2);
    let key = bench.authorities().admin.key().expose();
    let line = key.lines().nth(1).expect("a key has lines");
    let shown = format!("{steps:?}");
    assert!(!shown.contains("PRIVATE KEY") && !shown.contains(line));
}

#[test]
fn only_the_initial_member_bootstraps_and_only_once() {
    let mut bench = Bench::new(1);
    bench.observed.machine.data = MemberData::Absent;
    bench.observed.machine.bootstrap = None;
    assert_eq!(alone(&bench), (Vec::new(), Some(Wait::LostCluster)));
    bench.peers().app.is_bootstrapped = false;
    assert_eq!(
        alone(&bench).0,
        [MachineStep::Bootstrap(Bootstrap {
            initial_cluster: "etcd-0=https://10.0.0.1:2380".to_owned(),
            existing: false,
            token: "token".to_owned(),
            generation: 0,
        })]
    );
    bench.observed.unit = "etcd/10".parse().expect("a unit");
    let wait = Some(Wait::Bootstrap("etcd/0".parse().expect("a unit")));
    assert_eq!(alone(&bench), (Vec::new(), wait));
}

#[test]
fn the_initial_member_without_its_data_does_not_bootstrap_again() {
    let mut bench = Bench::new(1);
    bench.observed.machine.data = MemberData::Absent;
    bench.observed.machine.is_running = Some(false);
    assert_eq!(alone(&bench), (Vec::new(), Some(Wait::LostCluster)));
    bench
        .peers()
        .others
        .insert(MemberName::new("etcd-1"), UnitData::default());
    assert_eq!(alone(&bench), (Vec::new(), Some(Wait::LostMember)));
    // Before anybody was told of the cluster there is nothing to split.
    bench.peers().app.is_bootstrapped = false;
    assert!(matches!(alone(&bench).0[..], [MachineStep::Bootstrap(_)]));
    bench.observed.machine.may_begin = true;
    assert_eq!(alone(&bench).0, [MachineStep::Start]);
    bench.observed.machine.may_begin = false;
    bench.observed.machine.data = MemberData::Of(IDENTITY);
    assert_eq!(alone(&bench).0, [MachineStep::Start]);
}

#[test]
fn who_joined_is_not_started_without_its_data() {
    let mut bench = Bench::new(1);
    let machine = &mut bench.observed.machine;
    machine.bootstrap.as_mut().expect("a bootstrap").existing = true;
    machine.is_running = Some(false);
    machine.data = MemberData::Absent;
    assert_eq!(alone(&bench), (Vec::new(), Some(Wait::LostCluster)));
    bench.observed.machine.data = MemberData::Unreadable(Cause::of(&std::fmt::Error));
    let wait = Some(Wait::UnreadableData);
    assert_eq!(alone(&bench), (Vec::new(), wait));
}

#[test]
fn the_data_of_a_member_is_noted_before_anything_rests_on_it() {
    let mut bench = Bench::new(1);
    bench.observed.machine.identity = None;
    assert_eq!(steps(&mut bench), [MachineStep::Note(IDENTITY)]);
}

#[test]
fn the_first_trust_file_holds_every_grant() {
    let mut bench = Bench::new(2);
    bench.serve(1, "/one/", "alpha");
    let machine = &mut bench.observed.machine;
    machine.loaded_leaves = None;
    machine.is_running = Some(false);
    machine.written_leaves = None;
    for stale in [None, Some([leaf("beta", 1)].into())] {
        bench.observed.machine.written_leaves = stale;
        let steps = steps(&mut bench);
        let [MachineStep::WriteTrust(text), MachineStep::Start] = steps.as_slice() else {
            panic!("{steps:?}");
        };
        let bundle = TrustBundle::parse(text).expect("a trust file");
        assert_eq!(bundle.leaves(), [leaf("alpha", 1)].into());
    }
    bench.observed.machine.written_leaves = Some([leaf("alpha", 1)].into());
    assert_eq!(steps(&mut bench), [MachineStep::Start]);
}

#[test]
fn a_certificate_of_our_own_is_renewed_a_month_before_its_end() {
    let mut bench = Bench::new(1);
    bench.observed.now = NOW.plus_seconds(59 * DAY);
    assert_eq!(steps(&mut bench), []);
    bench.observed.now = NOW.plus_seconds(61 * DAY);
    assert_eq!(
        steps(&mut bench),
        [
            issuance(&bench, OWN_NAMES.map(str::to_owned).into(), 90, false),
            MachineStep::IssueAdmin(Box::new(bench.authorities().admin.clone()), 90 * DAY),
        ]
    );
}

#[test]
fn files_that_differ_are_written_and_the_service_is_left_running() {
    let mut bench = Bench::new(1);
    bench.observed.options.log_level = "warn";
    let wanted = configuration::wanted(&bench.observed).expect("documents");
    assert_eq!(steps(&mut bench), [MachineStep::Configure(wanted)]);
}

#[test]
fn an_event_on_one_relation_changes_no_machine() {
    let mut bench = Bench::new(1);
    bench.observed.pass = Pass::Event;
    bench.observed.machine.is_installed = false;
    bench.observed.machine.is_running = Some(false);
    assert_eq!(steps(&mut bench), []);
    bench.observed.machine.bootstrap = None;
    assert_eq!(bench.plan().report.wait, Some(Wait::Joining));
}

#[test]
fn additional_names_and_a_short_life_are_issued_in_time() {
    let mut bench = Bench::new(1);
    bench.observed.options.certificate_days = 9;
    // A life that is set now is that of the next certificate.
    assert_eq!(steps(&mut bench), []);
    let name = "etcd-{unit}.example.com".to_owned();
    bench.observed.options.extra_names.insert(name);
    let mut names: BTreeSet<_> = OWN_NAMES.map(str::to_owned).into();
    names.insert("etcd-0.example.com".to_owned());
    assert_eq!(
        steps(&mut bench),
        [issuance(&bench, names.clone(), 9, false)]
    );
    let authorities = bench.observed.machine.authorities.clone();
    let issued = authorities
        .expect("authorities")
        .server
        .issue_server("server", &names, NOW, 9 * DAY)
        .expect("a certificate");
    let issued = OwnCertificate::read(&issued.certificate).expect("a certificate");
    bench.observed.machine.server_certificate = Some(issued);
    // However long the next one is to live, this one is renewed for its third.
    bench.observed.options.certificate_days = 90;
    for (days, is_due) in [(0, false), (5, false), (6, true), (9, true)] {
        bench.observed.now = NOW.plus_seconds(days * DAY);
        assert_eq!(!steps(&mut bench).is_empty(), is_due, "after {days} days");
    }
}

#[test]
fn a_member_does_not_begin_with_options_that_are_refused() {
    let address = "192.0.2.1".parse().expect("an address");
    let refusal = OptionRefusal::of_taken_port("client-port", 2379, address);
    let refused = Some(RefusalNote::from(&refusal));
    let mut bench = Bench::new(1);
    bench.observed.refused_option = refused.clone();
    // One that is there goes on.
    assert_eq!(alone(&bench).0, []);
    assert_eq!(bench.plan().report.wait, None);
    assert_eq!(bench.plan().report.refused_option, refused);
    bench.observed.machine.bootstrap = None;
    bench.observed.machine.data = MemberData::Absent;
    assert_eq!(alone(&bench), (Vec::new(), Some(Wait::Options)));
    bench.peers().app.is_bootstrapped = false;
    assert_eq!(alone(&bench), (Vec::new(), Some(Wait::Options)));
    bench.observed.refused_option = None;
    assert!(matches!(alone(&bench).0[..], [MachineStep::Bootstrap(_)]));
}

/// Lets another unit's databag say that the cluster was recreated.
fn recreated(bench: &mut Bench, generation: &str) {
    let bag = [
        ("generation", generation),
        ("token", "new"),
        ("seed", "etcd-1"),
    ];
    let bag = bag.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let unit = UnitData::read(&bag.into());
    bench.peers().others.insert(MemberName::new("etcd-1"), unit);
}

#[test]
fn only_a_higher_generation_quarantines_data() {
    let mut bench = Bench::new(1);
    // Another token is no reason, nor is a databag of an older revision of the
    // charm, nor one that makes no sense.
    for generation in ["0", "", "seven", "-1"] {
        recreated(&mut bench, generation);
        assert_eq!(alone(&bench).0, [], "{generation:?}");
    }
    recreated(&mut bench, "7");
    assert_eq!(alone(&bench).0, [MachineStep::Quarantine(7)]);
    // While nobody leads as well, and whoever leads.
    bench.observed.leader = false;
    assert_eq!(alone(&bench).0, [MachineStep::Quarantine(7)]);
    let bootstrap = bench.observed.machine.bootstrap.as_mut();
    bootstrap.expect("a bootstrap").generation = 7;
    assert_eq!(alone(&bench).0, []);
    // A databag that is behind costs nothing.
    recreated(&mut bench, "6");
    assert_eq!(alone(&bench).0, []);
}

#[test]
fn the_initial_member_of_a_cluster_that_is_over_joins_as_any_other() {
    let mut bench = Bench::new(1);
    bench.observed.machine.bootstrap = None;
    recreated(&mut bench, "7");
    let (steps, wait) = alone(&bench);
    assert_eq!(steps, []);
    assert_ne!(wait, Some(Wait::LostCluster));
    let peers = bench.peers();
    peers.app.generation.number = 7;
    peers.app.generation.initial_member = Some(MemberName::new("etcd-1"));
    assert_ne!(alone(&bench).1, Some(Wait::LostCluster));
}

#[test]
fn a_start_that_was_waited_for_is_not_begun_again() {
    let mut bench = Bench::new(1);
    bench.observed.machine.is_running = Some(false);
    assert_eq!(alone(&bench).0, [MachineStep::Start]);
    bench.observed.machine.is_pending = true;
    assert_eq!(
        alone(&bench),
        (Vec::new(), Some(Wait::Majority(Vec::new())))
    );
}

#[test]
fn a_start_that_failed_is_not_begun_again_in_the_same_hook() {
    let mut bench = Bench::new(3);
    bench.observed.machine.is_running = Some(false);
    bench.observed.machine.has_failed = true;
    assert_eq!(steps(&mut bench), []);
}

#[test]
fn a_lost_majority_changes_nothing() {
    let unreachable = vec!["etcd-1".to_owned(), "etcd-10".to_owned()];
    let minority = NoAnswer::Minority(unreachable.clone());
    assert_eq!(
        unanswered(&Bench::new(3), minority),
        (Vec::new(), Some(Wait::Majority(unreachable)))
    );
}
