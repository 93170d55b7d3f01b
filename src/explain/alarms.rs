//! Alarms, in words.

use std::collections::BTreeMap;

use crate::facts::{Alarm, AlarmKind, AppName, Member, MemberId, MemberName};
use crate::juju::ActionResults;
use crate::plan::alarm::Raised;

/// What a member is called that is on the list no more.
pub(super) const GONE: &str = "a member that is gone";

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
        let member = member.unwrap_or_else(|| GONE.to_owned());
        format!("{} of {member}", alarm.kind)
    };
    alarms.iter().map(name).collect()
}

/// What matters most of the alarms that are raised, in one sentence; `None`
/// where none is.
pub fn sentence(alarms: &[Raised]) -> Option<String> {
    let of_kind = |kind| {
        let raised = alarms.iter().filter(move |(raised, _)| *raised == kind);
        let names = raised.map(|(_, name)| name.as_deref().unwrap_or(GONE));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then(|| names.join(", "))
    };
    if let Some(members) = of_kind(AlarmKind::Corrupt) {
        return Some(format!(
            "replace {members}, then run alarm-disarm: its data differs from the others' (alarm CORRUPT)"
        ));
    }
    if let Some(members) = of_kind(AlarmKind::NoSpace) {
        return Some(format!(
            "run compact, defrag, then alarm-disarm: no writes, database of {members} is full (NOSPACE)"
        ));
    }
    of_kind(AlarmKind::Other)
        .map(|members| format!("run alarm-list: {members} has raised an alarm"))
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

    #[test]
    fn what_is_worst_is_said_with_the_way_out() {
        assert_eq!(sentence(&[]), None);
        let of = |kind, name: &str| (kind, Some(name.to_owned()));
        let full = of(AlarmKind::NoSpace, "etcd/1");
        let both = [of(AlarmKind::NoSpace, "etcd/2"), full.clone(), full];
        assert_eq!(
            sentence(&both).expect("a sentence"),
            "run compact, defrag, then alarm-disarm: no writes, database of etcd/1, etcd/2 is full \
             (NOSPACE)"
        );
        let worse = of(AlarmKind::Corrupt, "etcd/0");
        let text = sentence(&[both[0].clone(), worse]).expect("a sentence");
        assert!(
            text.starts_with("replace etcd/0, then run alarm-disarm"),
            "{text}"
        );
        let new = sentence(&[of(AlarmKind::Other, "etcd/0")]);
        assert_eq!(
            new.as_deref(),
            Some("run alarm-list: etcd/0 has raised an alarm")
        );
        let gone = sentence(&[(AlarmKind::Other, None)]);
        assert_eq!(
            gone.as_deref(),
            Some("run alarm-list: a member that is gone has raised an alarm")
        );
    }
}
