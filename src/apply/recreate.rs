//! A new cluster in the place of the old one, from data that was prepared.
//!
//! # Which cluster counts
//!
//! A cluster has a *generation*: 0 for the one of the deployment, and a higher
//! number for each that is recreated; the number is the time of it, so that
//! two units that found one each, one after the other, never take the same. The
//! unit that bootstraps it writes generation and token into its own state and its
//! own databag, the leader repeats the highest that it sees for all. Every unit
//! acts on the highest number that any databag shows: one whose member is of a
//! lower generation stops it, quarantines its data, forgets it, and joins anew as
//! any new unit does. So nothing depends on who leads, or on a hook that runs
//! to its end, and never does a token that differs, or a databag without a
//! generation, cost anybody data.
//!
//! # Nobody goes on in the old cluster unnoticed
//!
//! - The new cluster has a token of its own, hence another id; etcd refuses
//!   whatever comes from members of another id. The two can never mix.
//! - Where the old cluster has its majority (`restore`), it is *taken apart*
//!   first: this unit takes all other members off the list, one by one. A
//!   member that is off the list stops, and stays stopped when it is started.
//!   From then on this unit's member is the old cluster, and it is stopped
//!   before the new data takes its place: whatever was acknowledged until then
//!   is in the data that was quarantined.
//! - Where it has none (`rebuild-cluster`), nothing is acknowledged in it.
//!   Should machines come back that are a majority of it together, and serve
//!   before the first hook of any of them, then they are that cluster again for
//!   those moments: systemd starts etcd with the machine, and Juju's agent runs
//!   a hook within seconds of it. What is written there is not in the new
//!   cluster; it is kept with the data that each of them quarantines in that
//!   hook. No client is told of them: their addresses are in no answer, and
//!   their cluster id is another one. A unit that comes to lead meanwhile hears
//!   of it by `leader-elected`, in which it looks at all databags before it
//!   answers any client.
//!
//! # A run that is cut short
//!
//! Until the [`Recreation`](crate::facts::Recreation) is written down nothing
//! has happened but files beside the data. From then on every hook of this unit
//! goes on before it does anything else; each step can be repeated.

use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::service::stop_service;
use super::{ApplyError, Missing};
use crate::connection;
use crate::context::Context;
use crate::etcd::{Client, EtcdError, Lock};
use crate::facts::{LockName, MemberData, Recreation};
use crate::tls::TrustBundle;
use crate::workload::files::{PUBLIC_FILE, ensure_absent, ensure_file, read_text};
use crate::workload::{self, Owner, data, kept_ledger, layout, wal};

/// How long a member is tried to be taken off the list: etcd wants all others
/// to have been connected for five seconds.
const DISSOLUTION_LIMIT: Duration = Duration::from_secs(30);

/// How long the lock is held at most: longer than a large snapshot takes, so that
/// nobody begins meanwhile, and gone by itself if the unit dies.
const LOCK_SECONDS: i64 = 1800;

/// How long it is left alone in between.
const PAUSE: Duration = Duration::from_millis(250);

/// The lock under which a snapshot is restored; `None` where another unit holds it.
///
/// # Errors
/// etcd failed a call.
pub async fn recovery_lock(context: &Context, client: &Client) -> Result<Option<Lock>, ApplyError> {
    let holder = context.hook.unit.to_string();
    let lock = client.try_lock(LockName::Recovery, &holder, LOCK_SECONDS);
    Ok(lock.await?)
}

/// Gives the lock back under which nothing was restored after all. Where that fails, it
/// ends by itself.
pub async fn give_recovery_back(client: &Client, lock: Lock) {
    if let Err(error) = client.unlock(lock).await {
        tracing::debug!("failed to give the lock back: {error}");
    }
}

/// Writes down that the cluster is to be recreated, from data that was prepared:
/// every hook of this unit goes on with it from now on.
///
/// # Errors
/// It cannot be written.
pub fn begin_recreation(
    context: &mut Context,
    storage: &Path,
    address: Option<IpAddr>,
    recreation: Recreation,
) -> Result<(), ApplyError> {
    context.unit_state.data_dir = Some(storage.to_owned());
    context.unit_state.address = address;
    context.unit_state.recreation = Some(recreation);
    context.unit_state.write(&context.paths)?;
    Ok(())
}

