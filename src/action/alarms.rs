//! `alarm-list` and `alarm-disarm`: what keeps etcd from taking writes.

use super::ActionError;
use super::parameters::Parameters;
use super::session::Session;
use crate::context::Context;
use crate::explain::alarms;
use crate::juju::ActionResults;
use crate::plan::refusal::Refusal;
use crate::{apply, observe};

/// Lists the alarms, in the words of `etcdctl alarm list`; nothing if there is
/// none.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn list(
    context: &Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    Parameters::read(context)?.finish()?;
    let session = Session::begin(context).await?;
    let raised = observe::alarms(&session.client).await?;
    alarms::show(results, &session.members, &raised);
    results.set(&["count"], raised.len().to_string());
    Ok(())
}

/// Lowers all alarms, and looks whether they stay down.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn disarm(
    context: &Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    Parameters::read(context)?.finish()?;
    let session = Session::begin(context).await?;
    let raised = observe::alarms(&session.client).await?;
    apply::disarm(&session.client, &raised).await?;
    let left = observe::alarms(&session.client).await?;
    let disarmed: Vec<_> = raised
        .into_iter()
        .filter(|alarm| !left.contains(alarm))
        .collect();
    alarms::show(results, &session.members, &disarmed);
    results.set(&["disarmed"], disarmed.len().to_string());
    results.set(&["left"], left.len().to_string());
    if left.is_empty() {
        return Ok(());
    }
    let app = context.hook.unit.app();
    Err(Refusal::AlarmsStay(alarms::named(app, &session.members, &left)).into())
}
