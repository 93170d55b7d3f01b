//! What snapshot files hold, what a snapshot would be taken of, and what a unit has to
//! recreate a cluster with.

use std::path::{Path, PathBuf};

use super::ObserveError;
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::Version;
use crate::workload::snapshot::{SnapshotError, verify};
use crate::workload::snapshot_tool::{self, SnapshotContent};
use crate::workload::{data, package};

/// What a snapshot is taken of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SnapshotSource {
    /// The release of etcd that the member runs.
    pub version: Version,
    /// Why the cluster did not agree on what was acknowledged before; then it is known
    /// to be one member's own copy alone.
    pub disagreement: Option<String>,
}

/// What the member behind this connection would write a snapshot of. Whatever was
/// acknowledged before this is asked is in a snapshot that is taken after it, if the
/// cluster agrees; without a quorum that is not known.
///
/// # Errors
/// The member does not tell its status.
pub async fn snapshot_source(client: &Client) -> Result<SnapshotSource, ObserveError> {
    let agreed = client.revision().await;
    Ok(SnapshotSource {
        version: client.status().await?.version,
        disagreement: agreed.err().map(|error| error.to_string()),
    })
}

/// The snapshot file that an operator has named; `None` where there is no file.
///
/// # Errors
/// It is no whole snapshot, or cannot be read.
pub fn snapshot_file(context: &Context, path: &Path) -> Result<Option<PathBuf>, SnapshotError> {
    let file = context.paths.named(path);
    if !file.is_file() {
        return Ok(None);
    }
    verify(&file)?;
    Ok(Some(file))
}

/// Whether snapshots can lie in the directory that an operator has named: there is one,
/// or nothing yet.
pub fn may_be_directory(context: &Context, path: &Path) -> bool {
    let there = context.paths.named(path);
    there.is_dir() || !there.exists()
}

/// What a snapshot holds; `None` where there is no etcd to read it.
///
/// # Errors
/// It is no database of etcd.
pub fn snapshot_content(
    context: &Context,
    file: &Path,
) -> Result<Option<SnapshotContent>, ObserveError> {
    let programs = package::installed(&context.paths)?;
    let content = |programs| snapshot_tool::content(&context.commands, &programs, file);
    Ok(programs.map(content).transpose()?)
}

/// Whether the etcd that is installed raises the revisions of what it restores, so that
/// clients see no revision twice.
///
/// # Errors
/// What is installed cannot be read.
pub fn raises_revisions(context: &Context) -> Result<bool, ObserveError> {
    let programs = package::installed(&context.paths)?;
    Ok(programs.is_some_and(|programs| {
        // An etcd that cannot be asked is taken for one that does not.
        snapshot_tool::raises_revisions(&context.commands, &programs).unwrap_or(false)
    }))
}

/// Whether this unit has what a member is started with: programs and certificates.
///
/// # Errors
/// What is installed cannot be read.
pub fn is_equipped(context: &Context) -> Result<bool, ObserveError> {
    Ok(package::installed(&context.paths)?.is_some()
        && context.paths.server_certificate().exists()
        && context.paths.admin_certificate().exists())
}

/// Whether there is data of a member in this storage.
pub fn has_data(storage: &Path) -> bool {
    data::current(storage).join("member").is_dir()
}

/// The data that was quarantined for the cluster of this generation, if any was.
pub fn quarantined(storage: &Path, generation: u64) -> Option<PathBuf> {
    Some(data::quarantined(storage, generation)).filter(|path| path.exists())
}
