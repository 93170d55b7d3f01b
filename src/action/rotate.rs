//! `rotate-server-ca`, `rotate-admin-ca` and `rotate-client-ca`: another authority
//! for the members' certificates, for those of administrators and of all whom the
//! charm has issued one, and for those that clients have asked for.

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::apply;
use crate::context::Context;
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
    let session = Session::begin(context).await?;
    session.require_leader(context)?;
    let authorities = session.authorities()?;
    request.admit(authorities)?;
    let ledger = match kind {
        AuthorityKind::Administrators => Some(session.client.ledger().await?),
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
    let output = match kind {
        AuthorityKind::Servers => format!(
            "The next authority is being made known to all members and clients; it signs from \
             {from} on. `juju status` shows how far it has come."
        ),
        AuthorityKind::Administrators => {
            "The next authority is being made known to all members, and then signs anew for all \
             units and relations. Credentials of people and tools have to be made anew, by \
             generate-client-certificates, once `juju status` says when they end."
                .to_owned()
        }
        AuthorityKind::Clients => {
            "The next CA is being made known to all members, and then signs anew for all \
             applications related over `certificates`. The present one is dropped when each of \
             them that has access shows its new certificate; `juju status` says who does not."
                .to_owned()
        }
    };
    results.set(&["output"], output);
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
