//! What comes after a cluster whose units are gone.

use crate::facts::observed::Observed;
use crate::facts::{Cause, Known, MemberData, MemberName, NoAnswer};
use crate::plan::machine::MachineStep;
use crate::plan::testing::{Bench, IDENTITY, NOW};
use crate::plan::{Stage, Wait, plan};
use crate::relation::peer::UnitData;

/// A unit that is the only one, of a cluster that etcd/0 has bootstrapped.
fn adopter() -> Observed {
    let mut observed = Bench::new(1).observed;
    observed.unit = "etcd/5".parse().expect("a unit");
    observed.units = Some([MemberName::new("etcd-5")].into());
    observed.cluster = Known::Unknown(NoAnswer::NoLeader);
    let machine = &mut observed.machine;
    (machine.bootstrap, machine.identity) = (None, None);
    (machine.data, machine.is_running) = (MemberData::Of(IDENTITY), Some(false));
    machine.is_whole = true;
    let peers = observed.peers.read_mut().expect("peers");
    peers.app.cluster = Some(format!("{:x}", IDENTITY.cluster));
    observed
}

/// What is done, and what is waited for.
fn outcome(observed: &Observed) -> (Vec<MachineStep>, Option<Wait>) {
    let plan = plan(observed);
    match plan.stage {
        Stage::Machine(steps) => (steps, None),
        _ => (Vec::new(), plan.report.wait),
    }
}

#[test]
fn data_of_the_whole_cluster_is_taken_over() {
    let (steps, _) = outcome(&adopter());
    let [MachineStep::TakeOver(bootstrap, identity)] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!(*identity, IDENTITY);
    assert_eq!(
        (bootstrap.generation, bootstrap.token.as_str()),
        (0, "token")
    );
}

#[test]
fn data_that_may_not_be_all_of_it_waits_for_an_operator() {
    let mut observed = adopter();
    observed.machine.is_whole = false;
    assert_eq!(outcome(&observed), (Vec::new(), Some(Wait::OldData)));
    // Nor is that of another cluster, or where nobody has told which it was.
    for cluster in [Some("abc"), None] {
        let mut observed = adopter();
        let peers = observed.peers.read_mut().expect("peers");
        peers.app.cluster = cluster.map(str::to_owned);
        assert_eq!(outcome(&observed), (Vec::new(), Some(Wait::OldData)));
    }
    let mut observed = adopter();
    observed.machine.data = MemberData::Unreadable(Cause::of(&std::fmt::Error));
    assert_eq!(outcome(&observed).1, Some(Wait::UnreadableData));
    // A new deployment is not bootstrapped over what its volume holds.
    let mut observed = adopter();
    let peers = observed.peers.read_mut().expect("peers");
    peers.app.is_bootstrapped = false;
    peers.app.generation.initial_member = Some(MemberName::new("etcd-5"));
    assert_eq!(outcome(&observed).1, Some(Wait::OldData));
}

#[test]
fn without_data_a_new_cluster_begins() {
    let mut observed = adopter();
    observed.machine.data = MemberData::Absent;
    let (steps, _) = outcome(&observed);
    let [MachineStep::Bootstrap(bootstrap)] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    let now = u64::try_from(NOW.0).expect("a time");
    assert_eq!(bootstrap.generation, now);
    assert_eq!(bootstrap.token, format!("token-{now}"));
    assert!(!bootstrap.existing);
    // A hook that was cut short before etcd was let start does it once more.
    observed.machine.bootstrap = Some(bootstrap.clone());
    assert_eq!(outcome(&observed).0, steps);
    // Who bootstrapped the cluster and has lost it does not hide that.
    let mut observed = adopter();
    observed.machine.data = MemberData::Absent;
    let peers = observed.peers.read_mut().expect("peers");
    peers.app.generation.initial_member = Some(MemberName::new("etcd-5"));
    assert_eq!(outcome(&observed).1, Some(Wait::LostCluster));
}

#[test]
fn while_any_unit_may_have_a_member_nobody_comes_after_it() {
    let with = |units: &[&str], bags: &[(&str, bool)]| {
        let mut observed = adopter();
        let names = units.iter().map(|name| MemberName::new(*name));
        observed.units = Some(names.collect());
        let peers = observed.peers.read_mut().expect("peers");
        peers.others = bags
            .iter()
            .map(|(name, is_member)| {
                let unit = UnitData {
                    trust: is_member.then(|| "0123".to_owned()),
                    ..UnitData::default()
                };
                (MemberName::new(*name), unit)
            })
            .collect();
        outcome(&observed)
    };
    let takes_over = |outcome: (Vec<MachineStep>, _)| !outcome.0.is_empty();
    assert!(takes_over(with(
        &["etcd-5", "etcd-6"],
        &[("etcd-6", false)]
    )));
    assert!(!takes_over(with(
        &["etcd-5", "etcd-6"],
        &[("etcd-6", true)]
    )));
    // One that this unit has not met yet, and one that the model has no more.
    assert!(!takes_over(with(&["etcd-5", "etcd-6"], &[])));
    assert!(!takes_over(with(&["etcd-5"], &[("etcd-6", true)])));
    let mut observed = adopter();
    observed.units = None;
    let wait = Some(Wait::Reach);
    assert_eq!(outcome(&observed), (Vec::new(), wait.clone()));
    let mut observed = adopter();
    observed.leader = false;
    assert_eq!(outcome(&observed), (Vec::new(), wait));
}