/// Puts a new cluster in place if one is written down, and forgets the old one.
/// etcd does not run afterwards. `false` if the old cluster cannot be taken apart
/// now, which passes by itself or with a rebuild.
///
/// # Errors
/// This machine is at fault; a later run goes on where this one stopped.
pub async fn recreate(context: &mut Context) -> Result<bool, ApplyError> {
    let Some(mut recreation) = context.unit_state.recreation.clone() else {
        return Ok(true);
    };
    let storage = context
        .unit_state
        .data_dir
        .clone()
        .ok_or(ApplyError::Missing(Missing::Storage))?;
    if recreation.removes_members {
        if !remove_members(context).await? {
            return Ok(false);
        }
        recreation.removes_members = false;
        context.unit_state.recreation = Some(recreation.clone());
        context.unit_state.write(&context.paths)?;
    }
    stop_service(context).await?;
    let paths = &context.paths;
    // The clients on record are those of the snapshot. Until they are compared
    // with the relations, nobody but the administrator gets in.
    if let Some(bundle) = read_text(&paths.admin_ca())?
        .and_then(|authority| TrustBundle::new(&authority).ok())
        .and_then(|bundle| bundle.render().ok())
    {
        let path = paths.wanted_trust();
        ensure_file(&path, bundle.as_bytes(), PUBLIC_FILE, Owner::Charm)?;
    }
    ensure_absent(&paths.loaded_trust())?;
    ensure_absent(&paths.served_trust())?;
    kept_ledger::forget(paths)?;
    let generation = recreation.bootstrap.generation;
    let prepared = data::prepared(&storage, generation);
    if prepared.exists() {
        layout::ensure_data_dir(&context.commands, &prepared)?;
    }
    data::put_in_place(&storage, generation)?;
    context.unit_state.bootstrap = Some(recreation.bootstrap);
    context.unit_state.identity = match wal::identity(&data::current(&storage)) {
        MemberData::Of(identity) => Some(identity),
        MemberData::Absent | MemberData::Unreadable(_) => None,
    };
    context.unit_state.storage_is_mounted = workload::is_mounted(&storage)?;
    context.unit_state.recreation = None;
    // It counts the revisions of another cluster.
    context.unit_state.disconnected = None;
    context.unit_state.client_endpoints = connection::own_url(context).into_iter().collect();
    context.unit_state.write(&context.paths)?;
    Ok(true)
}

/// Quarantines what this unit's member had of a cluster that is over, and forgets
/// it. The unit can join the one of this generation then.
///
/// # Errors
/// This machine is at fault; a later run does it again.
pub(super) async fn quarantine(context: &mut Context, generation: u64) -> Result<(), ApplyError> {
    let storage = context.unit_state.data_dir.clone();
    stop_service(context).await?;
    ensure_absent(&context.paths.wanted_trust())?;
    ensure_absent(&context.paths.loaded_trust())?;
    ensure_absent(&context.paths.served_trust())?;
    kept_ledger::forget(&context.paths)?;
    data::quarantine(
        &storage.ok_or(ApplyError::Missing(Missing::Storage))?,
        generation,
    )?;
    ensure_absent(&context.paths.first_start())?;
    context.unit_state.bootstrap = None;
    context.unit_state.disconnected = None;
    context.unit_state.identity = None;
    context.unit_state.client_endpoints.clear();
    context.unit_state.write(&context.paths)?;
    Ok(())
}

/// Takes all other members off the list of the old cluster. `false` if etcd
/// does not allow it now.
async fn remove_members(context: &Context) -> Result<bool, ApplyError> {
    let Some(url) = connection::own_url(context) else {
        return Ok(false);
    };
    let client = connection::client_at(context, &url).await?;
    let begun = Instant::now();
    loop {
        match remove_others(&client).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // The raft leader may be among those that go, which fails a call or
            // two.
            Err(error) => tracing::debug!("failed to take the old cluster apart: {error}"),
        }
        if begun.elapsed() > DISSOLUTION_LIMIT {
            return Ok(false);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes those members off the list that etcd lets go now: one that is unreachable
/// before one that serves; which is which it knows best. `true` once none is
/// left but the one that is asked.
async fn remove_others(client: &Client) -> Result<bool, EtcdError> {
    let own = client.status().await?.member;
    let mut is_done = true;
    for member in client.members().await? {
        if member.id != own {
            is_done &= client.remove(member.id).await?;
        }
    }
    Ok(is_done)
}
