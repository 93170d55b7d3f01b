//! The way to where machines can be booted, for the story that lives there.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

use crate::guest::root;

/// Set by `make test-machines`.
const WANTED: &str = "ETCD_CHARM_MACHINES";

/// Set by `enter`.
const INSIDE: &str = "MACHINES_CGROUP";

/// Runs the story as the arguments of the command line want it, where machines can be
/// booted; without what `make test-machines` sets it is counted as ignored.
pub(crate) fn run(name: &str, story: fn()) -> ExitCode {
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
    let trial = Trial::test(name, move || {
        // The runner has begun a line.
        eprintln!();
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
        .arg(root().join("tests/machines/enter"))
        .arg(std::env::current_exe().unwrap())
        .args(std::env::args_os().skip(1))
        .exec();
    eprintln!("machines: cannot run setpriv: {error}");
    ExitCode::FAILURE
}
