//! Which stage comes first.

use super::testing::{Bench, member};
use super::{LeftLock, Stage, Wait};
use crate::facts::LockName;
use crate::relation::peer::UnitData;

fn freed(bench: &mut Bench, holder: &str) -> Option<LeftLock> {
    let lock = (LockName::Restart, holder.to_owned());
    bench.cluster.ledger.locks = [lock].into();
    match bench.stage() {
        Stage::FreeLock(lock) => Some(lock),
        _ => None,
    }
}

#[test]
fn a_lock_is_free_once_its_holder_cannot_give_it_back() {
    let mut bench = Bench::new(2);
    let left = |holder: &str| {
        Some(LeftLock {
            name: LockName::Restart,
            holder: holder.to_owned(),
        })
    };
    assert_eq!(freed(&mut bench, "etcd/0"), left("etcd/0"));
    assert_eq!(freed(&mut bench, "etcd/1"), None);
    // One that was never met may be about to join.
    assert_eq!(freed(&mut bench, "etcd/2"), None);
    assert_eq!(freed(&mut bench, "nobody"), None);
    let gone = member(2).name.expect("a name");
    let own = member(0).name.expect("a name");
    bench.observed.units = Some([own.clone(), gone.clone()].into());
    assert_eq!(freed(&mut bench, "etcd/2"), None);
    bench.observed.units = Some([own].into());
    assert_eq!(freed(&mut bench, "etcd/2"), left("etcd/2"));
    bench.observed.units = None;
    bench.observed.departed.insert(gone, None);
    assert_eq!(freed(&mut bench, "etcd/2"), left("etcd/2"));
    bench.observed.leader = false;
    assert_eq!(freed(&mut bench, "etcd/2"), None);
    // As long as its member is there, so may the unit be.
    bench.observed.leader = true;
    bench.cluster.members.push(member(2));
    assert_eq!(freed(&mut bench, "etcd/2"), None);
}

/// Whatever is due, nothing is done on the word of what cannot be read.
#[test]
fn a_newer_format_stops_every_change() {
    let due = || {
        let mut bench = Bench::new(2);
        bench.ask_as(1, "/one/", "alpha", 1);
        bench
    };
    assert!(matches!(due().stage(), Stage::Access(_)));
    let newer = UnitData {
        format: 2,
        ..UnitData::default()
    };
    let mut of_unit = due();
    let name = member(1).name.expect("a name");
    of_unit.peers().others.insert(name, newer.clone());
    let mut of_application = due();
    of_application.peers().app.format = newer.format;
    let mut of_ledger = due();
    of_ledger.cluster.ledger.newer_format = Some(2);
    for mut bench in [of_unit, of_application, of_ledger] {
        let Stage::Publish(publication) = bench.stage() else {
            panic!("something changes");
        };
        assert!(publication.peer_app.is_empty() && publication.peer_unit.is_empty());
        assert!(publication.relations.is_empty() && publication.ledger.is_empty());
        assert_eq!(bench.plan().report.wait, Some(Wait::NewerFormat));
    }
}
