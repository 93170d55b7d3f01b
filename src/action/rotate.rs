//! `rotate-server-ca`, `rotate-admin-ca` and `rotate-client-ca`: another authority
//! for the members' certificates, for those of administrators and of all whom the
//! charm has issued one, and for those that clients have asked for.

use super::parameters::{Parameters, wrong};
use super::{ActionError, Session};
use crate::apply;
use crate::context::Context;
use crate::facts::authorities::Authorities;
use crate::facts::{IssuedState, Purpose};
use crate::juju::ActionResults;
use crate::tls::OwnCertificate;

/// How long others have to take over what changes, where the operator does not
/// say: a client whose charm is in the middle of something else, or whose agent
/// is down, should not be cut off.
const GRACE_MINUTES: u64 = 60;
/// The longest that makes sense, a year.
const LONGEST_GRACE_MINUTES: u64 = 366 * 24 * 60;

/// Begins to replace the authority of the members; hooks do the rest.
///
/// # Errors
/// See [`ActionError`]; also where a replacement is under way.
pub(crate) async fn server(
    context: &Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let seconds = grace_seconds(context)?;
    let session = Session::begin(context).await?;
    let authorities = authorities(context, &session)?;
    if authorities.rotation.is_some() {
        return Err(ActionError::Refused(
            "the servers' authority is being replaced already: `juju status` shows how far".into(),
        ));
    }
    let from = context.now.plus_seconds(seconds);
    let next = apply::rotate_server_authority(context, authorities, from)?;
    describe(next.own(), results);
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

/// Begins to replace the authority of the administrators; hooks do the rest.
///
/// # Errors
/// See [`ActionError`]; also where a replacement is under way.
pub(crate) async fn admin(
    context: &Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let seconds = grace_seconds(context)?;
    let session = Session::begin(context).await?;
    let authorities = authorities(context, &session)?;
    if authorities.admin_rotation.is_some() {
        return Err(ActionError::Refused(
            "the administrators' authority is being replaced already: `juju status` shows how far"
                .into(),
        ));
    }
    let ledger = session.client.ledger().await?;
    let in_force = |state| matches!(state, IssuedState::InForce | IssuedState::Unfinished);
    let ending: Vec<_> = ledger
        .issued
        .iter()
        .filter(|(_, record)| record.purpose == Purpose::Operator && in_force(record.state))
        .map(|(name, _)| name.as_str())
        .collect();
    let next = apply::rotate_admin_authority(context, authorities, seconds)?;
    describe(next.own(), results);
    results.set(&["ending-credentials"], ending.join(","));
    results.set(
        &["output"],
        "The next authority is being made known to all members, and then signs anew for all units \
         and relations. Credentials of people and tools have to be made anew, by \
         generate-client-certificates, once `juju status` says when they end.",
    );
    Ok(())
}

/// Begins to replace the authority of clients; hooks do the rest.
///
/// # Errors
/// See [`ActionError`]; also where there is none, or a replacement is under way.
pub(crate) async fn client(
    context: &Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let seconds = grace_seconds(context)?;
    let session = Session::begin(context).await?;
    let authorities = authorities(context, &session)?;
    let refused = |text: &str| Err(ActionError::Refused(text.into()));
    if authorities.client.is_none() {
        return refused(
            "there is no CA of clients yet: it is made when a certificate is asked for",
        );
    }
    if authorities.client_rotation.is_some() {
        return refused("the clients' CA is being replaced already: `juju status` shows how far");
    }
    let next = apply::rotate_client_authority(context, authorities, seconds)?;
    describe(next.own(), results);
    results.set(
        &["output"],
        "The next CA is being made known to all members, and then signs anew for all applications \
         related over `certificates`. The present one is dropped when each of them that has access \
         shows its new certificate; `juju status` says who does not.",
    );
    Ok(())
}

/// Says which authority is next.
fn describe(next: &OwnCertificate, results: &mut ActionResults) {
    results.set(&["fingerprint"], next.fingerprint.as_str());
    results.set(&["valid-until"], next.not_after.to_string());
}

fn grace_seconds(context: &Context) -> Result<i64, ActionError> {
    let mut parameters = Parameters::read(context)?;
    let grace = parameters.number("grace-minutes")?.unwrap_or(GRACE_MINUTES);
    parameters.finish()?;
    if grace > LONGEST_GRACE_MINUTES {
        return Err(wrong("grace-minutes", "is more than a year"));
    }
    Ok(i64::try_from(grace * 60).expect("a year in seconds fits"))
}

fn authorities<'s>(
    context: &Context,
    session: &'s Session,
) -> Result<&'s Authorities, ActionError> {
    session.require_leader(context)?;
    session.application.authorities.as_ref().ok_or_else(|| {
        ActionError::Refused("there are no authorities yet: wait until the unit is active".into())
    })
}
