//! `revoke-client-certificates`: credentials end, and their name is kept.

use super::super::parameters::{Parameters, wrong};
use super::super::{ActionError, Session};
use super::{common_name, observe_name, superseded};
use crate::apply;
use crate::context::Context;
use crate::facts::{CommonName, IssuedRecord, IssuedState, Purpose};
use crate::juju::ActionResults;
use crate::plan::access::{AccessStep, admit_operator, free_after};
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
        .ok_or_else(|| wrong("common-name", "is missing: whose certificates?"))?;
    let reserves = parameters.flag("reserve")?;
    parameters.finish()?;
    let session = Session::begin(context).await?;
    session.require_leader(context)?;
    let ledger = session.client.ledger().await?;
    let record = match ledger.issued.get(&name) {
        Some(record) if record.purpose == Purpose::Operator => record.clone(),
        Some(_) => {
            return Err(ActionError::Refused(format!(
                "common name {name} is that of a relation, and ends with it: remove the relation"
            )));
        }
        None if reserves => reserve(context, &session, &name).await?,
        None => {
            return Err(ActionError::Refused(format!(
                "common name {name} has no certificates of generate-client-certificates; \
                 list-clients shows which there are, and reserve=true keeps a name of which the \
                 record is lost"
            )));
        }
    };
    // The intention first: a full pass carries it out should this run be killed.
    let revoked = IssuedRecord {
        state: IssuedState::Revoked,
        ..record.clone()
    };
    let noted = match record == revoked {
        true => Ok(true),
        false => {
            let client = &session.client;
            client.replace_issued(&name, &record, &revoked).await
        }
    };
    if let Ok(false) = noted {
        return Err(superseded(&name));
    }
    // The rights go also where that cannot be written: see the plan of access.
    let steps = [
        AccessStep::Unsettle,
        AccessStep::DeleteUser(name.clone()),
        AccessStep::DeleteRole(name.clone()),
    ];
    apply::access(&session.client, &steps).await?;
    drop(session);
    // Settles it, and ends what is open, here and at the other units.
    let report = reconcile::pass(context).await.map_err(Box::new)?;
    noted.map_err(|error| match error.alarm() {
        Some(alarm) => ActionError::Refused(format!(
            "the rights of {name} are gone for as long as the alarm {alarm} is raised, which keeps \
             it from being recorded: end the alarm, then run this again"
        )),
        None => error.into(),
    })?;
    results.set(&["common-name"], name.as_str());
    if let Some(fingerprint) = &revoked.fingerprint {
        results.set(&["fingerprint"], fingerprint.as_str());
    }
    results.set(&["name-free-after"], free_after(&revoked).to_string());
    results.set(
        &["note"],
        match report.lingering {
            None => "requests are refused, and what was open here has ended; it ends at the other \
                     units within seconds"
                .to_owned(),
            Some(reason) => format!(
                "requests are refused; a watch that is open ends when its member restarts, at \
                 the next update-status: {reason}"
            ),
        },
    );
    Ok(())
}

/// Claims a name that the ledger does not know, for a certificate that may be
/// somewhere: it was issued after the snapshot that the cluster was made from.
async fn reserve(
    context: &Context,
    session: &Session,
    name: &CommonName,
) -> Result<IssuedRecord, ActionError> {
    let authorities = session.application.authorities.as_ref().ok_or_else(|| {
        ActionError::Refused(
            "the certificate authorities cannot be read yet; wait until the unit is active"
                .to_owned(),
        )
    })?;
    let cluster = observe_name(context, session, name).await?;
    let app = context.hook.unit.app();
    admit_operator(name, None, app, &cluster).map_err(ActionError::Refused)?;
    let record = IssuedRecord {
        purpose: Purpose::Operator,
        prefix: None,
        fingerprint: None,
        issuer: None,
        issued_at: context.now,
        // No certificate outlives its authority.
        not_after: authorities.admin.own().not_after,
        state: IssuedState::Revoked,
        archive: None,
        ended_at: None,
    };
    match session.client.claim_issued(name, &record).await? {
        true => Ok(record),
        false => Err(superseded(name)),
    }
}
