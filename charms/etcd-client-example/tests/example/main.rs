//! Stories of the real program beside the etcd charm with a real etcd, in a
//! simulated model.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod legacy;
mod setting;
mod signed;
mod stories;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(3);
    libtest_mimic::run(&arguments, stories::all()).exit_code()
}
