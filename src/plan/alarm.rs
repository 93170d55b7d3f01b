//! What an operator is told of alarms: which member raised one, what it means,
//! and what to do about it.

use crate::facts::observed::Observed;
use crate::facts::{Alarm, AlarmKind, AppName, Cluster, Known, MemberId};

/// An alarm, and what the member that raised it is called.
pub type Raised = (AlarmKind, String);

/// The alarms that the cluster knows of.
pub(super) fn raised(cluster: &Cluster, app: &AppName) -> Vec<Raised> {
    let name = |id: MemberId| {
        let mut members = cluster.members.iter();
        let found = members.find(|member| member.id == id);
        found.map_or_else(
            || "a member that is gone".to_owned(),
            |found| found.called(app),
        )
    };
    let alarms = cluster.status.alarms.iter();
    alarms
        .map(|alarm| (alarm.kind, name(alarm.member)))
        .collect()
}

/// Alarms that etcd did not raise by itself: those of a member that is not on the
/// list, and one of a full database that has an eighth of its quota left. Looked
/// for only where a client can become `root` by an alarm: see
/// [`super::advisory::lets_clients_become_root`].
///
/// An alarm that is lowered brings the check of rights back on all members at the
/// same entry of the log. A restart brings it back on one: from then on members do
/// not agree any more on what a client without rights may do, and their data
/// differs. So no member is restarted on account of an alarm.
pub(super) fn causeless(observed: &Observed) -> Vec<Alarm> {
    let Known::Known(cluster) = &observed.cluster else {
        return Vec::new();
    };
    let Some(audit) = &cluster.audit else {
        return Vec::new();
    };
    if observed.repaired.alarms {
        return Vec::new();
    }
    let has_room = audit.size < observed.quota - observed.quota / 8;
    let is_causeless = |alarm: &&Alarm| {
        let is_of_a_member = cluster
            .members
            .iter()
            .any(|member| member.id == alarm.member);
        match alarm.kind {
            AlarmKind::NoSpace => has_room || !is_of_a_member,
            AlarmKind::Corrupt => !is_of_a_member,
            AlarmKind::Other => false,
        }
    };
    let alarms = cluster.status.alarms.iter();
    alarms.filter(is_causeless).copied().collect()
}

/// What matters most of the alarms that are raised, in one sentence; `None`
/// where none is.
pub fn sentence(alarms: &[Raised]) -> Option<String> {
    let of_kind = |kind| {
        let raised = alarms.iter().filter(move |(raised, _)| *raised == kind);
        let mut names: Vec<&str> = raised.map(|(_, name)| name.as_str()).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Audit;
    use crate::plan::Stage;
    use crate::plan::testing::Bench;

    #[test]
    fn an_alarm_without_a_cause_is_lowered_once_where_it_makes_root() {
        let mut bench = Bench::new(3);
        let alarm = |member, kind| Alarm {
            member: MemberId(member),
            kind,
        };
        let quota = bench.observed.quota;
        let mut lowered = |size, raised: Alarm, is_open: bool, is_repeated: bool| {
            bench.cluster.audit = is_open.then(|| Audit {
                size,
                ..Audit::default()
            });
            bench.cluster.status.alarms = [raised].into();
            bench.observed.repaired.alarms = is_repeated;
            match bench.stage() {
                Stage::Disarm(alarms) => alarms,
                _ => Vec::new(),
            }
        };
        let full = alarm(101, AlarmKind::NoSpace);
        assert_eq!(lowered(0, full, true, false), [full]);
        assert_eq!(lowered(quota / 8 * 7, full, true, false), []);
        assert_eq!(lowered(0, full, false, false), []);
        assert_eq!(lowered(0, full, true, true), []);
        // Of nobody.
        for kind in [AlarmKind::NoSpace, AlarmKind::Corrupt] {
            assert_eq!(
                lowered(quota, alarm(1, kind), true, false),
                [alarm(1, kind)]
            );
        }
        assert_eq!(lowered(0, alarm(101, AlarmKind::Corrupt), true, false), []);
        assert_eq!(lowered(0, alarm(1, AlarmKind::Other), true, false), []);
    }

    #[test]
    fn what_is_worst_is_said_with_the_way_out() {
        assert_eq!(sentence(&[]), None);
        let of = |kind, name: &str| (kind, name.to_owned());
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
    }
}
