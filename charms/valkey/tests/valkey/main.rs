//! Stories of the real program with real servers in a simulated model.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod access;
mod actions;
mod away;
mod cluster;
mod costs;
mod demo;
mod discovery;
mod faults;
mod hostile;
mod interop;
mod isolation;
mod kit;
mod packed;
mod programs;
mod rotation;
mod server;
mod storage;
mod tls;
mod upgrade;
mod world;

use std::io::Write as _;
use std::process::ExitCode;

use juju_simulator::{harness, tests};

/// Stories wait for elections more than they compute.
const THREADS: usize = 6;

fn main() -> ExitCode {
    if let Some(code) = juju_simulator::run_as_tool() {
        return code;
    }
    if kit::run() {
        return ExitCode::SUCCESS;
    }
    if programs::Programs::all().is_empty() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no valkey");
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: no valkey; run charms/valkey/tests/setup"
        );
        return ExitCode::SUCCESS;
    }
    if std::env::var_os("VALKEY_DEMO").is_some() {
        demo::show();
        return ExitCode::SUCCESS;
    }
    harness::main(THREADS, stories)
}

/// All stories for which there is what they need: first those that take long, so that
/// none of them is the last.
fn stories() -> Vec<harness::Trial> {
    let mut stories = Vec::new();
    match packed::missing() {
        None => stories.extend(tests![packed::the_packed_charm_serves_a_client]),
        Some(missing) => {
            let _ = writeln!(std::io::stderr(), "LEFT OUT: packing: {missing}");
        }
    }
    stories.extend(with_valkey_alone());
    if interop::are_here() {
        stories.extend(tests![
            interop::the_libraries_fire_what_charms_wait_for,
            interop::a_failover_is_one_event,
            interop::the_libraries_work_across_models_and_with_tls,
        ]);
    } else {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no libraries");
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: no Python libraries; run tests/tools/python"
        );
    }
    stories
}

fn with_valkey_alone() -> Vec<harness::Trial> {
    tests![
        costs::an_event_costs_the_same_with_200_relations,
        access::a_client_is_served_in_both_versions_and_loses_all_at_its_end,
        access::nobody_gets_in_without_a_password_and_none_is_seen,
        access::bad_requests_are_refused_with_reasons_and_harm_nobody,
        access::the_end_of_relation_1_leaves_relation_10_alone,
        access::a_pattern_for_all_keys_follows_the_policy,
        access::a_pass_at_rest_writes_nothing,
        actions::a_planned_switch_loses_nothing,
        actions::a_password_is_rotated_without_a_gap,
        actions::a_snapshot_is_restored_everywhere,
        actions::a_restore_that_was_killed_ends_by_itself,
        actions::a_pass_by_hand_is_shown_before_it_is_made,
        rotation::internal_passwords_are_replaced_without_a_lost_write,
        rotation::an_authority_is_replaced_after_everybody_trusts_the_next,
        upgrade::an_upgraded_package_restarts_one_unit_after_the_other,
        upgrade::an_attached_archive_is_checked_and_taken,
        upgrade::juju_is_asked_for_the_archive_when_another_may_have_come,
        away::a_lost_unit_is_not_waited_for_and_is_no_primary_before_it_has_all_users,
        away::a_unit_that_is_cut_off_stands_back,
        away::sentinels_that_are_slow_move_no_primary,
        away::a_hook_that_came_too_early_is_tried_again,
        away::units_that_do_not_answer_cost_one_time_limit,
        discovery::sentinels_lead_clients_to_the_servers,
        discovery::three_units_that_move_are_found_again,
        storage::a_primary_that_comes_back_with_older_data_takes_none_from_others,
        storage::a_volume_that_was_away_gets_what_the_others_have,
        hostile::junk_in_databags_harms_nobody,
        hostile::too_many_requests_are_refused_and_the_rest_is_served,
        faults::a_hook_of_three_units_killed_at_any_tool_is_made_good,
        tls::clients_are_moved_to_tls_and_back,
        tls::a_renewed_certificate_is_served_without_a_restart,
        faults::a_hook_killed_at_any_tool_is_made_good,
        faults::a_start_killed_at_any_tool_is_made_good,
        costs::a_client_of_three_units_is_served_soon,
        costs::a_hook_needs_little_of_the_machine,
        cluster::three_units_share_the_work_and_all_know_every_user,
        cluster::a_lost_primary_is_replaced_and_clients_are_told_in_seconds,
        cluster::a_removed_primary_takes_no_write_with_it,
        cluster::the_last_unit_goes_on_after_all_others_were_lost,
        cluster::a_restart_of_all_at_once_keeps_the_data,
        cluster::a_frozen_primary_loses_seconds_of_writes_at_most,
        cluster::a_unit_that_moves_to_another_address_is_found_again,
        cluster::data_come_back_with_their_volume,
        cluster::nobody_is_answered_before_all_units_have_the_user,
        demo::a_life_is_shown_to_its_end,
        kit::charms_with_the_kit_are_served_in_both_versions,
        isolation::what_reaches_others_is_denied,
        isolation::a_script_has_no_more_rights_than_its_caller,
        isolation::what_is_ones_own_works,
        isolation::every_command_without_keys_is_on_our_list,
        isolation::users_are_made_equal_and_then_left_alone,
        isolation::a_hostile_pattern_is_one_argument,
        isolation::a_sentinel_tells_clients_where_servers_are_and_no_more,
    ]
}

/// Shows what was measured, to whoever looks at the output.
fn say(text: &str) {
    writeln!(std::io::stdout(), "{text}").expect("somebody reads");
}
