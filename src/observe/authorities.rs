//! The secret with the certificate authorities.

use super::ObserveError;
use crate::context::Context;
use crate::facts::SecretUri;
use crate::facts::authorities::Authorities;
use crate::facts::observed::Peers;
use crate::relation::authorities::{AUTHORITIES_LABEL, parse};

/// Reads the authorities; `None` until the leader has made them and they can be
/// read.
///
/// # Errors
/// A hook tool failed, or somebody has changed the secret.
pub(super) fn read(context: &Context, peers: &Peers) -> Result<Option<Authorities>, ObserveError> {
    let Some(uri) = &peers.app.authorities_secret else {
        return Ok(None);
    };
    let Ok(secret) = uri.parse::<SecretUri>() else {
        return Ok(None);
    };
    // Right after its creation a secret may not be readable yet by the others.
    let Ok(content) = context.tools.secret_get(&secret, context.latest())? else {
        return Ok(None);
    };
    let damaged = |source| ObserveError::Authorities {
        secret: uri.clone(),
        source,
    };
    parse(&content).map(Some).map_err(damaged)
}

/// The authorities, for an event in which they are seldom needed; `None` if
/// this unit cannot read them.
///
/// # Errors
/// A hook tool failed, or somebody has changed the secret.
pub fn of_application(context: &Context) -> Result<Option<Authorities>, ObserveError> {
    let tools = &context.tools;
    let read = tools.secret_get_by_label(AUTHORITIES_LABEL, context.latest())?;
    let damaged = |source| ObserveError::Authorities {
        secret: AUTHORITIES_LABEL.to_owned(),
        source,
    };
    let parsed = read.ok().map(|content| parse(&content).map_err(damaged));
    parsed.transpose()
}
