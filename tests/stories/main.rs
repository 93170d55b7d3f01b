//! Stories: scripts of events that run the real program against a real etcd in
//! a simulated model. Each ends at rest, where a further pass writes nothing.

#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod access;
mod actions;
mod bad_input;
mod cluster;
mod fall_back;
mod faults;
mod foreign;
mod hygiene;
mod isolation;
mod leaders;
mod majority;
mod migrate;
mod names;
mod older;
mod options;
mod packed;
mod rebuild;
mod restore;
mod root;
mod rotation;
mod sentences;
mod snapshot;
mod statuses;
mod storage;
mod support;
mod tools;
mod versions;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    // Each story has processes of its own and waits for them most of the time,
    // so more of them than there are processors make sense.
    arguments.test_threads.get_or_insert(4);
    let trials: Vec<Trial> = [
        access::stories(),
        actions::stories(),
        bad_input::stories(),
        cluster::stories(),
        fall_back::stories(),
        faults::stories(),
        foreign::stories(),
        hygiene::stories(),
        isolation::stories(),
        leaders::stories(),
        majority::stories(),
        migrate::stories(),
        names::stories(),
        older::stories(),
        options::stories(),
        packed::stories(),
        root::stories(),
        rotation::stories(),
        rebuild::stories(),
        restore::stories(),
        sentences::stories(),
        snapshot::stories(),
        tools::stories(),
        statuses::stories(),
        storage::stories(),
        versions::stories(),
    ]
    .into_iter()
    .flatten()
    .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}
