//! `alarm-list` and `alarm-disarm`: what keeps etcd from taking writes.

use std::collections::BTreeMap;

use super::ActionError;
use super::parameters::Parameters;
use super::session::Session;
use crate::apply;
use crate::context::Context;
use crate::facts::{Alarm, Member, MemberId, MemberName};
use crate::juju::ActionResults;
use crate::plan::refusal::Refusal;

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
    show(results, &session.members, &alarms);
    results.set(&["count"], alarms.len().to_string());
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
    let raised = session.client.alarms().await?;
    apply::disarm(&session.client, &raised).await?;
    let left = session.client.alarms().await?;
    let disarmed: Vec<_> = raised
        .into_iter()
        .filter(|alarm| !left.contains(alarm))
        .collect();
    show(results, &session.members, &disarmed);
    results.set(&["disarmed"], disarmed.len().to_string());
    results.set(&["left"], left.len().to_string());
    if left.is_empty() {
        return Ok(());
    }
    Err(Refusal::AlarmsStay(lines(&session.members, &left)).into())
}

fn show(results: &mut ActionResults, members: &[Member], alarms: &[Alarm]) {
    results.set(&["output"], lines(members, alarms).join("\n"));
    let mut kinds: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for alarm in alarms {
        let name = member_name(members, alarm.member);
        kinds.entry(name).or_default().push(alarm.kind.as_str());
    }
    for (name, kinds) in kinds {
        results.set(&["alarms", &name], kinds.join(", "));
    }
}

fn lines(members: &[Member], alarms: &[Alarm]) -> Vec<String> {
    let line = |alarm: &Alarm| {
        let name = member_name(members, alarm.member);
        let Alarm { member, kind } = alarm;
        // In decimal digits, as `etcdctl alarm list` has it.
        format!("memberID:{} alarm:{kind} member:{name}", member.0)
    };
    alarms.iter().map(line).collect()
}

/// What a member is called; one that has never started has no name.
fn member_name(members: &[Member], id: MemberId) -> String {
    let member = members.iter().find(|member| member.id == id);
    let name = member.and_then(|member| member.name.as_ref());
    name.map_or("unknown", MemberName::as_str).to_owned()
}
