//! Services that say when they are ready.

use std::thread;
use std::time::{Duration, Instant};

use juju_simulator::machine::Active;

use crate::machine::bench::{Bench, helper};

pub(crate) fn start_waits_for_readiness() {
    let bench = Bench::new();
    bench.unit(
        "notifier",
        &format!("Type=notify\n{}", helper("ready-later")),
    );
    thread::scope(|scope| {
        let begin = Instant::now();
        let start = scope.spawn(|| bench.succeed("systemctl start notifier"));
        bench.wait_for("notifier", |state| state.main_pid.is_some());
        assert_eq!(
            bench.run("systemctl is-active notifier").stdout,
            "activating\n"
        );
        start.join().expect("started");
        assert!(begin.elapsed() >= Duration::from_millis(400));
    });
    assert_eq!(bench.machine().service("notifier").active, Active::Active);
}

pub(crate) fn start_fails_when_the_process_ends_before() {
    let bench = Bench::new();
    bench.unit(
        "broken",
        "Type=notify\nExecStart=/bin/sh -c \"echo no; exit 3\"",
    );
    let said = bench.fail("systemctl start broken", 1);
    assert!(
        said.starts_with("Job for broken.service failed because the control process exited"),
        "{said}"
    );
    let state = bench.machine().service("broken");
    assert_eq!(
        (state.active, state.result.as_str()),
        (Active::Failed, "exit-code")
    );
    assert_eq!(bench.log("broken"), "no\n");

    bench.unit("silent", "Type=notify\nExecStart=/bin/true");
    let said = bench.fail("systemctl start silent", 1);
    assert!(said.contains("did not take the steps required"), "{said}");
}

pub(crate) fn start_fails_after_the_time_limit() {
    let bench = Bench::new();
    bench.unit(
        "mute",
        &format!(
            "Type=notify\nTimeoutStartSec=300ms\n{}",
            helper("never-ready")
        ),
    );
    let said = bench.fail("systemctl start mute", 1);
    assert!(said.contains("a timeout was exceeded"), "{said}");
    let state = bench.machine().service("mute");
    assert_eq!(
        (state.active, state.main_pid, state.crashes),
        (Active::Failed, None, 0)
    );
}

/// What waits for others can be stopped nevertheless.
pub(crate) fn stop_calls_off_a_start() {
    let bench = Bench::new();
    bench.unit("mute", &format!("Type=notify\n{}", helper("never-ready")));
    thread::scope(|scope| {
        let start = scope.spawn(|| bench.fail("systemctl start mute", 1));
        bench.wait_for("mute", |state| state.main_pid.is_some());
        bench.succeed("systemctl stop mute");
        let said = start.join().expect("it has ended");
        assert!(said.contains("Job for mute.service canceled."), "{said}");
    });
    let state = bench.machine().service("mute");
    assert_eq!((state.main_pid, state.crashes), (None, 0), "{state:?}");
    assert_ne!(state.active, Active::Activating);
}
