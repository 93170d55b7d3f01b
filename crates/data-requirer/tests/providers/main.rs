//! Interoperation: this crate asks providers that run the libraries of Canonical,
//! unmodified and as real processes, in a simulated model. What counts is what the
//! library tells its charm, and what the crate makes of the answer.
//!
//! The libraries are fetched by `tests/tools/python`. Where they cannot be had
//! these tests are counted as ignored, except that with `CI=true` they fail.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod charm;
mod faults;
mod setting;
mod stories;

use std::process::ExitCode;

use juju_simulator::harness;

fn main() -> ExitCode {
    if let Some(code) = juju_simulator::run_as_tool() {
        return code;
    }
    if charm::run() {
        return ExitCode::SUCCESS;
    }
    harness::main(3, all)
}

fn all() -> Vec<harness::Trial> {
    let must_run = std::env::var_os("CI").is_some_and(|value| value == "true");
    let is_left_out = !setting::has_libraries() && !must_run;
    stories::all()
        .into_iter()
        .map(|trial| trial.with_ignored_flag(is_left_out))
        .chain(faults::all())
        .collect()
}
