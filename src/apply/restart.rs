//! A restart of this unit's member, which makes etcd read its files.

use std::time::Duration;

use super::ApplyError;
use super::machine::{Readiness, up};
use super::proof::{Proven, fall_back, prove, restart_service, restarted};
use crate::connection::{client_at, own_member, own_url};
use crate::context::Context;
use crate::etcd::{Client, Lock};
use crate::facts::{LedgerWrite, LockName, MemberName, MemberTrust};
use crate::plan::LeftLock;
use crate::plan::restart::RestartInTurn;
use crate::workload::files::{PUBLIC_FILE, ensure_file};
use crate::workload::{Owner, package};

/// How long a member may hold the turn to restart.
const LOCK_SECONDS: i64 = 90;

/// How long a hook waits for its turn. The others' restarts take a second or
/// two each; who does not get a turn is woken by theirs.
const TURN_LIMIT: Duration = Duration::from_secs(20);

/// How long this unit's member may take to say whether it leads.
const LOOK_LIMIT: Duration = Duration::from_secs(2);

/// What came of a restart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Restarted {
    /// The member runs again.
    Done,
    /// Other members took their turns first, so what the plan was made from may
    /// not be so any more: which member leads, and who answers.
    Superseded,
    /// Another member kept the turn for longer than a hook should wait.
    Busy,
    /// The member did not serve with the new file, and does again with the one
    /// before.
    FellBack,
    /// The member does not come up again, and others serve. What is left of its
    /// turn is free for them as soon as this unit sees it again.
    Failed,
}

/// The turn in which a unit may make a member stop answering for a moment.
pub(super) struct RestartLock {
    /// What has to be given back.
    pub(super) lock: Lock,
    /// Whether somebody else had it first.
    pub(super) waited: bool,
}

/// Restarts this unit's member without asking anybody: nobody answers. One whose
/// cluster has no majority is not ready for as long as that lasts.
///
/// # Errors
/// It does not come up.
pub async fn restart_at_once(context: &Context) -> Result<Readiness, ApplyError> {
    let started = restarted(context).await;
    up(context, started).await
}

/// Restarts this unit's member with this trust file, if it is its turn.
///
/// # Errors
/// See [`ApplyError`]; the next hook does it again.
pub async fn restart_in_turn(
    context: &mut Context,
    client: &Client,
    restart: &RestartInTurn,
) -> Result<Restarted, ApplyError> {
    let lock = if restart.needs_lock {
        match restart_lock(context, client, LOCK_SECONDS).await? {
            Some(restart_lock) if restart_lock.waited => {
                return give_back(client, Some(restart_lock.lock), Restarted::Superseded).await;
            }
            Some(restart_lock) => Some(restart_lock.lock),
            None => return Ok(Restarted::Busy),
        }
    } else {
        None
    };
    if restart.needs_lock && !leads_as_planned(context, restart).await {
        return give_back(client, lock, Restarted::Superseded).await;
    }
    if !prepare(context, client, restart).await? {
        return give_back(client, lock, Restarted::Superseded).await;
    }
    let before = own_url(context);
    if let Err(error) = restart_service(context).await {
        let proven = fall_back(context, error, restart.needs_lock).await?;
        if let (Some(lock), Proven::FellBack) = (lock, proven) {
            client.unlock(lock).await?;
        }
        return Ok(match proven {
            Proven::Failed => Restarted::Failed,
            Proven::Serves | Proven::FellBack => Restarted::FellBack,
        });
    }
    prove(context)?;
    // What ran until now is not needed any more.
    if let Some(installed) = package::installed(&context.paths)? {
        package::remove_other_programs(&context.paths, &installed)?;
    }
    // The connection may be one to this member, at a port that it has left.
    let now = own_url(context).filter(|url| before.as_ref() != Some(url));
    let moved = match &now {
        Some(url) => Some(client_at(context, url).await?),
        None => None,
    };
    let client = moved.as_ref().unwrap_or(client);
    let member = MemberName::of(&context.hook.unit);
    let after = LedgerWrite::Member(member, restart.after.clone());
    client.write_ledger(&[after]).await?;
    if let Some(lock) = lock {
        client.unlock(lock).await?;
    }
    Ok(Restarted::Done)
}

