//! Makes the application's own secret, and begins to replace what is in it.

use certificates::{Authority, IssueError, Timestamp};
use juju_hooks::{SecretOwner, SecretUri, ToolError, Tools, UnitName};
use secret_value::Secret;
use thiserror::Error;

use crate::acl::Internal;
use crate::facts::{OwnAuthority, OwnSecret, Stage};
use crate::machine::{MachineError, random_text};
use crate::observe::OWN_SECRET;

/// Ten years; the charm replaces it in time.
const AUTHORITY_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// Why there is no secret.
#[derive(Debug, Error)]
pub enum OwnError {
    /// It was there a moment ago.
    #[error("failed to find the secret with the passwords")]
    Gone,
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
    let own = OwnSecret {
        internal: new_passwords()?,
        authority: new_authority(unit, 0, now)?,
        other: None,
        step: 0,
        stage: None,
    };
    let what = "Passwords of the charm's own users, and its authority";
    tools.secret_add(OWN_SECRET, what, &own.content(), SecretOwner::Application)?;
    Ok(())
}

/// Stores what is to replace the authority from this time on. It is used from the
/// next hook on, when it is sure to be stored.
///
/// # Errors
/// See [`OwnError`].
pub fn begin_with_authority(
    tools: &Tools,
    unit: &UnitName,
    own: &OwnSecret,
    now: Timestamp,
    from: Timestamp,
) -> Result<OwnAuthority, OwnError> {
    let next = new_authority(unit, own.step + 1, now)?;
    let begun = OwnSecret {
        other: Some(next.clone()),
        step: own.step + 1,
        stage: Some(Stage::Next(from.0)),
        ..own.clone()
    };
    store(tools, &begun)?;
    Ok(next)
}

/// Stores what is to replace the passwords of the charm's own users.
///
/// # Errors
/// See [`OwnError`].
pub fn begin_with_passwords(tools: &Tools, own: &OwnSecret) -> Result<(), OwnError> {
    let mut begun = own.clone();
    begun.internal.other = Some(Box::new(new_passwords()?));
    begun.step += 1;
    begun.stage = Some(Stage::Next(0));
    store(tools, &begun)
}

/// Stores the secret as it is to be.
///
/// # Errors
/// See [`OwnError`].
pub fn store(tools: &Tools, own: &OwnSecret) -> Result<(), OwnError> {
    let info = tools.secret_info(OWN_SECRET)?.ok_or(OwnError::Gone)?;
    let uri: SecretUri = info.id.as_str().parse().map_err(|_| OwnError::Gone)?;
    tools.secret_set(&uri, None, &own.content())?;
    Ok(())
}

fn new_passwords() -> Result<Internal, MachineError> {
    let password = || random_text().map(Secret::new);
    Ok(Internal {
        operator: password()?,
        peer: password()?,
        replication: password()?,
        sentinel: password()?,
        other: None,
    })
}

/// Authorities have different names, since OpenSSL looks for the issuer of a
/// certificate by its name.
fn new_authority(unit: &UnitName, step: u64, now: Timestamp) -> Result<OwnAuthority, IssueError> {
    let name = match step {
        0 => format!("{} nodes", unit.app()),
        step => format!("{} nodes {step}", unit.app()),
    };
    let authority = Authority::create(&name, now, AUTHORITY_SECONDS)?;
    Ok(OwnAuthority {
        certificate: authority.certificate.clone(),
        key: authority.key().clone(),
    })
}
