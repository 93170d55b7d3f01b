//! Stories of the real program with a real LXD in a simulated model.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod access;
mod costs;
mod credentials;
mod demo;
mod faults;
mod hostile;
mod proxy;
mod server;
mod units;
mod world;

use std::io::Write as _;
use std::process::ExitCode;

use juju_simulator::{harness, tests};

fn main() -> ExitCode {
    if let Some(code) = juju_simulator::run_as_tool() {
        return code;
    }
    if server::programs().is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no LXD");
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: no LXD; run charms/lxd-integrator/tests/setup"
        );
        return ExitCode::SUCCESS;
    }
    if std::env::var_os("LXD_DEMO").is_some() {
        demo::show();
        return ExitCode::SUCCESS;
    }
    if !std::env::args().any(|argument| argument == "--list") {
        // By this thread, since a process that is to end with its parent ends with
        // the thread that started it.
        server::shared();
    }
    let code = harness::main(2, stories);
    server::end_shared();
    code
}

fn stories() -> Vec<harness::Trial> {
    tests![
        access::a_certificate_is_registered_works_and_goes_with_its_relation,
        access::a_replaced_certificate_leaves_no_gap,
        access::units_of_one_application_come_and_go_by_themselves,
        access::what_two_relations_want_stays_for_the_second,
        access::what_others_registered_is_never_touched,
        access::restricted_projects_hold_and_are_restored,
        access::a_certificate_that_its_holder_replaced_goes,
        access::open_event_streams_are_said_to_go_on,
        costs::an_event_costs_the_same_with_fifty_relations,
        credentials::without_trust_both_ways_out_are_told,
        credentials::options_go_before_the_cloud_and_are_never_mixed,
        credentials::a_secret_holds_the_key,
        credentials::a_local_socket_needs_no_credentials,
        credentials::another_server_is_refused_with_both_fingerprints,
        credentials::an_lxd_that_becomes_a_cluster_is_met_anew,
        credentials::another_cloud_is_named,
        faults::lxd_away_is_waited_for_and_changes_nothing,
        faults::a_hook_killed_at_any_tool_is_made_good,
        faults::a_request_lost_at_any_point_is_made_good,
        hostile::what_cannot_be_a_certificate_harms_nobody_else,
        hostile::the_integrators_own_certificate_is_refused,
        hostile::lists_have_a_limit,
        units::only_the_leader_registers_and_all_units_tell,
        units::a_unit_that_leaves_takes_nothing_along,
        units::the_last_unit_takes_all_certificates_back,
    ]
}
