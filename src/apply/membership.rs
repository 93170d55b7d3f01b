//! Who is a member.

use std::time::{Duration, Instant};

use super::ApplyError;
use super::machine::begin;
use crate::connection::{client_at, own_member};
use crate::context::Context;
use crate::etcd::{Client, EtcdError};
use crate::facts::LockName;
use crate::plan::membership::MembershipStep;

/// How long a hook waits for etcd to allow a change. A learner with a small
/// database has caught up in a second, and a member that came last counts as
/// connected after five; what takes longer is left to a later hook.
const PATIENCE: Duration = Duration::from_secs(15);

/// The same of a unit that goes away: it has nothing else to do, and what it
/// leaves behind the others have to bear.
const PATIENCE_OF_WHO_LEAVES: Duration = Duration::from_secs(60);

/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(250);

/// How long another unit may hold the lock of membership: longer than adding a
/// member takes, so that a unit that died does not block the others for long.
const LOCK_SECONDS: i64 = 30;

/// Carries the step out. `false` if it could not be done now, for a reason that
/// passes by itself.
///
/// # Errors
/// etcd refused, or this machine failed.
pub async fn membership(
    context: &mut Context,
    client: &Client,
    step: &MembershipStep,
) -> Result<bool, ApplyError> {
    match step {
        MembershipStep::EnableAuthentication => {
            client.ensure_authentication().await?;
            Ok(true)
        }
        MembershipStep::AddLearner(peer_url) => add_learner(context, client, peer_url).await,
        MembershipStep::Join(bootstrap) => {
            begin(context, bootstrap)?;
            Ok(true)
        }
        MembershipStep::Move(member, peer_url) => {
            client.set_peer_url(*member, peer_url).await?;
            Ok(true)
        }
        MembershipStep::MoveLeader(member) => {
            // One that leads no more is what was wanted, and who leads by now is
            // looked at next.
            own_member(context).await?.move_leader(*member).await?;
            Ok(true)
        }
        MembershipStep::Remove(member, url) => {
            let other = match url {
                None => None,
                Some(url) => Some(client_at(context, url).await?),
            };
            let client = other.as_ref().unwrap_or(client);
            let patience = match context.unit_state.dying {
                true => PATIENCE_OF_WHO_LEAVES,
                false => PATIENCE,
            };
            let removed = patiently_for(patience, async || client.remove(*member).await);
            Ok(removed.await?)
        }
        MembershipStep::Promote(member) => {
            let leader = leader(context, client).await?;
            let client = leader.as_ref().unwrap_or(client);
            Ok(patiently(async || client.promote(*member).await).await?)
        }
    }
}

/// Adds this unit to the member list, under the lock of membership.
async fn add_learner(
    context: &mut Context,
    client: &Client,
    peer_url: &str,
) -> Result<bool, ApplyError> {
    let holder = context.hook.unit.to_string();
    let name = LockName::Membership;
    let Some(lock) = client.try_lock(name, &holder, LOCK_SECONDS).await? else {
        return Ok(false);
    };
    let mut identity = None;
    let added = patiently(async || {
        let added = client.add_learner(peer_url).await?;
        identity = added;
        Ok(added.is_some())
    })
    .await;
    // Before anything else: this unit joins as no other member.
    if identity.is_some() {
        context.unit_state.identity = identity;
        context.unit_state.write(&context.paths)?;
    }
    client.unlock(lock).await?;
    Ok(added?)
}

/// A connection to the member that leads, if it is another than the one behind
/// this connection. A promotion has to be asked of the leader itself: other
/// members hand it on without the name of whoever asks, and with authentication
/// on the leader refuses that ("user name is empty", `etcdhttp/peer.go`).
async fn leader(context: &Context, client: &Client) -> Result<Option<Client>, ApplyError> {
    let status = client.status().await?;
    if status.leader == Some(status.member) {
        return Ok(None);
    }
    let members = client.members().await?;
    let leader = members
        .iter()
        .find(|member| Some(member.id) == status.leader);
    match leader.and_then(|member| member.client_urls.first()) {
        Some(url) => Ok(Some(client_at(context, url).await?)),
        None => Ok(None),
    }
}

/// Asks until etcd allows it, or until a hook should wait no longer: `false`.
async fn patiently(ask: impl AsyncFnMut() -> Result<bool, EtcdError>) -> Result<bool, EtcdError> {
    patiently_for(PATIENCE, ask).await
}

async fn patiently_for(
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<bool, EtcdError>,
) -> Result<bool, EtcdError> {
    let begun = Instant::now();
    loop {
        if ask().await? {
            return Ok(true);
        }
        if begun.elapsed() > patience {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
