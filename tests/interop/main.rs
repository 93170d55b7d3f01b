//! Interoperation: requirers that run the libraries of Canonical, unmodified and
//! as real processes, ask this charm for access to a real etcd. What counts is
//! what a library fires in its charm, and what the charm can then do with etcd;
//! the databag is the libraries' and ours, and nobody else looks into it.
//!
//! The libraries are fetched by `tests/tools/python`. Where they cannot be had
//! these tests are counted as ignored, except that with `CI=true` they fail.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod across;
mod authority;
mod cluster;
mod libraries;
mod requirer;
mod story;
mod v0;
mod v1;

use std::io::Write as _;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Etcd and the libraries' start need the processor, more than in stories
    // without them.
    arguments.test_threads.get_or_insert(3);
    let mut trials: Vec<Trial> = [
        v1::stories(),
        v0::stories(),
        cluster::stories(),
        across::stories(),
        authority::stories(),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !libraries::are_here() {
        let (reason, count) = (libraries::MISSING, trials.len());
        // Whether this can be written or not, the tests are counted.
        let _ = writeln!(std::io::stderr(), "interop: {reason}, for {count} tests");
        let must_run = std::env::var_os("CI").is_some_and(|value| value == "true");
        trials = trials
            .into_iter()
            .map(|trial| trial.with_ignored_flag(!must_run))
            .collect();
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
