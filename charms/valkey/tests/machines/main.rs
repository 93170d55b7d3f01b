//! A real machine: Debian with systemd and a network of its own, on which the
//! simulated Juju runs the charm. What only it can tell is told here: that systemd
//! takes the services, keeps them running and shut in, and that the watcher asks for
//! a hook.
//!
//! It needs root and time, so it is part of `make test-machines`; without what that
//! sets it is left out and counted as ignored.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that meets what it does not expect has failed, and says what it misses"
)]

#[path = "../../../../tests/machines/entry.rs"]
mod entry;
#[allow(
    dead_code,
    reason = "it is shared with another charm, whose story is longer"
)]
#[path = "../../../../tests/machines/guest.rs"]
mod guest;
mod harness;
#[path = "../../../../tests/machines/patience.rs"]
mod patience;
#[path = "../../../../tests/machines/step.rs"]
mod step;

use std::process::ExitCode;
use std::time::Duration;

use harness::Harness;
pub(crate) use juju_simulator::tool_program;
use patience::eventually;
use step::step;

/// The repository.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What is at `/charm/dispatch` on the machine.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_valkey-charm");
/// Where the charm has what hook tools read.
pub(crate) const RUNTIME: &str = "/run/valkey-charm";

/// More than systemd and Valkey take for a start on a busy machine.
const START: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    if let Some(code) = juju_simulator::run_as_tool() {
        return code;
    }
    entry::run("a_unit_lives_on_a_machine", story)
}

fn story() {
    let mut harness = step("a machine boots", Harness::new);
    step("the charm installs Valkey and starts it", || {
        harness.settle()
    });
    assert_eq!(harness.status(), "active: primary");
    for name in ["server", "sentinel", "watch"] {
        let service = harness.service(name);
        assert_eq!(harness.word("is-enabled", &service), "enabled");
        assert_eq!(harness.word("is-active", &service), "active");
    }
    listens_where_it_should(&harness);
    shut_in(&harness, "server");
    shut_in(&harness, "sentinel");
    let client = harness.client();
    harness.set(&client, "app:before", "1");
    step(
        "the server is killed, and the watcher asks for a hook",
        || {
            harness.forget_asked();
            let before = harness.property("server", "MainPID");
            harness
                .guest
                .run(&["sh", "-c", &format!("kill -KILL {before}")]);
            eventually("another server", START, || {
                let now = harness.property("server", "MainPID");
                (now != before && now != "0").then_some(())
            });
            eventually("the wish for a hook", START, || {
                harness.was_asked().then_some(())
            });
        },
    );
    assert_eq!(harness.property("server", "NRestarts"), "1");
    harness.update_status();
    assert_eq!(harness.get(&client, "app:before").as_deref(), Some("1"));
    step("the machine reboots", || harness.reboot());
    for name in ["server", "sentinel", "watch"] {
        let service = harness.service(name);
        eventually("the service", START, || {
            (harness.word("is-active", &service) == "active").then_some(())
        });
    }
    harness.update_status();
    assert_eq!(harness.status(), "active: primary; 1 client");
    assert_eq!(harness.get(&client, "app:before").as_deref(), Some("1"));
    harness.set(&client, "app:after", "1");
}

fn listens_where_it_should(harness: &Harness) {
    let listening = ["ss", "--no-header", "--listening", "--tcp", "--numeric"];
    let listening = harness.guest.run(&listening);
    let mut sockets: Vec<_> = listening
        .lines()
        .map(|line| line.split_whitespace().nth(3).unwrap().to_owned())
        .collect();
    sockets.sort_unstable();
    let mut expected =
        [6379, 6380, 26379, 26380].map(|port| format!("{}:{port}", harness::ADDRESS));
    expected.sort_unstable();
    assert_eq!(sockets, expected);
}

/// A node can do what it must and nothing else.
fn shut_in(harness: &Harness, name: &str) {
    let guest = &harness.guest;
    let process = harness.property(name, "MainPID");
    guest.assert_confined(&process, "valkey");
    // As root among the mounts of the node, so that nothing but these is in the way.
    let among = ["nsenter", "--target", &process, "--mount", "--"];
    let can = |words: &[&str]| guest.try_run(&[&among, words].concat()).status.success();
    let base = format!("/var/lib/valkey-charm/{}", harness.unit.with_dash());
    let own = format!("{base}/{name}/x");
    let login = format!("{base}/x");
    let home = format!("{}/x", guest.run(&["sh", "-c", "echo ~root"]));
    for file in [
        "/etc/x",
        "/usr/bin/x",
        "/srv/x",
        "/run/x",
        "/x",
        &home,
        &login,
    ] {
        assert!(!can(&["touch", file]), "the {name} can write {file}");
    }
    for file in [&*own, "/tmp/x"] {
        assert!(can(&["touch", file]), "the {name} cannot write {file}");
    }
    assert!(can(&["rm", &own]));
    assert!(!can(&["test", "-e", "/dev/kmsg"]));
    // What the watcher logs in with is for root alone.
    let mode = guest.run(&["stat", "--format=%a %U", &format!("{base}/login")]);
    assert_eq!(mode, "600 root");
}
