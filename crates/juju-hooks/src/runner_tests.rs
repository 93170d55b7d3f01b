//! The runner, with real processes.

use super::ToolError;
use super::fake::Fake;

#[test]
fn the_error_keeps_tool_arguments_status_and_stderr() {
    let fake = Fake::failing("open-port", 2, "ERROR no  such port\nmore\n");
    let error = fake
        .tools()
        .open_port(super::TcpPort(1))
        .expect_err("it fails");
    assert_eq!(
        error.to_string(),
        "failed to run `open-port 1/tcp` (exit status: 2): no  such port\nmore"
    );
}

#[test]
fn free_text_stays_out_of_the_error() {
    let fake = Fake::failing("juju-log", 1, "ERROR x\n");
    let error = fake
        .tools()
        .juju_log(super::LogLevel::Info, "hunter2")
        .expect_err("it fails");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn a_long_stderr_is_cut() {
    let fake = Fake::failing("is-leader", 1, &"ü".repeat(100_000));
    let error = fake.tools().is_leader().expect_err("it fails");
    assert!(error.to_string().chars().count() < 2_100);
}

#[test]
fn a_missing_tool_is_told_apart_from_a_failing_one() {
    let fake = Fake::new(&[]);
    let tools = fake.tools();
    let error = tools.is_leader().expect_err("there is no tool");
    assert!(error.is_unknown_tool());
    assert!(matches!(
        error,
        ToolError::Start {
            tool: "is-leader",
            ..
        }
    ));
    assert_eq!(tools.calls(), 0);

    let fake = Fake::failing("is-leader", 1, "ERROR leadership status unknown: x\n");
    let error = fake.tools().is_leader().expect_err("it fails");
    assert!(!error.is_unknown_tool());
}

#[test]
fn a_file_that_cannot_be_executed_is_no_tool() {
    let fake = Fake::new(&[]);
    std::fs::write(fake.path("is-leader"), "").expect("a file");
    let error = fake.tools().is_leader().expect_err("there is no tool");
    assert!(error.is_unknown_tool());
}

#[test]
fn output_that_is_no_json_is_an_error_with_its_tool() {
    for stdout in ["", "{", "\"true\"\n"] {
        let fake = Fake::printing("is-leader", stdout);
        let error = fake.tools().is_leader().expect_err("no boolean");
        assert_eq!(
            error.to_string(),
            "failed to understand the output of is-leader"
        );
    }
}

#[test]
fn calls_are_counted_by_tool() {
    let fake = Fake::new(&["open-port", "close-port"]);
    let tools = fake.tools();
    for port in 1..4 {
        tools.open_port(super::TcpPort(port)).expect("it is opened");
    }
    tools.close_port(super::TcpPort(1)).expect("it is closed");
    assert_eq!(tools.calls(), 4);
    assert_eq!(tools.calls_by_tool(), [("close-port", 1), ("open-port", 3)]);
}
