//! Alarms, in words.

use std::collections::BTreeMap;

use crate::facts::{Alarm, Member, MemberId, MemberName};
use crate::juju::ActionResults;

/// Shows alarms, as a text and by members.
pub fn show(results: &mut ActionResults, members: &[Member], alarms: &[Alarm]) {
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

/// Alarms in the words of `etcdctl alarm list`, each in a line.
pub fn lines(members: &[Member], alarms: &[Alarm]) -> Vec<String> {
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