/// Everything before the restart itself. What may be trusted is written down before
/// anything is touched, so that a certificate which a member still trusts is never
/// overlooked. `false` if the leadership could not be moved away.
async fn prepare(
    context: &mut Context,
    client: &Client,
    restart: &RestartInTurn,
) -> Result<bool, ApplyError> {
    let member = MemberName::of(&context.hook.unit);
    let before = LedgerWrite::Member(member, restart.before.clone());
    client.write_ledger(&[before]).await?;
    if restart.serves {
        prove(context)?;
    }
    let path = context.paths.wanted_trust();
    ensure_file(&path, restart.trust.as_bytes(), PUBLIC_FILE, Owner::Charm)?;
    if let Some(other) = restart.transferee
        && !own_member(context).await?.move_leader(other).await?
    {
        return Ok(false);
    }
    // A crash from here on leaves a member that the others look for in the wrong
    // place until it has restarted, which is the next thing that any hook does.
    if let Some((member, url)) = &restart.moves_to {
        client.set_peer_url(*member, url).await?;
    }
    // Paid ahead: a hook that is killed from here on has restarted it, too.
    context.unit_state.restarts_paid_until = restart.paid_until;
    context.unit_state.write(&context.paths)?;
    Ok(true)
}

/// Whether this unit's member still leads, or still does not, as the plan has it.
/// The turn may have come at once although others took theirs since the cluster
/// was looked at, and each turn moves the leadership. A member that does not
/// answer is restarted for just that.
async fn leads_as_planned(context: &Context, restart: &RestartInTurn) -> bool {
    let status = async { Ok::<_, ApplyError>(own_member(context).await?.status().await?) };
    match tokio::time::timeout(LOOK_LIMIT, status).await {
        Ok(Ok(status)) => (status.leader == Some(status.member)) == restart.leads,
        Ok(Err(_)) | Err(_) => true,
    }
}

/// Gives the turn back without having used it.
async fn give_back(
    client: &Client,
    lock: Option<Lock>,
    outcome: Restarted,
) -> Result<Restarted, ApplyError> {
    if let Some(lock) = lock {
        client.unlock(lock).await?;
    }
    Ok(outcome)
}

/// Waits for the turn in which this unit may make a member, its own or another,
/// stop answering for a moment. It ends by itself after so many seconds. `None`
/// if another unit kept it for longer than this one should wait.
///
/// # Errors
/// etcd failed a call.
pub(super) async fn restart_lock(
    context: &Context,
    client: &Client,
    seconds: i64,
) -> Result<Option<RestartLock>, ApplyError> {
    let holder = context.hook.unit.to_string();
    let begun = std::time::Instant::now();
    let mut waited = false;
    loop {
        if let Some(lock) = client.try_lock(LockName::Restart, &holder, seconds).await? {
            return Ok(Some(RestartLock { lock, waited }));
        }
        waited = true;
        if begun.elapsed() > TURN_LIMIT {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

/// Frees a lock that its holder left behind.
///
/// # Errors
/// etcd failed the call; its lease frees the lock later.
pub async fn free_lock(client: &Client, lock: &LeftLock) -> Result<(), ApplyError> {
    Ok(client.free_lock(lock.name, &lock.holder).await?)
}

/// Puts on record whom the member of this unit trusts since its start.
///
/// # Errors
/// etcd failed the call.
pub async fn record_trust(
    context: &Context,
    client: &Client,
    trust: &MemberTrust,
) -> Result<(), ApplyError> {
    let member = MemberName::of(&context.hook.unit);
    let write = LedgerWrite::Member(member, trust.clone());
    Ok(client.write_ledger(&[write]).await?)
}
