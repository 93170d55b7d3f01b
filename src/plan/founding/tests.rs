//! What comes after a cluster whose units are gone.

use crate::model::{Databag, Known, MemberData, MemberName};
use crate::plan::machine::MachineStep;
use crate::plan::observed::Observed;
use crate::plan::testing::{Bench, IDENTITY, NOW};
use crate::plan::{Stage, Wait, plan};

/// A unit that is the only one, of a cluster that etcd/0 has founded.
fn heir() -> Observed {
    let mut observed = Bench::new(1).observed;
    observed.unit = "etcd/5".parse().expect("a unit");
    observed.units = Some([MemberName::new("etcd-5")].into());
    observed.cluster = Known::Unknown("nobody answers".to_owned());
    let machine = &mut observed.machine;
    (machine.founding, machine.identity) = (None, None);
    (machine.data, machine.is_running) = (MemberData::Of(IDENTITY), false);
    machine.is_whole = true;
    let peers = observed.peers.as_mut().expect("peers");
    let cluster = format!("{:x}", IDENTITY.cluster);
    peers.app.insert("cluster".to_owned(), cluster);
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
    let (steps, _) = outcome(&heir());
    let [MachineStep::TakeOver(founding, identity)] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    assert_eq!(*identity, IDENTITY);
    assert_eq!((founding.generation, founding.token.as_str()), (0, "token"));
}

#[test]
fn data_that_may_not_be_all_of_it_waits_for_an_operator() {
    let mut observed = heir();
    observed.machine.is_whole = false;
    assert_eq!(outcome(&observed), (Vec::new(), Some(Wait::OldData)));
    // Nor is that of another cluster, or where nobody has told which it was.
    for cluster in [Some("abc"), None] {
        let mut observed = heir();
        let peers = observed.peers.as_mut().expect("peers");
        peers.app.remove("cluster");
        let told = cluster.map(|cluster| ("cluster".to_owned(), cluster.to_owned()));
        peers.app.extend(told);
        assert_eq!(outcome(&observed), (Vec::new(), Some(Wait::OldData)));
    }
    let mut observed = heir();
    observed.machine.data = MemberData::Unreadable("it is damaged".to_owned());
    assert_eq!(outcome(&observed).1, Some(Wait::UnreadableData));
    // A new deployment is not founded over what its volume holds.
    let mut observed = heir();
    let peers = observed.peers.as_mut().expect("peers");
    peers.app.remove("founded");
    peers.app.insert("seed".to_owned(), "etcd-5".to_owned());
    assert_eq!(outcome(&observed).1, Some(Wait::OldData));
}

#[test]
fn without_data_a_new_cluster_begins() {
    let mut observed = heir();
    observed.machine.data = MemberData::Absent;
    let (steps, _) = outcome(&observed);
    let [MachineStep::Found(founding)] = steps.as_slice() else {
        panic!("{steps:?}");
    };
    let now = u64::try_from(NOW.0).expect("a time");
    assert_eq!(founding.generation, now);
    assert_eq!(founding.token, format!("token-{now}"));
    assert!(!founding.existing);
    // A hook that was cut short before etcd was let start does it once more.
    observed.machine.founding = Some(founding.clone());
    assert_eq!(outcome(&observed).0, steps);
    // Who founded the cluster and has lost it does not hide that.
    let mut observed = heir();
    observed.machine.data = MemberData::Absent;
    let peers = observed.peers.as_mut().expect("peers");
    peers.app.insert("seed".to_owned(), "etcd-5".to_owned());
    assert_eq!(outcome(&observed).1, Some(Wait::LostCluster));
}

#[test]
fn while_any_unit_may_have_a_member_nobody_comes_after_it() {
    let with = |units: &[&str], bags: &[(&str, bool)]| {
        let mut observed = heir();
        let names = units.iter().map(|name| MemberName::new(*name));
        observed.units = Some(names.collect());
        let peers = observed.peers.as_mut().expect("peers");
        peers.others = bags
            .iter()
            .map(|(name, is_member)| {
                let trust = is_member.then(|| ("trust".to_owned(), "0123".to_owned()));
                (
                    MemberName::new(*name),
                    trust.into_iter().collect::<Databag>(),
                )
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
    let mut observed = heir();
    observed.units = None;
    let wait = Some(Wait::Reach);
    assert_eq!(outcome(&observed), (Vec::new(), wait.clone()));
    let mut observed = heir();
    observed.leader = false;
    assert_eq!(outcome(&observed), (Vec::new(), wait));
}
