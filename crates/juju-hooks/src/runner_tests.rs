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

#[test]
fn what_only_reads_is_tried_twice_and_what_writes_once() {
    let shut_down = "ERROR connection is shut down\n";
    let fake = Fake::failing("is-leader", 1, shut_down);
    let tools = fake.tools();
    tools.is_leader().expect_err("it fails twice");
    assert_eq!(tools.calls(), 2);

    let fake = Fake::failing("close-port", 1, shut_down);
    let tools = fake.tools();
    tools
        .close_port(super::TcpPort(1))
        .expect_err("it fails once");
    assert_eq!(tools.calls(), 1);
}

#[test]
fn an_answer_is_no_reason_to_ask_again() {
    for (code, stderr) in [
        (1, "ERROR permission denied\n"),
        (1, "ERROR \"etcd/0\" is not allowed to read this secret\n"),
        (1, "ERROR secret \"x\" not found\n"),
        (2, "ERROR invalid value \"1\" for option -r\n"),
    ] {
        let fake = Fake::failing("is-leader", code, stderr);
        let tools = fake.tools();
        tools.is_leader().expect_err("it is refused");
        assert_eq!(tools.calls(), 1, "{stderr}");
    }
}

#[test]
fn after_a_tool_that_hangs_none_is_waited_for_long() {
    let fake = Fake::hanging("open-port");
    let tools = fake.tools();
    let begun = std::time::Instant::now();
    let short = std::time::Duration::from_millis(300);
    let hung = tools.call("open-port").within(short).run();
    assert_eq!(
        hung.expect_err("it hangs").to_string(),
        "failed to run `open-port`: no answer within 0 s"
    );
    let hung = tools.open_port(super::TcpPort(1));
    assert_eq!(
        hung.expect_err("it hangs").to_string(),
        "failed to run `open-port 1/tcp`: no answer within 3 s"
    );
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
}
