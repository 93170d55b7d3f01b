//! Which release of etcd a program is.

use std::path::Path;

use machine::Commands;

use super::error::CommandError;

/// The version that a program says it is, for example `3.6.4`.
///
/// # Errors
/// The program does not run on this machine.
pub fn version(commands: &Commands, etcd: &Path) -> Result<String, CommandError> {
    let said = commands.command(etcd).arg("--version").run()?;
    let version = said
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("etcd Version:"))
        .map(|version| version.trim().to_owned());
    // Something that runs and is no etcd.
    version.ok_or_else(|| said.failure())
}
