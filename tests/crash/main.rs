//! Crash consistency: the real program is killed at every call that it makes
//! (hook tools, etcd, files, systemd), or the call fails, and whatever runs
//! next has to end where an undisturbed run ends.
//!
//! A plain run takes a bounded sample that is the same every time. With
//! `CRASH_SWEEP=all` every point is taken, with `CRASH_SWEEP=7` each seventh;
//! `CRASH_FAULTS=AfterTool,BeforeReceive` takes only those kinds of faults;
//! `CRASH_WORLDS=4` has four worlds at a time in place of two.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod crew;
mod drive;
mod fault;
mod founding;
mod life;
mod refounding;
mod rig;
mod snapshot;
mod sweep;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // A sweep has worlds of its own that live at the same time.
    arguments.test_threads.get_or_insert(2);
    let trial = |name, run: fn() -> Result<(), Failed>| Trial::test(name, run);
    let trials = vec![
        trial("crash_in_the_life_of_a_client", sweep::of_a_client),
        trial("crash_while_an_operator_acts", sweep::of_an_operator),
        trial(
            "crash_in_the_life_of_a_client_of_two",
            sweep::of_a_client_of_two,
        ),
        trial("crash_leadership_lost_in_the_middle", sweep::of_leadership),
        trial("crash_while_the_cluster_is_founded", founding::of_a_cluster),
        trial(
            "crash_while_a_second_unit_joins",
            founding::of_a_second_unit,
        ),
        trial(
            "crash_while_a_snapshot_is_restored",
            refounding::of_a_restore,
        ),
        trial(
            "crash_while_the_cluster_is_rebuilt",
            refounding::of_a_rebuild,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}
