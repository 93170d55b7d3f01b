//! `revoke-client-certificates`: credentials end, and their name is kept.

use super::super::ActionError;
use super::super::parameters::{Parameters, wrong};
use super::super::session::Session;
use super::common_name;
use crate::apply::{self, ApplyError, Noted};
use crate::context::Context;
use crate::explain::reasons;
use crate::facts::{CommonName, IssuedRecord};
use crate::juju::ActionResults;
use crate::plan::Report;
use crate::plan::access::free_after;
use crate::plan::credentials;
use crate::plan::refusal::{ParameterFault, Refusal};
use crate::reconcile;

/// Takes all rights from the credentials of a name, for good.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn revoke(
    context: &mut Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let mut parameters = Parameters::read(context)?;
    let name = common_name(&mut parameters)?
        .ok_or_else(|| wrong("common-name", ParameterFault::NoName))?;
    let reserves = parameters.flag("reserve")?;
    parameters.finish()?;
    let (record, unwritten) = end(context, &name, reserves).await?;
    // Settles it, and ends what is open, here and at the other units.
    let report = reconcile::pass(context).await?;
    if let Some(error) = unwritten {
        return Err(match error.alarm() {
            Some(alarm) => Refusal::Unrecorded(name, alarm).into(),
            None => error.into(),
        });
    }
    show(results, &name, &record, &report);
    Ok(())
}

/// Ends the credentials. What is on record of them then, and why that could not be
/// written, if it could not.
async fn end(
    context: &Context,
    name: &CommonName,
    reserves: bool,
) -> Result<(IssuedRecord, Option<ApplyError>), ActionError> {
    let session = Session::of_leader(context).await?;
    let cluster = session.cluster_with(context, name).await?;
    let authorities = session.application.authorities.as_ref();
    let authority_ends = authorities.map(|authorities| authorities.admin.own().not_after);
    let unit = &context.hook.unit;
    let revocation =
        credentials::revoke(name, reserves, unit, &cluster, authority_ends, context.now)?;
    match apply::revoke(&session.client, &revocation).await? {
        Noted::Done => Ok((revocation.record, None)),
        Noted::Failed(error) => Ok((revocation.record, Some(error))),
        Noted::Superseded => Err(Refusal::Superseded(name.clone()).into()),
    }
}

fn show(results: &mut ActionResults, name: &CommonName, record: &IssuedRecord, report: &Report) {
    results.set(&["common-name"], name.as_str());
    if let Some(fingerprint) = &record.fingerprint {
        results.set(&["fingerprint"], fingerprint.as_str());
    }
    results.set(
        &["name-free-after"],
        free_after(record.not_after).to_string(),
    );
    results.set(
        &["note"],
        reasons::after_revocation(report.lingering.as_ref()),
    );
}
