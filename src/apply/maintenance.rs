//! What an operator maintains: alarms, history, free space of the databases, keys.

use std::time::{Duration, Instant};

use super::{ApplyError, restart_lock};
use crate::connection;
use crate::context::Context;
use crate::etcd::{Client, Lock};
use crate::facts::{Alarm, Compaction};
use crate::plan::compact::CompactStep;
use crate::plan::defrag::Defragmentation;

/// How long a physical compaction is waited for: two minutes for a history of
/// gigabytes. etcd goes on with it by itself when nobody waits any more.
const COMPACT_LIMIT: Duration = Duration::from_secs(120);

/// The longest that one member is waited for: five minutes, in which a slow
/// disk writes the largest database that etcd recommends, 8 GB. The member goes
/// on by itself when nobody waits any more.
const DEFRAGMENT_LIMIT: Duration = Duration::from_secs(300);

/// How long the turn lasts: longer than that, and not for ever.
const TURN_SECONDS: i64 = 330;

/// Lowers alarms. etcd raises one again whose cause is still there.
///
/// # Errors
/// etcd failed a call.
pub async fn disarm(client: &Client, alarms: &[Alarm]) -> Result<(), ApplyError> {
    for alarm in alarms {
        client.disarm(*alarm).await?;
    }
    Ok(())
}

/// Drops history, on all members.
///
/// # Errors
/// etcd failed the call.
pub async fn compact(client: Client, step: CompactStep) -> Result<Compaction, ApplyError> {
    let client = client.with_limit(COMPACT_LIMIT);
    Ok(client.compact(step.revision, step.physical).await?)
}

/// The turn to make a member busy, which no other unit has meanwhile.
#[must_use = "others wait until it is given back"]
pub enum Turn {
    /// It is this unit's.
    Taken(Lock),
    /// No turn can be had because the database is full: then no member can take one
    /// to restart either, and to defragment is the way out.
    Full,
    /// Another unit keeps it for longer than this one should wait.
    Busy,
}

/// Waits for the turn to make a member busy.
///
/// # Errors
/// etcd failed a call.
pub async fn take_turn(context: &Context, client: &Client) -> Result<Turn, ApplyError> {
    match restart_lock(context, client, TURN_SECONDS).await {
        Ok(Some(turn)) => Ok(Turn::Taken(turn.lock)),
        Ok(None) => Ok(Turn::Busy),
        Err(ApplyError::Etcd(error)) if error.is_out_of_space() => Ok(Turn::Full),
        Err(error) => Err(error),
    }
}

/// Gives a turn back.
///
/// # Errors
/// etcd failed a call; the turn ends by itself then.
pub async fn give_turn_back(client: &Client, turn: Turn) -> Result<(), ApplyError> {
    match turn {
        Turn::Taken(lock) => Ok(client.unlock(lock).await?),
        Turn::Full | Turn::Busy => Ok(()),
    }
}

/// What came of a defragmentation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Defragmented {
    /// The database has another size.
    Done {
        /// In bytes, before.
        before: u64,
        /// And after.
        after: u64,
        /// How long it took.
        time: Duration,
    },
    /// Leadership could not be moved away, and nothing was done.
    LeaderMoved,
}

/// Gives the free space of one member's database back to its disk.
///
/// # Errors
/// The member cannot be connected to, or failed a call.
pub async fn defragment(
    context: &Context,
    step: &Defragmentation,
) -> Result<Defragmented, ApplyError> {
    let member = connection::client_at(context, &step.url).await?;
    let member = member.with_limit(DEFRAGMENT_LIMIT);
    if let Some(transferee) = step.transferee
        && !member.move_leader(transferee).await?
    {
        return Ok(Defragmented::LeaderMoved);
    }
    let before = member.details().await?.size;
    let begun = Instant::now();
    member.defragment().await?;
    let time = begun.elapsed();
    Ok(Defragmented::Done {
        before,
        after: member.details().await?.size,
        time,
    })
}

/// Notes that this unit's member is to have other keys; the next pass sees to it, and
/// every hook after it until it has them.
///
/// # Errors
/// It cannot be written.
pub fn order_new_keys(context: &mut Context) -> Result<(), ApplyError> {
    context.unit_state.replaces_keys = true;
    context.unit_state.write(&context.paths)?;
    Ok(())
}
