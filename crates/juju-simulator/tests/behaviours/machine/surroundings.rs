//! What is around a service: commands before it, its environment.

use std::fs;

use juju_simulator::machine::Active;

use crate::machine::bench::Bench;

pub(crate) fn commands_before_the_service() {
    let bench = Bench::new();
    let trace = bench.scratch("trace");
    let note = |word: &str| format!("/bin/sh -c \"echo {word} >> {}\"", trace.display());
    bench.unit(
        "chatty",
        &format!(
            "ExecStartPre={}\nExecStartPre=-/bin/false\nExecStartPre=+{}\nExecStart=/bin/sleep 1000",
            note("one"),
            note("two"),
        ),
    );
    bench.succeed("systemctl start chatty");
    bench.succeed("systemctl restart chatty");
    let traced = fs::read_to_string(trace).expect("a trace");
    assert_eq!(
        traced.split_whitespace().collect::<Vec<_>>(),
        ["one", "two", "one", "two"]
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
    bench.unit(
        "shown",
        "Environment=A=1 \"B=b b\"\nExecStart=/bin/sh -c \"pwd; env\" ${A}",
    );
    bench.succeed("systemctl start shown");
    bench.wait_for("shown", |state| state.active == Active::Inactive);
    let log = bench.log("shown");
    assert!(
        log.starts_with("/\n") && log.contains("\nA=1\n") && log.contains("\nB=b b\n"),
        "{log}"
    );
    assert!(
        !log.contains("CARGO") && !log.contains("SIMULATED_MACHINE"),
        "{log}"
    );
}
