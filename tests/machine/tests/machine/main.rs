//! The machine against itself: stand-ins that are this program, services that are small programs or a real etcd.

mod bench;
mod etcd;
mod lifetime;
mod packages;
mod readiness;
mod services;
mod surroundings;
mod systemctl;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = simulated_machine::run_as_stand_in() {
        return code;
    }
    if let Some(code) = bench::run_as_helper() {
        return code;
    }
    let tests: &[(&str, fn())] = &[
        ("starts_and_stops", services::starts_and_stops),
        (
            "a_crash_is_followed_by_a_restart",
            services::a_crash_is_followed_by_a_restart,
        ),
        (
            "a_crash_without_restart_is_a_failure",
            services::a_crash_without_restart_is_a_failure,
        ),
        ("restarts_are_limited", services::restarts_are_limited),
        (
            "a_stop_calls_a_restart_off",
            services::a_stop_calls_a_restart_off,
        ),
        (
            "who_ignores_the_request_to_stop_is_killed",
            services::who_ignores_the_request_to_stop_is_killed,
        ),
        (
            "a_paused_service_can_be_stopped",
            services::a_paused_service_can_be_stopped,
        ),
        (
            "start_waits_for_readiness",
            readiness::start_waits_for_readiness,
        ),
        (
            "start_fails_when_the_process_ends_before",
            readiness::start_fails_when_the_process_ends_before,
        ),
        (
            "start_fails_after_the_time_limit",
            readiness::start_fails_after_the_time_limit,
        ),
        ("stop_calls_off_a_start", readiness::stop_calls_off_a_start),
        (
            "commands_before_and_after_the_service",
            surroundings::commands_before_and_after_the_service,
        ),
        (
            "a_failing_command_before_fails_the_start",
            surroundings::a_failing_command_before_fails_the_start,
        ),
        (
            "the_environment_is_that_of_the_unit",
            surroundings::the_environment_is_that_of_the_unit,
        ),
        (
            "commands_do_not_wait_for_each_other",
            services::commands_do_not_wait_for_each_other,
        ),
        (
            "an_unknown_unit_is_not_found",
            systemctl::an_unknown_unit_is_not_found,
        ),
        (
            "a_masked_unit_cannot_be_started",
            systemctl::a_masked_unit_cannot_be_started,
        ),
        ("enabling_is_a_link", systemctl::enabling_is_a_link),
        (
            "a_changed_unit_file_needs_a_reload",
            systemctl::a_changed_unit_file_needs_a_reload,
        ),
        (
            "a_bad_unit_file_is_refused",
            systemctl::a_bad_unit_file_is_refused,
        ),
        (
            "show_prints_in_its_own_order",
            systemctl::show_prints_in_its_own_order,
        ),
        (
            "no_block_returns_at_once",
            systemctl::no_block_returns_at_once,
        ),
        ("kill_sends_a_signal", systemctl::kill_sends_a_signal),
        (
            "packages_bring_programs_and_a_service",
            packages::packages_bring_programs_and_a_service,
        ),
        (
            "a_masked_service_is_not_started_by_its_package",
            packages::a_masked_service_is_not_started,
        ),
        (
            "a_policy_keeps_the_service_from_starting",
            packages::a_policy_keeps_the_service_from_starting,
        ),
        (
            "apt_fails_in_its_own_words",
            packages::apt_fails_in_its_own_words,
        ),
        ("a_frozen_apt_waits", packages::a_frozen_apt_waits),
        ("users_exist_once_added", packages::users_exist_once_added),
        ("owners_are_recorded", packages::owners_are_recorded),
        (
            "nothing_is_left_after_drop",
            lifetime::nothing_is_left_after_drop,
        ),
        (
            "nothing_is_left_after_a_killed_test",
            lifetime::nothing_is_left_after_a_killed_test,
        ),
        (
            "a_power_cut_ends_everything_and_boot_starts_what_is_enabled",
            lifetime::power_cut_and_boot,
        ),
        (
            "a_long_directory_name_does_no_harm",
            lifetime::a_long_directory_name_does_no_harm,
        ),
        ("calls_are_recorded", lifetime::calls_are_recorded),
        (
            "every_etcd_runs_as_a_service",
            etcd::every_etcd_runs_as_a_service,
        ),
        (
            "a_crashed_etcd_comes_back_with_its_data",
            etcd::a_crashed_etcd_comes_back_with_its_data,
        ),
    ];
    let trials = tests.iter().map(|&(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
