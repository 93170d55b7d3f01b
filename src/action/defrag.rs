//! `defrag`: free space of the databases goes back to the disks, one member at
//! a time.

use std::time::{Duration, Instant};

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::apply::{self, ApplyError};
use crate::connection;
use crate::context::Context;
use crate::etcd::{Client, Lock};
use crate::explain::reasons;
use crate::facts::Cluster;
use crate::juju::ActionResults;
use crate::plan::defrag::{self, Target};
use crate::plan::refusal::{ParameterFault, Refusal};

/// The longest that one member is waited for: five minutes, in which a slow
/// disk writes the largest database that etcd recommends, 8 GB. The member goes
/// on by itself when nobody waits any more.
const LIMIT: Duration = Duration::from_secs(300);

/// How long the turn lasts: longer than that, and not for ever.
const RESTART_LOCK_SECONDS: i64 = 330;

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
        safe(&cluster, target)?;
    }
    let mut lines = Vec::new();
    for (name, unfit) in &order.skipped {
        let reason = reasons::unfit(*unfit);
        lines.push(format!("{name}: left out: it {reason}"));
        results.set(&["members", name, "skipped"], format!("it {reason}"));
    }
    for target in &order.targets {
        let done = one(context, &session, target).await?;
        let name = &target.name;
        lines.push(format!(
            "{name}: {} bytes, {} before, in {} ms",
            done.after,
            done.before,
            done.time.as_millis()
        ));
        let figures = [
            ("before", done.before.to_string()),
            ("after", done.after.to_string()),
            ("freed", done.before.saturating_sub(done.after).to_string()),
            ("milliseconds", done.time.as_millis().to_string()),
        ];
        for (key, figure) in figures {
            results.set(&["members", name, key], figure);
        }
        results.set(&["output"], lines.join("\n"));
    }
    Ok(())
}

/// What became of one member.
struct Done {
    /// Size of its database before, in bytes.
    before: u64,
    /// And after.
    after: u64,
    time: Duration,
}

async fn one(context: &Context, session: &Session, target: &Target) -> Result<Done, ActionError> {
    let client = &session.client;
    let lock = restart_lock(context, client).await?;
    let done = alone(context, session, target).await;
    if let Some(lock) = lock {
        let unlocked = client.unlock(lock).await;
        // The first error is the one that matters.
        if done.is_ok() {
            unlocked?;
        }
    }
    done
}

/// The turn to disturb a member; `None` where no turn can be had because the
/// database is full: then no member can take one to restart either, and to
/// defragment is the way out.
async fn restart_lock(context: &Context, client: &Client) -> Result<Option<Lock>, ActionError> {
    match apply::restart_lock(context, client, RESTART_LOCK_SECONDS).await {
        Ok(Some(restart_lock)) => Ok(Some(restart_lock.lock)),
        Ok(None) => Err(Refusal::RestartLocked.into()),
        Err(ApplyError::Etcd(error)) if error.is_out_of_space() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn alone(context: &Context, session: &Session, target: &Target) -> Result<Done, ActionError> {
    // Much may have happened since it was looked at first.
    let cluster = session.cluster(context).await?;
    safe(&cluster, target)?;
    let member = connection::client_at(context, &target.url)
        .await?
        .with_limit(LIMIT);
    if let Some(transferee) = defrag::transferee(&cluster, target)
        && !member.move_leader(transferee).await?
    {
        return Err(Refusal::LeaderMoved(target.name.clone()).into());
    }
    let before = member.details().await?.size;
    let begun = Instant::now();
    member.defragment().await?;
    let time = begun.elapsed();
    Ok(Done {
        before,
        after: member.details().await?.size,
        time,
    })
}

fn safe(cluster: &Cluster, target: &Target) -> Result<(), ActionError> {
    let safe = defrag::safe(cluster, target);
    Ok(safe.map_err(|reason| Refusal::Unsafe(target.name.clone(), reason))?)
}
