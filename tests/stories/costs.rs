//! What each hook costs: calls of hook tools and of etcd, restarts of etcd,
//! memory and time of the charm's own process.
//!
//! As a test it asserts that an event on one relation costs the same however
//! many relations there are. As `stories table CHARM` it prints the whole table
//! for a program, which should be the release build.

mod arrivals;
mod bench;
mod events;
mod first_pass;
mod multitude;
mod signed;
mod table;

use libtest_mimic::Trial;

use crate::support::story;

use bench::{Bench, Measure};
use etcd_charm_world::Programs;
use etcd_charm_world::juju::Hook;
use events::{Costs, Event};

pub(crate) use signed::print as print_signed;
pub(crate) use table::print as print_table;

/// As many hook tools as a new request may call, on a cluster of one unit.
const NEW_REQUEST_TOOLS: usize = 12;

/// As many hook tools as an event may call that changes nothing.
const NO_CHANGE_TOOLS: usize = 5;

/// As many records of clients and their names as an event on one relation may read: of a
/// request and its name, as they are and as they were, and of another with that secret.
const RECORDS: usize = 6;

/// As many calls of etcd as events may make on a cluster of one unit. Status, ledger,
/// members, user and role are read first by each; what a hook has seen it does not ask
/// again, but for the ledger once it was written, and for all but user and role once
/// the member has restarted or connections were ended.
const ETCD_CALLS: [(Event, usize); 6] = [
    (Event::Created, 3),
    (Event::NewRequest, 17),
    (Event::FirstAfterAnswer, 6),
    (Event::NoChange, 5),
    (Event::Rotation, 13),
    (Event::Broken, 14),
];

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("costs_are_the_same_with_many_relations", one_and_many),
        story(
            "costs_of_reading_are_what_is_new_in_the_ledger",
            reading_of_many,
        ),
        story(
            "costs_of_a_pass_are_two_calls_for_each_relation",
            pass_over_many,
        ),
        story(
            "costs_of_a_pass_are_four_calls_for_each_signed_client",
            pass_over_signed,
        ),
        story(
            "costs_of_the_first_pass_after_a_change_do_not_grow",
            first_pass::one_and_many,
        ),
        story(
            "costs_of_the_first_pass_hide_nobody_elses_change",
            first_pass::among_changes_by_hand,
        ),
        story(
            "costs_of_a_pass_rest_on_how_etcd_counts_changes",
            first_pass::counted_by_etcd,
        ),
        story(
            "costs_of_certificates_from_etcd_are_no_restarts",
            signed::few,
        ),
    ]
}

/// An event reads what is new in the ledger since the last one, and so do its later
/// rounds, also where keys of it were deleted; and a member that has restarted is not asked for all of it to see that it
/// serves. What this member trusts is written and read. A pass over all reads all.
fn reading_of_many() {
    let charm = env!("CARGO_BIN_EXE_etcd-charm");
    for programs in [Programs::oldest(), Programs::all().pop().unwrap()] {
        let mut bench = Bench::with(charm.as_ref(), Measure::Calls, programs);
        bench.crowd(1);
        let few = Costs::read_by_a_new_request(&mut bench);
        bench.crowd(20);
        let many = Costs::read_by_a_new_request(&mut bench);
        // There is no `curl`.
        let (Some(few), Some(many)) = (few, many) else {
            return;
        };
        // A record and a name have some 1,500 bytes.
        assert!(many.begun.abs_diff(few.begun) < 300, "{few:?} and {many:?}");
        assert!(many.pass - few.pass > 20 * 1200, "{few:?} and {many:?}");
        assert!(many.ended.abs_diff(few.ended) < 300, "{few:?} and {many:?}");
        let more = many.after_restart - few.after_restart;
        assert!(more < 20 * 300, "{few:?} and {many:?}");
    }
}

/// A regular pass in which nothing has changed since the last asks Juju for what the
/// requirer wrote and for its secret, and etcd for nothing that grows.
fn pass_over_many() {
    let charm = env!("CARGO_BIN_EXE_etcd-charm");
    let programs = Programs::all().pop().unwrap();
    let mut bench = Bench::with(charm.as_ref(), Measure::Calls, programs);
    bench.crowd(2);
    bench.rest();
    let few = bench.run(Hook::UpdateStatus);
    bench.crowd(10);
    bench.rest();
    let many = bench.run(Hook::UpdateStatus);
    assert_eq!(many.tools - few.tools, 20, "{few:?} and {many:?}");
    assert_eq!(many.etcd, few.etcd);
    changes_by_hand_are_found(&mut bench);
}

/// Juju is asked for what the application and its unit wrote for a certificate, and for
/// what it wrote for access and its secret; etcd for nothing that grows.
fn pass_over_signed() {
    let charm = env!("CARGO_BIN_EXE_etcd-charm");
    let [few, many] = multitude::passes(charm.as_ref(), [1, 4]);
    assert_eq!(many.tools - few.tools, 3 * 4, "{few:?} and {many:?}");
    assert_eq!(many.etcd, few.etcd, "{few:?} and {many:?}");
}

/// What a pass need not ask again it finds all the same once it is changed.
fn changes_by_hand_are_found(bench: &mut Bench) {
    let admin = bench.world.admin(&bench.unit);
    let name = "client-x1001";
    let role = |admin: &etcd_charm_world::Etcdctl| admin.lines(&["role", "get", name]);
    let before = role(&admin);
    for change in [
        &["role", "grant-permission", name, "read", "/other"][..],
        &["role", "delete", name],
        &["user", "delete", name],
    ] {
        assert!(admin.run(change).ok, "{change:?}");
        bench.run(Hook::UpdateStatus);
        assert_eq!(role(&admin), before, "{change:?}");
        assert!(admin.lines(&["user", "list"]).contains(&name.to_owned()));
    }
}

fn one_and_many() {
    let charm = env!("CARGO_BIN_EXE_etcd-charm");
    let mut bench = Bench::new(charm.as_ref(), Measure::Calls);
    let alone = Costs::measure(&mut bench);
    bench.crowd(11);
    // It reads what those before it have written.
    bench.rest();
    let among_many = Costs::measure(&mut bench);
    for event in Event::ALL.into_iter().filter(|event| event.is_about_one()) {
        let [one, many] = [&alone, &among_many].map(|costs| costs.of(event).calls());
        assert_eq!(one, many, "{event} costs more with more relations");
        let [one, many] = [&alone, &among_many].map(|costs| costs.of(event).records);
        assert_eq!(one, many, "{event} reads more records with more relations");
        assert!(one <= Some(RECORDS), "{event} reads {one:?} records");
    }
    for (event, calls) in ETCD_CALLS {
        let cost = among_many.of(event);
        assert!(cost.etcd <= Some(calls), "{event}: {cost:?}");
    }
    let new = among_many.of(Event::NewRequest);
    assert!(new.tools <= NEW_REQUEST_TOOLS, "a new request: {new:?}");
    assert_eq!(new.restarts, 1, "a new request: {new:?}");
    for event in [
        Event::Created,
        Event::NoChange,
        Event::OtherSecret,
        Event::OwnSecret,
    ] {
        let cost = among_many.of(event);
        assert!(cost.tools <= NO_CHANGE_TOOLS, "{event}: {cost:?}");
        assert_eq!(cost.restarts, 0, "{event}: {cost:?}");
    }
    assert_eq!(among_many.of(Event::Broken).restarts, 0);
}
