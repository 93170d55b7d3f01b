//! What every hook of every story is held to: that it shows nobody a key.

use juju_simulator::{HookRun, Model, ToolCall};

/// Asserts that no private key, and no key that the charm keeps in a secret,
/// is seen where somebody may look: in arguments, in what is written to a
/// databag, in output and log. What a secret's reader is told is no such place,
/// and what the older interfaces demand is the one exception.
///
/// # Panics
/// Panics if one is.
pub(crate) fn inspect(model: &Model, run: &HookRun) {
    let hidden: Vec<String> = model
        .secrets("etcd")
        .iter()
        .flat_map(|secret| secret.revisions.values())
        .flatten()
        .filter(|(name, _)| name.ends_with("-key"))
        .flat_map(|(_, key)| key.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.len() >= 16)
        .collect();
    let assert_not_in = |place: &str, text: &str| {
        let is_seen = text.contains("PRIVATE KEY") || hidden.iter().any(|key| text.contains(key));
        assert!(
            !is_seen,
            "a key is seen in {place} of {} {}",
            run.unit, run.name
        );
    };
    assert_not_in("stdout", &run.stdout);
    assert_not_in("stderr", &run.stderr);
    for (_, line) in &run.log {
        assert_not_in("the log", line);
    }
    for call in &run.calls {
        for argument in &call.args {
            assert_not_in("the arguments", argument);
        }
        if !hands_out_a_key(call) {
            assert_not_in(
                "the input of a tool",
                call.stdin.as_deref().unwrap_or_default(),
            );
        }
    }
}

/// Whether this writes into the unit's own databag on an older interface, where
/// requirers look for a private key in plain text.
fn hands_out_a_key(call: &ToolCall) -> bool {
    let is_older = |arg: &String| arg.starts_with("db:") || arg.starts_with("proxy:");
    call.tool == "relation-set"
        && call.args.iter().any(is_older)
        && !call.args.iter().any(|arg| arg == "--app")
}
