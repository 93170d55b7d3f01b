//! The data of a new cluster, made from a snapshot beside the data in use and
//! tried out there: nothing that anybody uses is touched.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::service::stop_service;
use super::{ApplyError, Missing};
use crate::connection;
use crate::context::Context;
use crate::etcd::{Cleaned, Client};
use crate::facts::{Bootstrap, CommonName, Ledger, MemberName, SignedName};
use crate::workload::restore_check::{CheckedData, RestoreCheck};
use crate::workload::snapshot::SnapshotFile;
use crate::workload::snapshot_tool::{self, RestoredAs};
use crate::workload::{data, package};

/// How long a small database may take until it serves: an election, and the
/// machine may be slow.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How much longer a large one may take, for each GiB of it: it is read once
/// as a whole, from a slow disk at the worst.
const START_LIMIT_PER_GIB: Duration = Duration::from_secs(60);

/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// What is known of data that was prepared.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The revision of its keys.
    pub revision: i64,
    /// What was removed from it.
    pub cleaned: Cleaned,
}

/// A snapshot, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// The file.
    pub file: &'a Path,
    /// The one-member cluster that it is made into.
    pub bootstrap: &'a Bootstrap,
    /// Where other members find the one of this unit.
    pub peer_url: &'a str,
    /// The ledger of this application as it is now, where somebody can tell.
    pub before: Option<&'a Ledger>,
    /// The names in whose certificates relations of this application were answered.
    pub answered: &'a BTreeMap<CommonName, SignedName>,
}

/// Makes data of a snapshot, starts an etcd on it that only this process can use, and
/// makes it fit for this application: see [`Client::clean_restored`]. What earlier runs
/// prepared and never used is removed.
///
/// # Errors
/// The snapshot cannot be used, or etcd does not run on it. Nothing was
/// changed then but the directory of what is prepared.
pub async fn prepare(
    context: &Context,
    storage: &Path,
    snapshot: &Snapshot<'_>,
) -> Result<Prepared, ApplyError> {
    let prepared = try_out(context, storage, snapshot).await;
    if prepared.is_err() {
        discard(storage);
    }
    prepared
}

/// Removes what was prepared. The reason why it is of no use is worth more than the
/// space, which the next run takes back.
fn discard(storage: &Path) {
    if let Err(error) = data::discard_prepared(storage) {
        tracing::debug!("failed to remove what was prepared: {error}");
    }
}

async fn try_out(
    context: &Context,
    storage: &Path,
    snapshot: &Snapshot<'_>,
) -> Result<Prepared, ApplyError> {
    let programs =
        package::installed(&context.paths)?.ok_or(ApplyError::Missing(Missing::Programs))?;
    data::discard_prepared(storage)?;
    let data_dir = data::prepared(storage, snapshot.bootstrap.generation);
    let name = MemberName::of(&context.hook.unit);
    let member = RestoredAs {
        name: name.as_str(),
        peer_url: snapshot.peer_url,
        token: &snapshot.bootstrap.token,
    };
    let commands = &context.commands;
    snapshot_tool::restore(commands, &programs, snapshot.file, &data_dir, &member)?;
    let restore_check = CheckedData {
        data_dir: &data_dir,
        name: name.as_str(),
        peer_url: snapshot.peer_url,
        alone: false,
    };
    let mut restore_check =
        RestoreCheck::start(commands, &programs, &context.paths, &restore_check)?;
    let size = std::fs::metadata(snapshot.file).map_or(0, |metadata| metadata.len());
    let gib = u32::try_from(size >> 30).unwrap_or(u32::MAX);
    let limit = START_LIMIT.saturating_add(START_LIMIT_PER_GIB.saturating_mul(gib));
    let client = serving(context, &mut restore_check, limit).await?;
    let cleaned = client
        .clean_restored(snapshot.before, snapshot.answered)
        .await?;
    let revision = client.revision().await?;
    // etcd waits for its clients before it ends.
    drop(client);
    restore_check.stop()?;
    Ok(Prepared { revision, cleaned })
}

/// Writes a snapshot of the data that this unit's member has on its disk, by an
/// etcd that is started on a copy of it. The copy and not the data: to serve
/// without the others it has to be made a cluster of one. The service is
/// stopped.
///
/// # Errors
/// The data cannot be copied, or etcd does not run on it.
pub async fn snapshot_at_rest(
    context: &Context,
    storage: &Path,
    peer_url: &str,
    path: &Path,
) -> Result<SnapshotFile, ApplyError> {
    let file = snapshot_of_copy(context, storage, peer_url, path).await;
    discard(storage);
    file
}

async fn snapshot_of_copy(
    context: &Context,
    storage: &Path,
    peer_url: &str,
    path: &Path,
) -> Result<SnapshotFile, ApplyError> {
    let programs =
        package::installed(&context.paths)?.ok_or(ApplyError::Missing(Missing::Programs))?;
    stop_service(context).await?;
    data::discard_prepared(storage)?;
    // No cluster has the generation 0 by preparation.
    let copy = data::prepared(storage, 0);
    data::copy(&context.commands, &data::current(storage), &copy)?;
    let name = MemberName::of(&context.hook.unit);
    let restore_check = CheckedData {
        data_dir: &copy,
        name: name.as_str(),
        peer_url,
        alone: true,
    };
    let mut restore_check =
        RestoreCheck::start(&context.commands, &programs, &context.paths, &restore_check)?;
    let client = serving(context, &mut restore_check, START_LIMIT).await?;
    let file = super::snapshot(context, &client, path).await?;
    drop(client);
    restore_check.stop()?;
    Ok(file)
}

/// A connection to a restore check, once its member serves.
async fn serving(
    context: &Context,
    restore_check: &mut RestoreCheck,
    limit: Duration,
) -> Result<Client, ApplyError> {
    let begun = Instant::now();
    loop {
        let client = connection::client_at(context, restore_check.url()).await?;
        let unreachable = match client.status().await {
            Ok(status) if status.leader.is_some() => return Ok(client),
            Ok(_) => "it has no leader".to_owned(),
            Err(error) => error.to_string(),
        };
        let ended = restore_check.ended(&context.paths);
        let ended = ended.map_err(|error| ApplyError::RestoreCheck(error.to_string()))?;
        if let Some(reason) = ended {
            return Err(ApplyError::RestoreCheck(reason));
        }
        if begun.elapsed() > limit {
            return Err(ApplyError::RestoreCheck(unreachable));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
