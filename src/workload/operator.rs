//! The user who fetches files from this machine.

use std::path::Path;

use super::command::Commands;
use super::error::WorkloadError;

/// Who fetches files from a machine: `juju scp` logs in as this user, where
/// there is one.
const OPERATOR: &str = "ubuntu";

/// Gives a file or a directory to the user who fetches files from this
/// machine, where there is one.
///
/// # Errors
/// The user database cannot be asked, or the file not given away.
pub(super) fn give_to_operator(commands: &Commands, path: &Path) -> Result<(), WorkloadError> {
    let known = commands
        .command("id")
        .args(["-u", OPERATOR])
        .outcome()
        .map_err(WorkloadError::command(format!(
            "look up the user {OPERATOR}"
        )))?;
    if known.code() != Some(0) {
        return Ok(());
    }
    commands
        .command("chown")
        .args(["--no-dereference", &format!("{OPERATOR}:"), "--"])
        .arg(path)
        .run()
        .map(drop)
        .map_err(WorkloadError::command(format!(
            "give {} to the user {OPERATOR}",
            path.display()
        )))
}
