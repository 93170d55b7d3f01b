//! Alarms, in words.

use std::collections::BTreeMap;

use crate::facts::{Alarm, AppName, Member, MemberId, MemberName};
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

/// Alarms within a sentence, by the units that an operator knows.
pub fn named(app: &AppName, members: &[Member], alarms: &[Alarm]) -> Vec<String> {
    let name = |alarm: &Alarm| {
        let member = members.iter().find(|member| member.id == alarm.member);
        let member = member.map(|member| member.called(app));
        let member = member.unwrap_or_else(|| "a member that is gone".to_owned());
        format!("{} of {member}", alarm.kind)
    };
    alarms.iter().map(name).collect()
}

/// What a member is called; one that has never started has no name.
fn member_name(members: &[Member], id: MemberId) -> String {
    let member = members.iter().find(|member| member.id == id);
    let name = member.and_then(|member| member.name.as_ref());
    name.map_or("unknown", MemberName::as_str).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::AlarmKind;

    #[test]
    fn a_sentence_names_units_and_no_identifiers() {
        let app = "etcd".parse().expect("a name");
        let member = Member {
            id: MemberId(7),
            name: Some(MemberName::new("etcd-0")),
            peer_urls: Vec::new(),
            client_urls: Vec::new(),
            learner: false,
        };
        let alarms = [7, 8].map(|member| Alarm {
            member: MemberId(member),
            kind: AlarmKind::NoSpace,
        });
        assert_eq!(
            named(&app, &[member], &alarms),
            ["NOSPACE of etcd/0", "NOSPACE of a member that is gone"]
        );
    }
}
