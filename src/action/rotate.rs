//! `rotate-server-ca`, `rotate-admin-ca` and `rotate-client-ca`: another authority
//! for the members' certificates, for those of administrators and of all whom the
//! charm has issued one, and for those that clients have asked for.

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::apply;
use crate::context::Context;
use crate::explain::rotation;
use crate::facts::authorities::AuthorityKind;
use crate::juju::ActionResults;
use crate::plan::authorities::rotation::{RotationRequest, ending_credentials};
use crate::plan::refusal::ParameterFault;

/// How long others have to take over what changes, where the operator does not
/// say: a client whose charm is in the middle of something else, or whose agent
/// is down, should not be cut off.
const GRACE_MINUTES: u64 = 60;
/// The longest that makes sense, a year.
const LONGEST_GRACE_MINUTES: u64 = 366 * 24 * 60;

/// Begins to replace an authority; hooks do the rest.
///
/// # Errors
/// See [`ActionError`]; also where a replacement is under way.
pub(super) async fn rotate(
    context: &Context,
    results: &mut ActionResults,
    kind: AuthorityKind,
) -> Result<(), ActionError> {
    let request = RotationRequest {
        kind,
        grace_seconds: grace_seconds(context)?,
    };
    let session = Session::of_leader(context).await?;
    let authorities = session.authorities()?;
    request.admit(authorities)?;
    let ledger = match kind {
        AuthorityKind::Administrators => Some(session.cluster(context).await?.ledger),
        AuthorityKind::Servers | AuthorityKind::Clients => None,
    };
    let next = apply::rotate(context, authorities, request)?;
    results.set(&["fingerprint"], next.own().fingerprint.as_str());
    results.set(&["valid-until"], next.own().not_after.to_string());
    if let Some(ledger) = ledger {
        let ending: Vec<_> = ending_credentials(&ledger)
            .map(|name| name.as_str())
            .collect();
        results.set(&["ending-credentials"], ending.join(","));
    }
    let from = request.signs_from(context.now);
    if kind == AuthorityKind::Servers {
        results.set(&["signs-from"], from.to_string());
    }
    results.set(&["output"], rotation::begun(kind, from));
    Ok(())
}

fn grace_seconds(context: &Context) -> Result<i64, ActionError> {
    let mut parameters = Parameters::read(context)?;
    let grace = parameters.number("grace-minutes")?.unwrap_or(GRACE_MINUTES);
    parameters.finish()?;
    if grace > LONGEST_GRACE_MINUTES {
        return Err(wrong("grace-minutes", ParameterFault::GraceTooLong));
    }
    Ok(i64::try_from(grace * 60).expect("a year in seconds fits"))
}
