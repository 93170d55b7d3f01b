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

use etcd_charm_world::juju::harness;

fn main() -> ExitCode {
    harness::main(3, stories::all)
}
