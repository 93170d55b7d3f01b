//! `defrag`: free space of the databases goes back to the disks, one member at
//! a time.

use std::time::Duration;

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::apply::{self, Defragmented, Turn};
use crate::context::Context;
use crate::explain::reasons;
use crate::juju::ActionResults;
use crate::plan::defrag::{self, Target};
use crate::plan::refusal::{ParameterFault, Refusal};

/// Defragments members, as far as it is safe.
///
/// # Errors
/// See [`ActionError`]; the results say what was done before.
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    let mut given = Parameters::read(context)?;
    let only = given.text("member")?;
    given.finish()?;
    let session = Session::begin(context).await?;
    let cluster = session.cluster(context).await?;
    let order = defrag::order(&cluster, only.as_deref())
        .map_err(|refusal| wrong("member", ParameterFault::Member(refusal)))?;
    // All are looked at before the first, so that a run is not left half done
    // for what was known before.
    for target in &order.targets {
        defrag::step(&cluster, target)?;
    }
    let mut lines = Vec::new();
    for (name, unfit) in &order.skipped {
        let reason = reasons::unfit(*unfit);
        lines.push(format!("{name}: left out: it {reason}"));
        results.set(&["members", name, "skipped"], format!("it {reason}"));
    }
    for target in &order.targets {
        match in_turn(context, &session, target).await? {
            Defragmented::LeaderMoved => {
                return Err(Refusal::LeaderMoved(target.name.clone()).into());
            }
            Defragmented::Done {
                before,
                after,
                time,
            } => show(results, &mut lines, &target.name, (before, after, time)),
        }
        results.set(&["output"], lines.join("\n"));
    }
    Ok(())
}

fn show(
    results: &mut ActionResults,
    lines: &mut Vec<String>,
    name: &str,
    (before, after, time): (u64, u64, Duration),
) {
    let milliseconds = time.as_millis();
    lines.push(format!(
        "{name}: {after} bytes, {before} before, in {milliseconds} ms"
    ));
    let figures = [
        ("before", before.to_string()),
        ("after", after.to_string()),
        ("freed", before.saturating_sub(after).to_string()),
        ("milliseconds", milliseconds.to_string()),
    ];
    for (key, figure) in figures {
        results.set(&["members", name, key], figure);
    }
}

/// Defragments one member while no other unit can make any busy.
async fn in_turn(
    context: &Context,
    session: &Session,
    target: &Target,
) -> Result<Defragmented, ActionError> {
    let turn = apply::take_turn(context, &session.client).await?;
    if matches!(turn, Turn::Busy) {
        return Err(Refusal::RestartLocked.into());
    }
    let done = alone(context, session, target).await;
    let given_back = apply::give_turn_back(&session.client, turn).await;
    // The first error is the one that matters.
    let done = done?;
    given_back?;
    Ok(done)
}

/// Observes, plans and applies: much may have happened since the member was looked at
/// first.
async fn alone(
    context: &Context,
    session: &Session,
    target: &Target,
) -> Result<Defragmented, ActionError> {
    let cluster = session.cluster(context).await?;
    let step = defrag::step(&cluster, target)?;
    Ok(apply::defragment(context, &step).await?)
}
