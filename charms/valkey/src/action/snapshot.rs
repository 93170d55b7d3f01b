//! `snapshot`: all data as they are at one moment, in a file beside them.

use std::path::Path;
use std::time::{Duration, Instant};

use juju_hooks::ActionResults;
use machine::files::{Owner, PRIVATE_FILE, write_atomically};
use sha2::{Digest as _, Sha256};

use super::ActionFailure;
use crate::apply::cluster::Own;
use crate::explain::chain;
use crate::facts::OwnSecret;
use crate::machine::{Commands, MachineError, ensure_directory};
use crate::reconcile::Run;

/// A large set of data on a slow disk.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// Snapshots are beside the data, below the storage.
pub(super) const DIRECTORY: &str = "snapshots";

pub(super) async fn run(
    run: &Run,
    own: &OwnSecret,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    let storage = run.juju.storage.as_ref();
    let storage =
        storage.ok_or_else(|| ActionFailure::Stopped("there is no storage".to_owned()))?;
    let mut nodes = Own::open(&run.juju, own, &run.paths).await?;
    let before = last_save(&mut nodes).await?.unwrap_or_default();
    // A time has seconds, so that two saves in one would look like none.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    nodes.server.call(&["BGSAVE"]).await?;
    let deadline = Instant::now() + LIMIT;
    while last_save(&mut nodes)
        .await?
        .is_none_or(|time| time == before)
    {
        if Instant::now() >= deadline {
            return Err(ActionFailure::Stopped(
                "it was not saved in time".to_owned(),
            ));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let info = nodes.server.info("persistence").await?;
    if info
        .get("rdb_last_bgsave_status")
        .map(|status| status.trim())
        != Some("ok")
    {
        return Err(ActionFailure::Stopped(
            "the server failed to save".to_owned(),
        ));
    }
    let directory = storage.join(DIRECTORY);
    let name = format!("{}.rdb", run.juju.now.0);
    let path = directory.join(&name);
    let copied = copy(&storage.join("valkey/dump.rdb"), &directory, &path);
    let (size, digest) = copied.map_err(|error| ActionFailure::Stopped(chain(&error)))?;
    results.set(&["snapshot"], name);
    results.set(&["path"], path.display().to_string());
    results.set(&["size"], size.to_string());
    results.set(&["sha256"], digest);
    Ok(())
}

/// When the server saved last; none while it saves.
async fn last_save(nodes: &mut Own) -> Result<Option<String>, ActionFailure> {
    let info = nodes.server.info("persistence").await?;
    let time = info.get("rdb_last_save_time").cloned().unwrap_or_default();
    let busy = info
        .get("rdb_bgsave_in_progress")
        .is_some_and(|busy| busy.trim() != "0");
    Ok((!busy).then_some(time))
}

fn copy(from: &Path, directory: &Path, to: &Path) -> Result<(u64, String), MachineError> {
    ensure_directory(Commands, directory, 0o700, None)?;
    let bytes = std::fs::read(from).map_err(MachineError::file("read", from))?;
    write_atomically(to, &bytes, PRIVATE_FILE, Owner::Charm)?;
    let digest = Sha256::digest(&bytes);
    let digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((u64::try_from(bytes.len()).unwrap_or(u64::MAX), digest))
}
