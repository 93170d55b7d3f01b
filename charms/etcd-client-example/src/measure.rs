//! The action `measure`: how long round trips take.

use std::time::Duration;

use juju_hooks::{ActionResults, ToolError, Tools};

use crate::etcd::{RoundTrips, Session, within};
use crate::explain::chain;

const DEFAULT_COUNT: u64 = 100;

/// Measures over a connection that works, and tells whoever ran the action.
pub(crate) async fn run(tools: &Tools, session: Option<&mut Session>) -> Result<(), ToolError> {
    let parameters = tools.action_get()?;
    let count = parameters
        .get("count")
        .map_or(Some(DEFAULT_COUNT), |count| count.as_u64());
    let outcome = match (count, session) {
        (Some(count @ 1..=1000), Some(session)) => measure(session, count).await,
        (Some(1..=1000), None) => Err("etcd cannot be used: see the unit's status".to_owned()),
        _ => Err("parameter count must be between 1 and 1000".to_owned()),
    };
    match outcome {
        Ok(results) => tools.action_set(&results),
        Err(reason) => tools.action_fail(&reason),
    }
}

async fn measure(session: &mut Session, count: u64) -> Result<ActionResults, String> {
    let mut all = Vec::new();
    for number in 1..=count {
        let value = format!("measurement {number}");
        let trips = within(session.round_trips(&value)).await;
        all.push(trips.map_err(|error| chain(&error))?);
    }
    let mut results = ActionResults::default();
    results.set(&["count"], count.to_string());
    let times = |of: fn(&RoundTrips) -> Duration| {
        let mut times: Vec<_> = all.iter().map(of).collect();
        times.sort_unstable();
        times
    };
    for (name, times) in [
        ("get", times(|trips| trips.get)),
        ("put", times(|trips| trips.put)),
        ("watch", times(|trips| trips.watch)),
    ] {
        let at = |part: usize| format!("{:.2} ms", times[part].as_secs_f64() * 1e3);
        results.set(&[name, "median"], at(times.len() / 2));
        results.set(&[name, "slowest"], at(times.len() - 1));
    }
    Ok(results)
}
