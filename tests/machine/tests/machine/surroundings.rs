//! What is around a service: commands before and after it, its environment.

use std::fs;

use simulated_machine::{Active, Signal};

use crate::bench::Bench;

pub(crate) fn commands_before_and_after_the_service() {
    let bench = Bench::new();
    let trace = bench.scratch("trace");
    let note = |word: &str| format!("/bin/sh -c \"echo {word} >> {}\"", trace.display());
    bench.unit(
        "chatty",
        &format!(
            "ExecStartPre={}\nExecStartPre=-/bin/false\nExecStartPre=+{}\nExecStart=/bin/sleep 1000\n\
             ExecStop={}\nExecStopPost={}",
            note("one"),
            note("two"),
            note("stop"),
            note("$$SERVICE_RESULT"),
        ),
    );
    bench.succeed("systemctl start chatty");
    bench.succeed("systemctl stop chatty");
    bench.succeed("systemctl start chatty");
    bench.machine().kill_service("chatty", Signal::KILL);
    bench.wait_for("chatty", |state| state.active == Active::Failed);
    let traced = fs::read_to_string(trace).expect("a trace");
    assert_eq!(
        traced.split_whitespace().collect::<Vec<_>>(),
        ["one", "two", "stop", "success", "one", "two", "signal"]
    );
}

pub(crate) fn a_failing_command_before_fails_the_start() {
    let bench = Bench::new();
    bench.unit(
        "broken",
        "ExecStartPre=/bin/false\nExecStart=/bin/sleep 1000",
    );
    bench.fail("systemctl start broken", 1);
    let state = bench.machine().service("broken");
    assert_eq!(
        (state.active, state.starts, state.crashes),
        (Active::Failed, 0, 0)
    );
}

pub(crate) fn the_environment_is_that_of_the_unit() {
    let bench = Bench::new();
    let file = bench.scratch("variables");
    fs::write(&file, "# comment\nB=\"from file\"\n").expect("a file");
    bench.unit(
        "shown",
        &format!(
            "Environment=A=1 \"B=b b\"\nEnvironmentFile={}\nEnvironmentFile=-/nonexistent\nWorkingDirectory=/tmp\n\
             ExecStart=/bin/sh -c \"pwd; env\" ${{A}}",
            file.display(),
        ),
    );
    bench.succeed("systemctl start shown");
    bench.wait_for("shown", |state| state.active == Active::Inactive);
    let log = bench.log("shown");
    assert!(
        log.starts_with("/tmp\n") && log.contains("\nA=1\n") && log.contains("\nB=from file\n"),
        "{log}"
    );
    assert!(
        !log.contains("CARGO") && !log.contains("SIMULATED_MACHINE"),
        "{log}"
    );
}
