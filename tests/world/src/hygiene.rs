//! What every hook of every story is held to: that it shows nobody a key, and that
//! the charm is told of nothing that it has written itself.

use juju_simulator::{HookRun, Model, ToolCall};

/// Asserts that this is no `secret-changed` of what the charm has written for a
/// requirer. Whoever reads a secret is told of each revision from then on, its owner as
/// well; and the revision that it has read first is kept with its keys.
fn assert_is_news(model: &Model, run: &HookRun) {
    let is_ours = run.unit.application() == "etcd" && run.name == "secret-changed";
    let (true, Some(told)) = (is_ours, run.variable("JUJU_SECRET_ID")) else {
        return;
    };
    let secrets = model.secrets("etcd");
    let own = secrets
        .iter()
        .find(|secret| told.ends_with(&secret.id) && !secret.grants.is_empty());
    assert!(own.is_none(), "{} is told of {own:?}", run.unit);
}

/// Asserts that no private key, and no key that the charm keeps in a secret,
/// is seen where somebody may look: in arguments, in what is written to a
/// databag, in output and log. What a secret's reader is told is no such place,
/// and what the older interfaces demand is the one exception.
///
/// # Panics
/// Panics if one is, or if the hook is about a secret that the charm owns for a
/// requirer.
pub(crate) fn inspect(model: &Model, run: &HookRun) {
    assert_is_news(model, run);
    let hidden: Vec<String> = model
        .secrets("etcd")
        .iter()
        .flat_map(|secret| secret.revisions.values())
        .flatten()
        .filter(|(name, _)| name.ends_with("-key"))
        .flat_map(|(_, key)| secret_lines(key))
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

/// The lines of a key that nobody may see. With PEM that is not the last one: of a key
/// on P-256 (RFC 5915, section 3) it has the end of the public key alone, and
/// certificates have that in a line of their own at some lengths of their names.
fn secret_lines(key: &str) -> Vec<String> {
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    if key.contains("-----END") {
        lines.pop();
    }
    lines.retain(|line| line.len() >= 16);
    lines
}

/// Whether this writes into the unit's own databag on an older interface, where
/// requirers look for a private key in plain text.
fn hands_out_a_key(call: &ToolCall) -> bool {
    let is_older = |arg: &String| arg.starts_with("db:") || arg.starts_with("proxy:");
    call.tool == "relation-set"
        && call.args.iter().any(is_older)
        && !call.args.iter().any(|arg| arg == "--app")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_end_of_a_key_is_no_secret() {
        let (first, second) = ("a".repeat(64), "b".repeat(64));
        let begin = "-----BEGIN PRIVATE KEY-----";
        let end = "-----END PRIVATE KEY-----";
        let key = format!("{begin}\n{first}\n{second}\n{}\n{end}\n", "c".repeat(56));
        assert_eq!(secret_lines(&key), [first.clone(), second]);
        assert_eq!(secret_lines(&first), [first]);
        assert_eq!(secret_lines("short"), [""; 0]);
    }
}
