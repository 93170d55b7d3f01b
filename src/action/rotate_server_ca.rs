//! `rotate-server-ca`: another authority for the members' certificates.

use super::parameters::{Parameters, wrong};
use super::{ActionError, Session};
use crate::apply;
use crate::context::Context;
use crate::juju::ActionResults;

/// How long clients have to take the next authority over, where the operator
/// does not say: a client whose charm is in the middle of something else, or
/// whose agent is down, should not be cut off.
const GRACE_MINUTES: u64 = 60;
/// The longest that makes sense, a year.
const LONGEST_GRACE_MINUTES: u64 = 366 * 24 * 60;

/// Begins to replace the authority; hooks do the rest.
///
/// # Errors
/// See [`ActionError`]; also where a replacement is under way.
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    let mut parameters = Parameters::read(context)?;
    let grace = parameters.number("grace-minutes")?.unwrap_or(GRACE_MINUTES);
    parameters.finish()?;
    if grace > LONGEST_GRACE_MINUTES {
        return Err(wrong("grace-minutes", "is more than a year"));
    }
    let session = Session::begin(context).await?;
    session.require_leader()?;
    let authorities = session.application.authorities.as_ref();
    let authorities = authorities.ok_or_else(|| {
        ActionError::Refused("there are no authorities yet: wait until the unit is active".into())
    })?;
    if authorities.rotation.is_some() {
        return Err(ActionError::Refused(
            "the servers' authority is being replaced already: `juju status` shows how far".into(),
        ));
    }
    let seconds = i64::try_from(grace * 60).expect("a year in seconds fits");
    let from = context.now.plus_seconds(seconds);
    let next = apply::rotate_server_authority(context, authorities, from)?;
    results.set(&["fingerprint"], next.own().fingerprint.as_str());
    results.set(&["valid-until"], next.own().not_after.to_string());
    results.set(&["signs-from"], from.to_string());
    results.set(
        &["output"],
        format!(
            "The next authority is being made known to all members and clients; it signs from \
             {from} on. `juju status` shows how far it has come."
        ),
    );
    Ok(())
}
