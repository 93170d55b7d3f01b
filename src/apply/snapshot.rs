//! Snapshots of the cluster, in files on this machine.

use std::path::Path;

use super::ApplyError;
use crate::context::Context;
use crate::etcd::Client;
use crate::workload::snapshot::{SnapshotFile, SnapshotWriter};

/// Writes a snapshot of the member behind this connection to a file that does
/// not exist yet.
///
/// # Errors
/// The member failed, or the file cannot be written; then there is none.
pub async fn snapshot(
    context: &Context,
    client: &Client,
    path: &Path,
) -> Result<SnapshotFile, ApplyError> {
    let mut stream = client.snapshot().await?;
    let mut writer = SnapshotWriter::create(&context.commands, path)?;
    loop {
        let written = match stream.next().await {
            Ok(Some(piece)) => writer.write(&piece).map_err(ApplyError::from),
            Ok(None) => return Ok(writer.finish()?),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = written {
            writer.discard();
            return Err(error);
        }
    }
}
