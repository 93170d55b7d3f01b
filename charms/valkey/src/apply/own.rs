//! Makes the application's own secret.

use certificates::{Authority, IssueError, Timestamp};
use juju_hooks::{SecretContent, SecretOwner, ToolError, Tools, UnitName};
use thiserror::Error;

use crate::machine::{MachineError, random_text};
use crate::observe::OWN_SECRET;

/// Ten years, after which the charm makes another.
const AUTHORITY_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum OwnError {
    /// The authority cannot be made.
    #[error("failed to make the authority")]
    Issue(#[from] IssueError),
    /// The system gives no randomness.
    #[error("failed to make passwords")]
    Random(#[from] MachineError),
    /// Juju does not take it.
    #[error("failed to store the passwords")]
    Store(#[from] ToolError),
}

/// Makes the secret. It is used from the next hook on, when it is sure to exist.
///
/// # Errors
/// See [`OwnError`].
pub fn make(tools: &Tools, unit: &UnitName, now: Timestamp) -> Result<(), OwnError> {
    let name = format!("{} nodes", unit.app());
    let authority = Authority::create(&name, now, AUTHORITY_SECONDS)?;
    let mut content = Vec::new();
    for key in ["operator", "peer", "replication", "sentinel"] {
        content.push((key, random_text()?));
    }
    content.push(("authority", authority.certificate.clone()));
    content.push(("authority-key", authority.key().expose().clone()));
    let content = SecretContent::from_iter(content);
    let what = "Passwords of the charm's own users, and its authority";
    tools.secret_add(OWN_SECRET, what, &content, SecretOwner::Application)?;
    Ok(())
}
