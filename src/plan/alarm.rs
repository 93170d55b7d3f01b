//! Alarms: which member raised one, and which of them etcd did not raise by itself.

use crate::facts::observed::Observed;
use crate::facts::{Alarm, AlarmKind, AppName, Cluster, Known, MemberId};

/// An alarm, and what the member that raised it is called, if it is still there.
pub type Raised = (AlarmKind, Option<String>);

/// The alarms that the cluster knows of.
pub(super) fn raised(cluster: &Cluster, app: &AppName) -> Vec<Raised> {
    let name = |id: MemberId| {
        let mut members = cluster.members.iter();
        let found = members.find(|member| member.id == id);
        found.map(|found| found.called(app))
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
}
