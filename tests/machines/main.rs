//! Real machines: Debian with systemd, an apt and a network of its own, on
//! which the simulated Juju runs the charm. What only they can tell is told
//! here: that the packages install, that systemd takes the service and keeps
//! it running and shut in, that a cluster outlives its machines' crashes and
//! reboots, and a network that drops their packets.
//!
//! They need root and more than a minute, so this is `make test-machines`;
//! without what that sets the tests are left out and counted as ignored.

#![allow(
    clippy::too_many_lines,
    reason = "a story and a table are read from top to bottom"
)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect has failed, and says what it misses"
)]

mod cluster;
mod cut;
mod entry;
mod guest;
mod harness;
mod patience;
mod service;
mod step;
mod upgrade;
mod writer;

use std::process::ExitCode;

pub(crate) use etcd_charm_world::juju::tool_program;

/// The repository.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What is at `/charm/dispatch` on each machine.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_etcd-charm");
/// Where the charm has what hook tools read.
pub(crate) const RUNTIME: &str = "/run/etcd-charm";

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    entry::run("units_live_on_machines", story)
}

/// Machines take their time to boot and to install, so the same ones serve for
/// everything, one step after the other.
fn story() {
    let mut harness = harness::Harness::new();
    let first = service::installed(&mut harness);
    service::shut_in(&harness, &first);
    service::restarted(&mut harness, &first);
    service::without_data(&mut harness, &first);
    service::rebooted(&mut harness, &first);
    cluster::live(&mut harness, first);
}
