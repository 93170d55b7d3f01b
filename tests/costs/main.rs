//! What each hook costs: calls of hook tools and of etcd, restarts of etcd,
//! memory and time of the charm's own process.
//!
//! As a test it asserts that an event on one relation costs the same however
//! many relations there are. As `costs table CHARM` it prints the whole table
//! for a program, which should be the release build.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that meets what it does not expect has failed"
)]

mod bench;
mod events;
mod meter;
mod table;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use bench::{Bench, Measure};
use events::{Costs, Event};

/// As many hook tools as a new request may call, on a cluster of one unit.
const NEW_REQUEST_TOOLS: usize = 12;

/// As many hook tools as an event may call that changes nothing.
const NO_CHANGE_TOOLS: usize = 5;

fn main() -> ExitCode {
    if let Some(code) = meter::run_as_dispatch() {
        return code;
    }
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [command, charm] = &words[..]
        && command == "table"
    {
        return table::print(charm.as_ref());
    }
    let name = "an_event_costs_the_same_with_many_relations";
    let trial = Trial::test(name, || {
        one_and_many();
        Ok(())
    });
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

fn one_and_many() {
    let charm = env!("CARGO_BIN_EXE_etcd-charm");
    let mut bench = Bench::new(charm.as_ref(), Measure::Calls);
    let alone = Costs::measure(&mut bench);
    bench.crowd(11);
    let among_many = Costs::measure(&mut bench);
    for event in Event::ALL.into_iter().filter(|event| event.is_about_one()) {
        let [one, many] = [&alone, &among_many].map(|costs| costs.of(event).calls());
        assert_eq!(one, many, "{event} costs more with more relations");
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
