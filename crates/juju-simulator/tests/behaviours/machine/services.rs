//! The life of services.

use std::fs;
use std::thread;
use std::time::Instant;

use juju_simulator::machine::{Active, Signal};

use crate::machine::bench::{Bench, eventually, helper, is_alive};

pub(crate) fn starts_and_stops() {
    let bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
    assert_eq!(
        bench.run("systemctl is-active sleeper").stdout,
        "inactive\n"
    );
    bench.succeed("systemctl start sleeper.service");
    let state = bench.machine().service("sleeper");
    let pid = state.main_pid.expect("a process");
    assert!(is_alive(pid));
    assert_eq!((state.active, state.starts), (Active::Active, 1));
    assert_eq!(bench.succeed("systemctl is-active sleeper"), "active\n");

    bench.succeed("systemctl start sleeper");
    assert_eq!(
        bench.machine().service("sleeper"),
        state,
        "a second start changes nothing"
    );

    bench.succeed("systemctl restart sleeper");
    let state = bench.machine().service("sleeper");
    assert_ne!(state.main_pid, Some(pid));
    assert_eq!((state.starts, state.crashes), (2, 0));

    bench.succeed("systemctl stop sleeper");
    let state = bench.machine().service("sleeper");
    assert_eq!(
        (state.active, state.main_pid, state.result.as_str()),
        (Active::Inactive, None, "success")
    );
    bench.fail("systemctl is-active sleeper", 3);
    bench.succeed("systemctl stop sleeper");
}

pub(crate) fn a_crash_is_followed_by_a_restart() {
    let bench = Bench::new();
    bench.unit(
        "sleeper",
        "ExecStart=/bin/sleep 1000\nRestart=on-failure\nRestartSec=300ms",
    );
    bench.succeed("systemctl start sleeper");
    assert!(bench.machine().kill_service("sleeper", Signal::KILL));
    let waiting = bench.wait_for("sleeper", |state| state.active == Active::Activating);
    assert_eq!(waiting.main_pid, None);
    assert_eq!(bench.fail("systemctl is-active sleeper", 3), "");
    // A start by command joins the wait.
    bench.succeed("systemctl start sleeper");
    let state = bench.wait_for("sleeper", |state| state.active == Active::Active);
    assert_eq!((state.starts, state.crashes), (2, 1));
}

pub(crate) fn a_crash_without_restart_is_a_failure() {
    let bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
    bench.succeed("systemctl start sleeper");
    bench.machine().kill_service("sleeper", Signal::KILL);
    let state = bench.wait_for("sleeper", |state| state.active == Active::Failed);
    assert_eq!((state.result.as_str(), state.crashes), ("signal", 1));
    assert_eq!(bench.run("systemctl is-active sleeper").stdout, "failed\n");
    bench.succeed("systemctl reset-failed sleeper");
    assert_eq!(bench.machine().service("sleeper").active, Active::Inactive);

    bench.succeed("systemctl start sleeper");
    bench.machine().kill_service("sleeper", Signal::TERM);
    let state = bench.wait_for("sleeper", |state| state.main_pid.is_none());
    assert_eq!(
        (state.active, state.crashes),
        (Active::Inactive, 2),
        "TERM is a clean end"
    );
}

pub(crate) fn restarts_are_limited() {
    let bench = Bench::new();
    bench.unit(
        "broken",
        "ExecStart=/bin/false\nRestart=always\nRestartSec=1ms",
    );
    bench.succeed("systemctl start broken");
    let state = bench.wait_for("broken", |state| state.active == Active::Failed);
    assert_eq!(
        (state.result.as_str(), state.starts),
        ("start-limit-hit", 5)
    );
    let said = bench.fail("systemctl start broken", 1);
    assert!(
        said.contains("start of the service was attempted too often"),
        "{said}"
    );
    bench.succeed("systemctl reset-failed broken");
    bench.succeed("systemctl start broken");
}

pub(crate) fn a_stop_calls_a_restart_off() {
    let bench = Bench::new();
    bench.unit(
        "sleeper",
        "ExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=1h",
    );
    bench.succeed("systemctl start sleeper");
    bench.machine().kill_service("sleeper", Signal::KILL);
    bench.wait_for("sleeper", |state| state.active == Active::Activating);
    bench.succeed("systemctl stop sleeper");
    assert_eq!(bench.machine().service("sleeper").active, Active::Inactive);
    bench.succeed("systemctl start sleeper");
    bench.machine().kill_service("sleeper", Signal::KILL);
    bench.wait_for("sleeper", |state| state.active == Active::Activating);
    bench.succeed("systemctl restart sleeper");
    assert_eq!(bench.machine().service("sleeper").active, Active::Active);
}

pub(crate) fn who_ignores_the_request_to_stop_is_killed() {
    let bench = Bench::new();
    let script = r#"ExecStart=/bin/sh -c "trap '' TERM; echo set; while :; do sleep 1; done""#;
    bench.unit("stubborn", &format!("{script}\nTimeoutStopSec=300ms"));
    bench.succeed("systemctl start stubborn");
    eventually("the trap is set", || bench.log("stubborn").contains("set"));
    bench.succeed("systemctl stop stubborn");
    let state = bench.machine().service("stubborn");
    assert_eq!(
        (state.active, state.result.as_str()),
        (Active::Failed, "timeout")
    );
}

pub(crate) fn a_paused_service_can_be_stopped() {
    let bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
    bench.succeed("systemctl start sleeper");
    let pid = bench
        .machine()
        .service("sleeper")
        .main_pid
        .expect("a process");
    let halted =
        || fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") T "));
    assert!(bench.machine().pause_service("sleeper"));
    eventually("it is halted", halted);
    assert!(bench.machine().resume_service("sleeper"));
    eventually("it goes on", || !halted());
    bench.machine().pause_service("sleeper");
    bench.succeed("systemctl stop sleeper");
    assert!(!is_alive(pid));
    assert!(!bench.machine().pause_service("sleeper"));
}

pub(crate) fn commands_do_not_wait_for_each_other() {
    let bench = Bench::new();
    bench.unit(
        "slow",
        &format!("Type=notify\nTimeoutStartSec=2\n{}", helper("never-ready")),
    );
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000");
    thread::scope(|scope| {
        let slow = scope.spawn(|| bench.fail("systemctl start slow", 1));
        bench.wait_for("slow", |state| state.main_pid.is_some());
        let begin = Instant::now();
        bench.succeed("systemctl start sleeper");
        bench.succeed("systemctl restart sleeper");
        bench.succeed("id -u");
        assert!(!slow.is_finished(), "took {:?}", begin.elapsed());
        // A stop of the same unit, however, is a job of that unit.
        bench.succeed("systemctl stop slow");
        slow.join().expect("failed as it should");
    });
}
