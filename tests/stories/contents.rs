//! All stories, each by the path of the function that tells it.

use etcd_charm_world::juju::harness::Trial;
use etcd_charm_world::juju::{tests, tests_of};
use etcd_charm_world::{JujuVersion, Programs};

use crate::*;

/// All of them: first those that take long, so that none of them is the last.
pub(crate) fn all() -> Vec<Trial> {
    [
        crash::stories(),
        survival::stories(),
        of_so_many_units(),
        interop::stories(),
        costs::stories(),
        of_releases(),
        of_operators(),
        of_requirers(),
        of_what_requirers_send(),
        of_clusters(),
        of_sentences(),
        kept_ledger::stories(),
        leaders::stories(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Those that are told with each release of etcd, or with the oldest and the newest, or
/// with each release of Juju.
fn of_releases() -> Vec<Trial> {
    let all = Programs::all();
    let newest = all.last().filter(|_| all.len() > 1);
    let ends: Vec<_> = all.first().into_iter().chain(newest).collect();
    let open = all.iter().filter(|one| root::is_open(&one.version));
    [
        tests_of!(
            &all,
            [
                actions::certificates::credentials_work_with_etcdctl,
                rebuild::from_one_of_three,
                restore::twice_on_one_unit,
                root::rights_end_while_etcd_is_full,
                snapshot::is_whole,
                storage::is_brought_back,
                versions::on_juju_3_6,
            ]
        ),
        tests_of!(
            ends,
            [
                actions::maintenance::list_and_disarm_alarms,
                actions::reconcile::reconcile_what_was_changed_by_hand,
                majority::is_lost_and_returns,
                restore::of_three_units,
                versions::on_juju_4_0,
            ]
        ),
        tests_of!(
            open,
            [
                root::by_a_call_ends_with_the_next_pass,
                root::by_a_full_database_ends_with_the_next_pass,
            ]
        ),
        tests_of!(
            [JujuVersion::V3_6, JujuVersion::V4_0],
            [faults::a_commit_fails, older::a_commit_fails]
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Those that are told in worlds of several sizes, or in several worlds.
fn of_so_many_units() -> Vec<Trial> {
    [
        tests_of!(
            [1, 3],
            [
                revocation::removal::refuses_at_once,
                revocation::removal::of_a_request_refuses_at_once,
                revocation::removal::by_rotation_shuts_the_old_leaf_out,
                revocation::watches::end,
                revocation::watches::end_with_a_restart,
                revocation::watches::end_under_an_alarm,
                revocation::watches::end_with_their_prefix,
                revocation::watches::end_with_credentials,
                revocation::names::are_kept_from_the_next,
                fall_back::of_members_that_go_dark,
                fall_back::of_members_whose_hook_is_killed,
            ]
        ),
        tests_of!(1..=3, [options::move_members_to_other_ports]),
        tests_of!(0..hostile::accepted::SHARES, [hostile::accepted::share]),
        tests![
            hostile::refused::requests_of_version_1,
            hostile::refused::rotations_of_version_0,
            hostile::accepted::every_etcd_starts_with_each_kind_of_key,
        ],
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What operators do: actions, options, data, releases.
fn of_operators() -> Vec<Trial> {
    tests![
        actions::certificates::credentials_reach_their_prefix_only,
        actions::certificates::credentials_are_refused_on_bad_input,
        actions::certificates::credentials_are_made_again_and_not_overwritten,
        actions::certificates::credentials_need_no_home_of_an_operator,
        actions::certificates::faults::credentials_cut_short_have_no_rights,
        actions::certificates::faults::credentials_that_cannot_be_written_leave_nothing,
        actions::certificates::names::issued_names_outlive_a_restore,
        actions::certificates::names::issued_names_that_nobody_knows_can_be_reserved,
        actions::certificates::names::issued_names_and_those_of_requests_are_claimed_once,
        actions::certificates::names::revoked_names_are_nobodys,
        actions::certificates::names::revocation_is_finished_by_whoever_leads,
        actions::clients::list_clients_of_every_kind,
        actions::clients::list_clients_and_what_is_wrong_in_etcd,
        actions::clients::list_identities_that_were_issued,
        actions::health::tell_the_health_of_three_members,
        actions::health::tell_the_health_of_the_newest_etcd,
        actions::health::tell_in_full_what_a_status_counts,
        actions::maintenance::compact_the_history,
        actions::maintenance::defragment_members_with_the_leader_last,
        actions::maintenance::defragment_only_where_it_is_safe,
        actions::maintenance::defragment_in_turn_with_restarts,
        actions::reconcile::reconcile_no_more_than_a_unit_may,
        actions::reconcile::reconcile_dry_and_news_still_arrives,
        actions::reconcile::reconcile_says_what_it_waits_for,
        foreign::restore_of_another_deployment,
        foreign::restore_of_an_etcd_without_authentication,
        foreign::restore_where_the_disk_is_lost,
        foreign::restore_where_the_disk_is_lost_keeps_signed_names,
        foreign::restore_waits_for_another,
        migrate::from_the_older_etcd_charm,
        migrate::from_charmed_etcd,
        options::are_what_etcd_runs_with,
        options::restart_each_of_three_members_once,
        options::that_are_reset_untold_are_found_by_update_status,
        options::that_are_wrong_change_nothing,
        options::that_are_wrong_keep_a_unit_from_starting,
        options::leave_a_port_that_is_taken,
        options::change_certificates_and_restart_nothing,
        packed::etcd_serves_without_a_resource,
        packed::etcd_comes_after_what_is_attached,
        packed::etcd_that_members_refuse_changes_nothing,
        provided::certificates_come_and_go_without_a_restart,
        provided::nonsense_changes_nothing,
        provided::keys_are_replaced_by_an_action,
        rotation::replaces_the_authority_without_losing_a_client,
        rotation::of_the_admin_authority_ends_what_it_signed,
        rebuild::takes_the_newest_of_five,
        rebuild::uses_data_at_rest_when_told_to,
        restore::while_a_member_is_silent,
        restore::refuses_what_is_of_no_use,
        snapshot::refuses_where_it_cannot_write,
        storage::that_is_new_begins_a_new_cluster,
        storage::of_one_of_several_waits,
        storage::of_a_removed_member_is_put_aside,
        storage::is_new_and_the_address_that_of_a_ghost,
        versions::etcd_of_a_resource,
        versions::an_archive_without_etcd,
        versions::that_members_refuse_do_not_join_them,
    ]
}

/// What requirers ask for and get.
fn of_requirers() -> Vec<Trial> {
    tests![
        names::the_first_owner_keeps_its_name,
        names::a_request_waits_for_another_of_its_relation,
        names::another_common_name_is_another_user,
        names::prefixes_may_overlap_by_default,
        names::prefixes_are_kept_apart_on_demand,
        names::another_prefix_is_another_grant,
        names::reuse::come_back_with_the_same_certificate,
        names::reuse::pass_on_within_a_hook_with_the_same_certificate,
        names::unmanaged::users_made_by_hand_are_left_alone,
        names::unmanaged::what_is_ours_is_put_right,
        older::requirers_are_served_and_removed,
        older::requirers_follow_the_cluster,
        older::requirers_keep_what_they_have_when_the_leader_changes,
        older::relations_may_be_there_before_the_cluster,
        older::watches_end_with_the_relation,
        older::rights_are_repaired,
        older::events_cost_the_same_with_many_relations,
        signed::access_on_three_members_without_a_restart,
        signed::names_stay_their_owners,
        signed::certificates_open_nothing_without_their_relation,
        signed::requests_come_and_go_unit_by_unit,
        signed::again_where_juju_refuses_the_answer_once,
        signed::and_pinned_in_turns,
        signed::refusals::are_seen,
        signed::refusals::beside_a_thousand_of_nonsense,
        signed::rotation::by_another_authority,
        signed::older::at_the_first_request,
        trusted::authorities_are_told_in_both_versions,
    ]
}

/// What requirers send by mistake, or on purpose.
fn of_what_requirers_send() -> Vec<Trial> {
    tests![
        bad_input::certificates::after_a_good_certificate,
        bad_input::haste::two_certificates_in_turns,
        bad_input::haste::more_clients_in_a_row_than_restarts_are_lent,
        bad_input::requests::what_is_no_request,
        bad_input::requests::of_any_size,
        bad_input::requests::beside_a_good_request,
        bad_input::requests::in_place_of_a_granted_request,
        bad_input::sums::subjects_that_no_handshake_can_name,
        bad_input::sums::subjects_that_are_too_much_together,
        bad_input::sums::ids_replaced_again_and_again,
        bad_input::sums::as_many_requests_as_may_be_and_another_unit,
        bad_input::sums::leaves_as_large_as_may_be,
        isolation::of_an_offer_that_is_consumed,
        isolation::of_a_secret_that_juju_does_not_read,
        isolation::of_a_secret_that_hangs,
        isolation::of_a_relation_that_takes_no_answer,
        isolation::of_a_relation_that_ends_while_it_asks,
        isolation::of_a_relation_that_ends_under_a_hook,
        isolation::of_a_refusal_for_no_known_reason,
        isolation::of_who_names_the_secret_of_another,
        root::takes_more_than_one_relation,
        root::of_no_newer_etcd,
    ]
}

/// What becomes of clusters, machines and hooks.
fn of_clusters() -> Vec<Trial> {
    tests![
        cluster::units_leave_one_by_one_and_the_grant_stays,
        cluster::members_restart_in_turn,
        cluster::moves_leadership_by_the_word_of_the_member_that_leads,
        cluster::follows_a_unit_to_another_address,
        cluster::loses_a_unit_that_is_removed_by_force,
        cluster::loses_a_unit_whose_departure_is_not_told,
        faults::reading_tools_fail_once_in_a_grant,
        faults::writing_tools_fail_once_in_a_grant,
        faults::the_log_fails_once_in_a_grant,
        faults::etcd_hangs,
        faults::the_machine_loses_power,
        hygiene::secrets_are_seen_nowhere,
        hygiene::a_removed_unit_leaves_no_key,
        majority::grows_whichever_member_leads,
        majority::is_lost_by_machines_that_came_back_alone,
        tools::a_neighbour_has_the_port,
        tools::hang_and_the_unit_goes_on,
        tools::tell_the_leader_nothing_of_its_own_secrets,
        tools::say_the_version_again_after_a_new_unit,
        statuses::that_have_not_changed_are_not_set,
        statuses::that_a_kill_left_behind_are_set_again,
        statuses::of_the_application_are_the_new_leaders,
    ]
}

/// What a provider of `etcd_client` has to do right, sentence by sentence.
fn of_sentences() -> Vec<Trial> {
    tests![
        sentences::answers::sentences_01_and_03_first_answer_of_v1_has_data_and_the_protocols_version,
        sentences::answers::sentences_04_and_05_each_dialect_has_its_own_words_and_keys,
        sentences::requests::sentence_06_who_asks_nothing_whole_is_told_nothing,
        sentences::requests::sentence_07_a_late_certificate_is_answered_at_once_v0,
        sentences::requests::sentence_07_a_late_certificate_is_answered_at_once_v1,
        sentences::requests::sentence_08_a_request_does_not_wait_for_another,
        sentences::answers::sentence_09_secrets_are_granted_with_their_uris,
        sentences::answers::sentence_10_one_hook_publishes_everything,
        sentences::requests::sentence_11_addresses_are_written_alike_in_every_hook,
        sentences::life::sentence_12_a_new_server_authority_keeps_the_uri,
        sentences::life::sentence_13_a_secret_is_always_written_whole,
        sentences::certificates::sentence_14_a_rotation_is_only_told_by_the_secret,
        sentences::certificates::sentence_15_another_secret_changes_nothing,
        sentences::requests::sentence_16_a_request_without_id_is_given_one,
        sentences::requests::sentence_17_a_request_that_goes_takes_everything_along,
        sentences::requests::sentence_18_every_response_is_in_data_after_any_hook,
        sentences::prefixes::sentence_19_a_prefix_is_its_bytes,
        sentences::prefixes::sentence_20_an_empty_prefix_grants_nothing,
        sentences::certificates::sentence_21_refused_names_are_trusted_nowhere,
        sentences::certificates::sentence_22_only_a_leaf_is_taken_and_only_it,
        sentences::life::sentence_23_relation_1_is_not_relation_10,
        sentences::certificates::sentence_24_both_forms_of_a_uri_are_read,
        sentences::certificates::sentence_24_what_cannot_be_read_yet_is_waited_for,
        sentences::across_models::across_models_a_clear_certificate_is_understood,
        sentences::across_models::across_models_v0_is_given_a_key_before_its_answer,
        sentences::across_models::an_echo_of_a_requirers_unit_is_not_answered,
        sentences::cluster::sentence_25_only_the_leader_writes,
    ]
}
