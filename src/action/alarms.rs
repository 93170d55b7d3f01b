//! `alarm-list`: what keeps etcd from taking writes.

use super::parameters::Parameters;
use super::{ActionError, Session};
use crate::context::Context;
use crate::juju::ActionResults;
use crate::model::MemberName;

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
    let alarms = session.client.alarms().await?;
    let lines: Vec<_> = alarms
        .iter()
        .map(|alarm| {
            let member = session
                .members
                .iter()
                .find(|member| member.id == alarm.member);
            let name = member.and_then(|member| member.name.as_ref());
            let name = name.map_or("unknown", MemberName::as_str);
            format!(
                "memberID:{} alarm:{} member:{name}",
                alarm.member, alarm.kind
            )
        })
        .collect();
    results.set(&["output"], lines.join("\n"));
    Ok(())
}
