//! A cluster that survives: units that come and go, crashes, lost leaders, and
//! faults that an operator has to know of.
//!
//! In every story that disrupts the cluster a client writes without pause. No
//! write that etcd acknowledged may be lost, and the longest time without an
//! acknowledgement is printed.

mod certificates;
mod crashes;
mod disk;
mod disks;
mod faults;
mod leaders;
mod lost_disk;
mod maximum;
mod revisions;
mod scale;
mod silence;
mod support;
mod trust;
mod upgrade;

use libtest_mimic::Trial;

use crate::support::story;

pub(crate) fn stories() -> Vec<Trial> {
    let stories: [(&str, fn()); 40] = [
        ("survival_of_an_upgraded_charm", revisions::upgraded),
        ("survival_of_two_revisions_at_once", revisions::side_by_side),
        ("survival_of_killed_members", crashes::killed),
        ("survival_of_a_power_cut", crashes::power_cut),
        ("survival_of_a_reboot_of_all", crashes::all_reboot),
        ("survival_of_silent_members", crashes::unreachable),
        ("survival_of_three_more_at_once", scale::added_at_once),
        ("survival_of_shrinking_from_5_to_1", scale::shrinks),
        (
            "survival_of_two_that_leave_before_their_storage",
            scale::leaves_before_its_storage,
        ),
        (
            "survival_of_names_that_share_a_beginning",
            scale::names_that_share_a_beginning,
        ),
        ("survival_of_a_removed_leader", leaders::removed),
        (
            "survival_of_a_leader_elected_after_each_hook",
            leaders::elected_after_each_hook,
        ),
        (
            "survival_of_leadership_lost_in_a_hook",
            leaders::lost_in_a_hook,
        ),
        ("survival_of_a_silent_member", silence::one_member),
        (
            "survival_of_an_outage_that_clients_are_not_told",
            silence::costs_clients_nothing,
        ),
        ("survival_of_a_lost_majority", silence::no_leader),
        ("survival_of_slow_members", silence::slow),
        ("survival_of_a_full_database", faults::no_space),
        ("survival_of_corrupt_data", faults::corrupt),
        ("survival_of_an_unmanaged_member", faults::unmanaged_member),
        ("survival_of_odd_databags", faults::peer_databags),
        ("survival_of_renewed_certificates", certificates::renewed),
        (
            "survival_of_certificates_that_have_ended",
            certificates::renewed_too_late,
        ),
        (
            "survival_of_an_ending_authority",
            certificates::authority_ends,
        ),
        ("survival_of_an_upgrade_to_3_5", upgrade::to_3_5),
        ("survival_of_an_upgrade_to_3_7", upgrade::to_3_7),
        (
            "survival_of_programs_that_are_replaced",
            upgrade::of_programs,
        ),
        ("survival_of_a_refused_upgrade", upgrade::refused),
        ("survival_of_a_full_disk", disk::full),
        (
            "survival_of_a_lost_disk_of_one_that_joined",
            lost_disk::of_one_that_joined,
        ),
        (
            "survival_of_lost_disks_of_members_that_serve",
            disks::while_it_serves,
        ),
        (
            "survival_of_lost_disks_of_units_that_join",
            disks::while_it_joins,
        ),
        (
            "survival_of_lost_disks_of_units_that_bootstrap",
            disks::while_it_is_bootstrapped,
        ),
        (
            "survival_of_a_lost_disk_of_the_initial_member",
            lost_disk::of_the_initial_member,
        ),
        ("survival_of_all_bounds_on_one_unit", maximum::one_unit),
        (
            "survival_of_all_bounds_on_three_units",
            maximum::three_units,
        ),
        ("survival_of_trust_in_1_client", trust::one_client),
        ("survival_of_trust_in_5_clients", trust::five_clients),
        ("survival_of_trust_in_20_clients", trust::twenty_clients),
        (
            "survival_of_trust_in_10_clients_in_a_row",
            trust::ten_in_a_row,
        ),
    ];
    stories.map(|(name, tell)| story(name, tell)).into()
}
