//! Nothing outlives its machine.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::thread;

use juju_simulator::machine::Active;

use crate::machine::bench::{Bench, eventually, helper, host_command, is_alive, new_directory};

pub(crate) fn nothing_is_left_after_drop() {
    let mut bench = Bench::new();
    bench.unit("sleeper", "ExecStart=/bin/sleep 1000\nRestart=always");
    // A child of a service has no other tie than the process group.
    bench.unit(
        "parent",
        "ExecStart=/bin/sh -c \"sleep 1000 & echo $$!; wait\"",
    );
    bench.unit(
        "starting",
        "ExecStartPre=/bin/sleep 1000\nExecStart=/bin/true",
    );
    bench.succeed("systemctl start sleeper parent");
    let mut starting = bench.command("systemctl start starting");
    let mut starting = starting.stderr(Stdio::null()).spawn().expect("a stand-in");
    eventually("the child is there", || bench.log("parent").ends_with('\n'));
    let child = bench
        .log("parent")
        .trim()
        .parse()
        .expect("a process number");
    let pids = [
        bench
            .machine()
            .service("sleeper")
            .main_pid
            .expect("a process"),
        bench
            .machine()
            .service("parent")
            .main_pid
            .expect("a process"),
        child,
    ];
    assert!(pids.into_iter().all(is_alive));
    bench.drop_machine();
    starting.wait().expect("its machine is gone");
    eventually("no process is left", || !pids.into_iter().any(is_alive));
}

pub(crate) fn nothing_is_left_after_a_killed_test() {
    // More than once, because the host may be killed at any stage of its child's beginnings.
    for _ in 0..5 {
        kill_a_host();
    }
}

fn kill_a_host() {
    let directory = new_directory();
    let mut host = host_command(&directory).spawn().expect("a host");
    let mut line = String::new();
    let mut stdout = BufReader::new(host.stdout.take().expect("a pipe"));
    stdout.read_line(&mut line).expect("a line");
    let pid = line.trim().parse().expect("a process number");
    assert!(is_alive(pid));
    host.kill().expect("killed");
    host.wait().expect("waited for");
    eventually("the service died with its host", || !is_alive(pid));
    let _ = std::fs::remove_dir_all(directory);
}

pub(crate) fn power_cut_and_boot() {
    let bench = Bench::new();
    bench.unit(
        "enabled",
        &format!("Type=notify\nRestart=always\n{}", helper("ready")),
    );
    bench.unit("disabled", "ExecStart=/bin/sleep 1000\nRestart=always");
    bench.unit("mute", &format!("Type=notify\n{}", helper("never-ready")));
    bench.succeed("systemctl enable --now enabled");
    bench.succeed("systemctl start disabled");
    let pid = bench
        .machine()
        .service("enabled")
        .main_pid
        .expect("a process");
    thread::scope(|scope| {
        let start = scope.spawn(|| bench.run("systemctl start mute"));
        bench.wait_for("mute", |state| state.main_pid.is_some());
        bench.machine().power_off();
        assert_ne!(start.join().expect("an answer").code, 0);
    });
    assert!(!is_alive(pid));
    bench.fail("systemctl is-active enabled", 1);
    bench.machine().power_on();
    let state = bench.wait_for("enabled", |state| state.active == Active::Active);
    assert_eq!((state.starts, state.crashes), (2, 0));
    assert_eq!(bench.machine().service("disabled").active, Active::Inactive);
    assert_eq!(bench.machine().service("mute").active, Active::Inactive);
}

pub(crate) fn a_long_directory_name_does_no_harm() {
    let directory = new_directory();
    let bench = Bench::in_directory(directory.join("long".repeat(40)));
    bench.unit("notifier", &format!("Type=notify\n{}", helper("ready")));
    bench.succeed("systemctl start notifier");
    drop(bench);
    let _ = std::fs::remove_dir_all(directory);
}

pub(crate) fn calls_are_recorded() {
    let bench = Bench::new();
    bench.succeed("id -u");
    bench.run("systemctl is-active some");
    assert_eq!(
        bench.machine().calls(),
        [vec!["id", "-u"], vec!["systemctl", "is-active", "some"]]
    );
    bench.machine().clear_calls();
    assert!(bench.machine().calls().is_empty());
}
