//! Whether this unit's nodes run the program that they should, and their restart.

use std::path::Path;

use super::cluster::Own;
use crate::facts::{Juju, OwnSecret};
use crate::machine::Paths;
use crate::program::Chosen;
use crate::valkey::{Connection, ValkeyError};

/// Whether a node of this unit runs another program than the chosen one.
///
/// # Errors
/// One of them does not answer.
pub async fn is_due(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    chosen: &Chosen,
) -> Result<bool, ValkeyError> {
    let mut nodes = Own::open(juju, own, paths).await?;
    Ok(runs_another(&mut nodes.server, chosen).await?
        || runs_another(&mut nodes.sentinel, chosen).await?)
}

async fn runs_another(node: &mut Connection, chosen: &Chosen) -> Result<bool, ValkeyError> {
    let info = node.info("server").await?;
    let text = |key: &str| info.get(key).map(|text| text.trim());
    if text("valkey_version").is_some_and(|version| version != chosen.version)
        || text("executable").is_some_and(|path| Path::new(path) != chosen.path)
    {
        return Ok(true);
    }
    // A package that is upgraded may bring another file of the same release.
    let process = text("process_id").unwrap_or_default();
    let file = std::fs::read_link(format!("/proc/{process}/exe"));
    Ok(file.is_ok_and(|file| file.to_string_lossy().ends_with(" (deleted)")))
}
