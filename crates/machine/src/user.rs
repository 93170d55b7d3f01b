//! Users of the machine that services run as.

use crate::command::Commands;
use crate::error::MachineError;

/// Makes a user of the system exist, and a group of the same name: one that nobody
/// logs in as, without a home.
///
/// # Errors
/// The user database cannot be asked, or the user not made.
pub fn ensure_user(commands: &Commands, name: &str) -> Result<(), MachineError> {
    let there = commands
        .command("id")
        .args(["-u", name])
        .outcome()
        .map_err(MachineError::command(format!("look up the user {name}")))?;
    if there.code() == Some(0) {
        return Ok(());
    }
    commands
        .command("useradd")
        .args(["--system", "--user-group", "--no-create-home"])
        .args(["--home-dir", "/nonexistent"])
        .args(["--shell", "/usr/sbin/nologin", name])
        .run()
        .map(drop)
        .map_err(MachineError::command(format!("make the user {name}")))
}
