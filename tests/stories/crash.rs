//! Crash consistency: the real program is killed at every call that it makes
//! (hook tools, etcd, files, systemd), or the call fails, and whatever runs
//! next has to end where an undisturbed run ends.
//!
//! A plain run takes a bounded sample that is the same every time. With
//! `CRASH_SWEEP=all` every point is taken, with `CRASH_SWEEP=7` each seventh;
//! `CRASH_FAULTS=AfterTool,BeforeReceive` takes only those kinds of faults;
//! `CRASH_WORLDS=4` has four worlds at a time in place of two, or of one for the
//! sample; `CRASH_CHARM` is another build of the charm's program, which is faster when
//! it is optimised.

mod bootstrap;
mod event_run;
mod fault;
mod harness;
mod life;
mod recreate;
mod signed;
mod snapshot;
mod sweep;
mod trace;
mod workers;

use libtest_mimic::Trial;

use crate::support::story;

/// Gives everything that was wrong.
type Sweep = fn() -> Result<(), String>;

/// What is swept: each makes worlds of its own, some at a time.
pub(crate) fn stories() -> Vec<Trial> {
    let sweeps: [(&str, Sweep); 9] = [
        ("crash_in_the_life_of_a_client", sweep::of_a_client),
        ("crash_while_an_operator_acts", sweep::of_an_operator),
        (
            "crash_in_the_life_of_a_signed_client",
            sweep::of_a_signed_client,
        ),
        (
            "crash_in_the_life_of_a_client_of_two",
            sweep::of_a_client_of_two,
        ),
        ("crash_leadership_lost_in_the_middle", sweep::of_leadership),
        (
            "crash_while_the_cluster_is_bootstrapped",
            bootstrap::of_a_cluster,
        ),
        (
            "crash_while_a_second_unit_joins",
            bootstrap::of_a_second_unit,
        ),
        ("crash_while_a_snapshot_is_restored", recreate::of_a_restore),
        ("crash_while_the_cluster_is_rebuilt", recreate::of_a_rebuild),
    ];
    let tell = |sweep: Sweep| {
        if let Err(wrong) = sweep() {
            panic!("{wrong}");
        }
    };
    sweeps
        .map(|(name, sweep)| story(name, move || tell(sweep)))
        .into()
}
