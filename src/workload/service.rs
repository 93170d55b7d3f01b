//! Services of systemd, whose errors are this module's.

use machine::Commands;
pub use machine::{Started, State};

use super::error::WorkloadError;

/// One service of this machine.
pub type Service<'a> = machine::Service<'a, WorkloadError>;

/// See [`machine::daemon_reload`].
///
/// # Errors
/// systemd refused.
pub fn daemon_reload(commands: &Commands) -> Result<(), WorkloadError> {
    Ok(machine::daemon_reload(commands)?)
}
