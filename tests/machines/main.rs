//! Real machines: Debian with systemd, an apt and a network of its own, on
//! which the simulated Juju runs the charm. What only they can tell is told
//! here: that the packages install, that systemd takes the service and keeps
//! it running and shut in, that a cluster outlives its machines' crashes and
//! reboots.
//!
//! They need root and more than a minute, so this is `make test-machines`;
//! without what that sets the tests are left out and counted as ignored.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect has failed, and says what it misses"
)]

mod cluster;
mod guest;
mod harness;
mod patience;
mod service;
mod step;
mod upgrade;
mod writer;

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

/// The repository.
pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What is at `/charm/dispatch` on each machine.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_etcd-charm");
/// Where the charm has what hook tools read.
pub(crate) const RUNTIME: &str = "/run/etcd-charm";

/// Set by `make test-machines`.
const WANTED: &str = "ETCD_CHARM_MACHINES";

/// Set by `enter`.
const INSIDE: &str = "MACHINES_CGROUP";

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let mut arguments = Arguments::from_args();
    let is_wanted = std::env::var_os(WANTED).is_some();
    if is_wanted && !arguments.list && std::env::var_os(INSIDE).is_none() {
        return enter();
    }
    if !is_wanted {
        eprintln!("machines: left out, since they need root and time: `make test-machines`");
    }
    // There is one network, and one after the other is easier to follow.
    arguments.test_threads = Some(1);
    let name = "units_live_on_machines";
    let trial = Trial::test(name, || {
        story();
        Ok(())
    });
    libtest_mimic::run(&arguments, vec![trial.with_ignored_flag(!is_wanted)]).exit_code()
}

/// Goes on where machines can be booted. If whoever started us is killed, so
/// that nobody waits for the end, it comes now.
fn enter() -> ExitCode {
    let error = Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "--"])
        .arg(guest::root().join("tests/machines/enter"))
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .exec();
    eprintln!("machines: cannot run setpriv: {error}");
    ExitCode::FAILURE
}

/// Machines take their time to boot and to install, so the same ones serve for
/// everything, one step after the other.
fn story() {
    // The runner has begun a line.
    eprintln!();
    let mut harness = harness::Harness::new();
    let first = service::installed(&mut harness);
    service::shut_in(&harness, &first);
    service::restarted(&mut harness, &first);
    service::without_data(&mut harness, &first);
    service::rebooted(&mut harness, &first);
    cluster::live(&mut harness, first);
}
