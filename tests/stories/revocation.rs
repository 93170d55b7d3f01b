//! A client that is removed has no access any more, and neither has one with a
//! certificate that was replaced.
//!
//! What is promised, and held here with clusters of one and of three:
//!
//! - From the end of the leader's hook that removes a client on, no request of
//!   it succeeds, on any member: its user is gone.
//! - A watch that it had open ends on the leader's member in that hook, and on
//!   the others in the hook that the peer relation then causes, without a
//!   restart: the kernel ends the connections of clients. So it is with a prefix
//!   that is given up, and with credentials that an operator takes back. Where the
//!   kernel does not offer that, the bound is the next full pass of a member's
//!   unit, an `update-status` at the latest, which restarts it.
//! - A replaced certificate is refused, in the handshake, once the hooks that
//!   its replacement led to have run.
//! - While any member trusts a removed certificate its name is nobody else's,
//!   so that an old certificate never acts as a new user.

mod names;
mod probe;
mod removal;
mod support;
mod watches;

use libtest_mimic::Trial;

use crate::support::story;

/// A story of so many units.
type Story = fn(usize);

pub(crate) fn stories() -> Vec<Trial> {
    let stories: [(&str, Story); 9] = [
        ("revocation_removal_refuses_at_once", removal::of_a_relation),
        (
            "revocation_withdrawal_refuses_at_once",
            removal::of_a_request,
        ),
        (
            "revocation_rotation_shuts_the_old_leaf_out",
            removal::by_rotation,
        ),
        ("revocation_ends_open_watches", watches::end),
        (
            "revocation_ends_open_watches_with_a_restart",
            watches::end_with_a_restart,
        ),
        (
            "revocation_ends_open_watches_with_a_full_database",
            watches::end_under_an_alarm,
        ),
        (
            "revocation_of_a_prefix_ends_its_watches",
            watches::end_with_their_prefix,
        ),
        (
            "revocation_of_credentials_ends_their_watches",
            watches::end_with_credentials,
        ),
        (
            "revocation_keeps_the_name_from_the_next",
            names::change_hands,
        ),
    ];
    stories
        .into_iter()
        .flat_map(|(name, tell)| {
            [1, 3].map(|units| story(&format!("{name}_{units}"), move || tell(units)))
        })
        .collect()
}
