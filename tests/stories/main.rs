//! Stories: scripts of events that run the real program against a real etcd in
//! a simulated model. Each ends at rest, where a further pass writes nothing.

#![allow(
    clippy::too_many_lines,
    reason = "a story and a table are read from top to bottom"
)]
#![allow(
    clippy::unwrap_used,
    reason = "a story that meets what it does not expect has failed"
)]

mod actions;
mod bad_input;
mod cluster;
mod contents;
mod costs;
mod crash;
mod fall_back;
mod faults;
mod foreign;
mod hostile;
mod hygiene;
mod interop;
mod isolation;
mod kept_ledger;
mod leaders;
mod majority;
mod migrate;
mod names;
mod older;
mod options;
mod packed;
mod provided;
mod rebuild;
mod restore;
mod revocation;
mod root;
mod rotation;
mod sentences;
mod signed;
mod snapshot;
mod statuses;
mod storage;
mod support;
mod survival;
mod tools;
mod trusted;
mod versions;

use std::process::ExitCode;

use etcd_charm_world::juju::harness;

/// Each story has processes of its own and waits for them much of the time; with more
/// at once, members on two cores miss the time in which they have to agree.
const THREADS: usize = 6;

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    match &words[..] {
        [command, charm] if command == "table" => costs::print_table(charm.as_ref()),
        [command, charm] if command == "table-signed" => costs::print_signed(charm.as_ref()),
        _ => harness::main(THREADS, contents::all),
    }
}
