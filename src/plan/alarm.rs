//! What an operator is told of alarms: which member raised one, what it means,
//! and what to do about it.

use crate::model::{AlarmKind, AppName, Cluster};

/// An alarm, and what the member that raised it is called.
pub type Raised = (AlarmKind, String);

/// The alarms that the cluster knows of.
pub(super) fn raised(cluster: &Cluster, app: &AppName) -> Vec<Raised> {
    let name = |id: u64| {
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
        let told = sentence(&[both[0].clone(), worse]).expect("a sentence");
        assert!(
            told.starts_with("replace etcd/0, then run alarm-disarm"),
            "{told}"
        );
        let new = sentence(&[of(AlarmKind::Other, "etcd/0")]);
        assert_eq!(
            new.as_deref(),
            Some("run alarm-list: etcd/0 has raised an alarm")
        );
    }
}
