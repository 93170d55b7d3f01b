//! How often certificates are taken.

use super::*;

#[test]
fn a_relation_that_goes_on_changing_waits_and_another_does_not() {
    let mut bench = granted();
    for number in 2..9 {
        bench.observed.now = bench.observed.now.plus_seconds(1);
        bench.ask_as(1, "/one/", "alpha", number);
        bench.access();
    }
    // The first is the one that it began with.
    let grant = bench.record(1).grant.as_ref().expect("a grant");
    assert_eq!(grant.fingerprint, leaf("alpha", 5));
    let next = NOW.plus_seconds(4 + 60);
    assert_eq!(
        bench.condition(1),
        format!("its certificates change too often, next at {next}")
    );
    bench.ask_as(2, "/two/", "beta", 1);
    bench.access();
    assert!(bench.record(2).grant.is_some());
    // What its members know costs nothing.
    bench.trust(&[leaf("alpha", 5), leaf("alpha", 1)]);
    bench.ask_as(1, "/one/", "alpha", 1);
    bench.access();
    assert_eq!(bench.condition(1), "");
    bench.ask_as(1, "/one/", "alpha", 8);
    bench.observed.now = next;
    bench.access();
    let grant = bench.record(1).grant.as_ref().expect("a grant");
    assert_eq!(grant.fingerprint, leaf("alpha", 8));
    // A relation that is gone is not counted any more, nor what is long ago.
    bench.leave(1);
    bench.access();
    let counted: Vec<_> = bench.cluster.ledger.paces.keys().collect();
    assert_eq!(counted, [&RelationId(2)]);
    bench.observed.now = NOW.plus_seconds(3700);
    bench.access();
    assert!(bench.cluster.ledger.paces.is_empty());
}

/// A hook that was killed after it had counted a change, and before it noted what
/// is granted, is run again later.
#[test]
fn a_change_counts_once_however_often_its_hook_is_run_again() {
    let mut bench = granted();
    bench.observed.now = bench.observed.now.plus_seconds(1);
    bench.ask_as(1, "/one/", "alpha", 2);
    let before = bench.cluster.ledger.clone();
    bench.access();
    let counted = bench.cluster.ledger.paces.clone();
    let changes = counted[&RelationId(1)].changes;
    bench.cluster.ledger = before;
    bench.cluster.ledger.paces = counted;
    bench.observed.now = bench.observed.now.plus_seconds(9);
    bench.access();
    assert_eq!(bench.cluster.ledger.paces[&RelationId(1)].changes, changes);
    let grant = bench.record(1).grant.as_ref().expect("a grant");
    assert_eq!(grant.fingerprint, leaf("alpha", 2));
}

/// Hooks are quick: two can run within one second, and each may restart the member.
#[test]
fn two_changes_within_a_second_count_as_two() {
    let mut bench = granted();
    bench.observed.now = bench.observed.now.plus_seconds(1);
    bench.ask_as(1, "/one/", "alpha", 2);
    bench.access();
    let changes = bench.cluster.ledger.paces[&RelationId(1)].changes;
    bench.ask_as(1, "/one/", "alpha", 3);
    bench.access();
    assert_eq!(
        bench.cluster.ledger.paces[&RelationId(1)].changes,
        changes + 1
    );
}
