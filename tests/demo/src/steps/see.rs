//! What an operator is told who asks.

use serde_json::{Value, json};

use crate::show::{Outcome, Show, check};

/// A table is cut here; wider than this, most terminals break it.
const LONGEST: usize = 132;

/// Who has access to what, and how the cluster is.
pub(crate) fn see(show: &mut Show<'_>, number: usize) -> Outcome<()> {
    show.screen.step(
        number,
        "Ask the charm",
        "Actions tell an operator who has access to what, and how the cluster is.",
    );
    let listed = run(show, "list-clients")?;
    for access in &show.accesses {
        let name = &access.certificate.common_name;
        let line = listed.lines().find(|line| line.contains(name.as_str()));
        check(line.is_some_and(|line| line.contains("ready")), || {
            format!("list-clients does not say that {name} is ready")
        })?;
    }
    let refused = listed.matches("refused").count();
    check(refused >= show.refused.len(), || {
        format!("list-clients shows {refused} refused requests")
    })?;
    let health = run(show, "health")?;
    check(health.starts_with("cluster is healthy"), || {
        format!("health says: {health}")
    })
}

/// Runs an action, and shows and gives what it says for people.
fn run(show: &mut Show<'_>, name: &str) -> Outcome<String> {
    show.screen.command(&format!("juju run etcd/leader {name}"));
    let unit = show.unit.clone();
    let result = show.world.run_action(&unit, name, json!({}));
    check(result.status == "completed", || {
        format!("{name} failed: {}", result.message)
    })?;
    let output = result.results.get("output").and_then(Value::as_str);
    let output = output.unwrap_or_default().to_owned();
    for line in output.lines() {
        let mut shown: String = line.trim_end().chars().take(LONGEST).collect();
        if line.trim_end().chars().count() > LONGEST {
            shown.push('…');
        }
        show.screen.show(&format!("  {shown}"));
    }
    Ok(output)
}
