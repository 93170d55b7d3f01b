//! What a strict simulator of Juju and of its machines must reproduce, one test for each sentence.
//! Each hook is a real process: a shell that calls hook tools, which are processes as well.

mod hooks;
mod machine;
mod more;
mod relations;
mod secrets;
mod trouble;
mod trust;
mod world;

use std::process::ExitCode;

use juju_simulator::{harness, tests};
use libtest_mimic::Trial;

use machine::{lifetime, packages, readiness, services, surroundings, systemctl};

fn main() -> ExitCode {
    // A helper, too, calls commands, which inherit what makes it a helper.
    let code = juju_simulator::run_as_tool().or_else(machine::bench::run_as_helper);
    if let Some(code) = code {
        return code;
    }
    harness::main(4, || {
        [of_the_list(), beside_it(), of_machines()]
            .into_iter()
            .flatten()
            .collect()
    })
}

/// What a charm counts on, by number.
fn of_the_list() -> Vec<Trial> {
    tests![
        hooks::behaviour_01_remote_unit_is_present_but_empty,
        hooks::behaviour_02_departing_unit_only_in_departed,
        hooks::behaviour_03_secret_revision_only_in_remove_and_expired,
        hooks::behaviour_04_an_action_has_an_empty_hook_name,
        hooks::behaviour_05_dispatch_runs_for_all_and_missing_is_success,
        hooks::behaviour_06_usage_errors_exit_2_and_run_errors_exit_1,
        relations::behaviour_07_relation_ids_are_sorted_as_strings,
        relations::behaviour_08_broken_relation_is_not_listed_but_readable,
        relations::behaviour_09_unknown_relation_id_exits_2,
        relations::behaviour_10_relation_list_shows_joined_units_only,
        relations::behaviour_11_missing_key_is_null_and_empty_bag_is_an_object,
        relations::behaviour_12_non_leader_reads_own_application_data_of_peers_only,
        relations::behaviour_13_non_leader_cannot_write_application_data,
        relations::behaviour_14_empty_deletes_and_arguments_are_trimmed,
        relations::behaviour_15_writes_are_seen_by_others_after_success_only,
        hooks::behaviour_16_status_is_kept_when_the_hook_fails,
        relations::behaviour_17_equal_values_and_own_writes_give_no_event,
        relations::behaviour_18_joined_is_followed_by_changed,
        hooks::behaviour_19_order_at_deploy,
        relations::behaviour_20_order_of_removal,
        relations::behaviour_21_departed_unit_can_still_be_read,
        secrets::behaviour_22_secret_add_prints_a_full_uri,
        secrets::behaviour_23_secret_keys_and_sizes_are_checked,
        secrets::behaviour_24_own_pending_secrets_in_the_same_hook,
        secrets::behaviour_25_reads_are_pinned_until_refresh,
        secrets::behaviour_26_equal_content_makes_no_revision,
        secrets::behaviour_27_reading_without_right,
        secrets::behaviour_28_foreign_set_and_label_clash_fail_at_commit,
        secrets::behaviour_29_a_grant_dies_with_its_relation,
        secrets::behaviour_30_foreign_secrets_are_not_found,
    ]
}

/// What else a model does.
fn beside_it() -> Vec<Trial> {
    tests![
        more::failed_hook_is_run_again_with_the_same_event,
        more::is_leader_false_is_sticky_in_a_hook,
        more::application_changed_only_if_ever_written,
        more::joins_are_sorted_as_strings,
        more::relations_come_in_a_random_but_seeded_order,
        more::secret_remove_for_each_obsolete_revision,
        secrets::an_owner_is_told_of_what_it_writes_once_it_has_read_it,
        more::state_get_of_missing_key_and_of_nothing,
        more::unknown_hook_tool,
        more::json_is_html_escaped,
        more::leader_change_between_hooks,
        trouble::faults_fail_kill_and_lose,
        trouble::faults_stay_until_they_are_mended,
        trouble::a_commit_can_refuse_a_grant_over_one_relation,
        trouble::a_neighbours_port_cannot_be_opened,
        trouble::commit_failure_keeps_secrets_in_3_6_only,
        trouble::cross_model_relation,
        trouble::charm_of_another_model,
        more::storage_resources_ports_and_config,
        hooks::files_of_a_charm_come_with_it_and_go_with_the_next,
        more::storage_goes_after_its_hook_and_outlives_its_unit,
        more::actions_report_and_run_in_error,
        trouble::gone_relation_texts,
        trouble::agent_restart_can_swallow_secret_changed,
        trouble::slow_hook_is_killed,
        trouble::removed_application_runs_its_last_hooks,
        trouble::lost_machine_runs_nothing_and_departs,
        trouble::reset_of_an_option_is_not_told_in_4_0,
        trouble::departure_of_a_peer_is_not_always_told,
        trouble::failed_install_waits_for_everything_else,
        trouble::settle_is_bounded,
        more::the_version_is_blank_after_a_new_unit,
        more::environment_is_exact,
        more::relation_get_without_a_unit_reads_the_application,
        more::labels_of_consumers_and_owners,
        more::members_are_cached_until_their_changed_hook,
        trust::a_secret_of_the_operator_is_read_once_it_is_granted,
        trust::credentials_are_for_whom_the_operator_trusts,
    ]
}

/// What machines do.
fn of_machines() -> Vec<Trial> {
    tests![
        services::starts_and_stops,
        services::a_crash_is_followed_by_a_restart,
        services::a_crash_without_restart_is_a_failure,
        services::restarts_are_limited,
        services::a_stop_calls_a_restart_off,
        services::who_ignores_the_request_to_stop_is_killed,
        services::a_paused_service_can_be_stopped,
        services::commands_do_not_wait_for_each_other,
        readiness::start_waits_for_readiness,
        readiness::start_fails_when_the_process_ends_before,
        readiness::start_fails_after_the_time_limit,
        readiness::stop_calls_off_a_start,
        surroundings::commands_before_the_service,
        surroundings::a_failing_command_before_fails_the_start,
        surroundings::the_environment_is_that_of_the_unit,
        systemctl::an_unknown_unit_is_not_found,
        systemctl::a_masked_unit_cannot_be_started,
        systemctl::enabling_is_a_link,
        systemctl::a_changed_unit_file_needs_a_reload,
        systemctl::a_bad_unit_file_is_refused,
        packages::packages_bring_programs_and_a_service,
        packages::a_masked_service_is_not_started,
        packages::a_policy_keeps_the_service_from_starting,
        packages::apt_fails_in_its_own_words,
        packages::users_exist_once_added,
        packages::owners_exist,
        lifetime::nothing_is_left_after_drop,
        lifetime::nothing_is_left_after_a_killed_test,
        lifetime::power_cut_and_boot,
        lifetime::a_long_directory_name_does_no_harm,
        lifetime::calls_are_recorded,
    ]
}
