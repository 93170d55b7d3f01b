//! Statuses, whatever the reasons in them hold.

use etcd_charm::explain::status::{of_application, of_unit};
use etcd_charm::facts::authorities::AuthorityKind;
use etcd_charm::facts::{
    AlarmKind, AppName, Cause, Condition, NoAnswer, RefusalNote, Requirer, Timestamp,
};
use etcd_charm::plan::authorities::rotation::{RotationProgress, RotationStage};
use etcd_charm::plan::restart::RestartWait;
use etcd_charm::plan::safety::Unsafe;
use etcd_charm::plan::{Report, Wait};
use proptest::prelude::*;

use crate::cases;
use crate::texts::text;

/// The longest message, in characters: `juju status` cuts at 120.
const LONGEST: usize = 100;

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_status_is_one_line_of_bounded_length(
        wait in prop::option::of(wait()),
        told in prop::collection::vec(prop::option::of(text()), 5),
        conditions in prop::collection::vec((requirer(), any::<bool>(), text()), 0..20),
        expiring in prop::collection::vec((requirer(), any::<i64>()), 0..4),
        ending in prop::collection::vec((prop::sample::select(&[AuthorityKind::Servers, AuthorityKind::Administrators][..]), any::<i64>()), 0..3),
        credentials in prop::collection::vec((text(), any::<i64>()), 0..4),
        unreachable in prop::collection::vec(text(), 0..4),
        version in prop_oneof!["[0-9]{1,5}\\.[0-9]\\.[0-9]{1,9}", text()],
        raft_leader: bool,
    ) {
        let conditions = conditions.into_iter().map(|(requirer, refused, text)| {
            let kind = if refused { "refused" } else { "waiting" };
            let recorded = serde_json::json!({"kind": kind, "reason": text});
            let condition: Condition = serde_json::from_value(recorded).expect("a condition");
            (requirer, condition)
        });
        let expiring = expiring.into_iter().map(|(requirer, end)| (requirer, Timestamp(end)));
        let ending = ending.into_iter().map(|(of, end)| (of, Timestamp(end)));
        let credentials = credentials
            .into_iter()
            .filter_map(|(name, end)| Some((name.parse().ok()?, Timestamp(end))));
        let mut told = told.into_iter();
        let mut told = || told.next().flatten();
        let report = Report {
            wait,
            conditions: conditions.collect(),
            expiring: expiring.collect(),
            ending: ending.collect(),
            expiring_credentials: credentials.collect(),
            refused_option: noted(told()),
            alarms: told().into_iter().map(|name| (AlarmKind::Other, Some(name))).collect(),
            refused_upgrade: noted(told()),
            rotations: told()
                .map(|member| RotationProgress {
                    kind: AuthorityKind::Servers,
                    stage: RotationStage::Behind(vec![member]),
                })
                .into_iter()
                .collect(),
            unmanaged_members: told().into_iter().collect(),
            unreachable,
            version: version.parse().ok(),
            raft_leader,
            ..Report::default()
        };
        for status in [of_unit(&report), of_application(&report)] {
            let message = status.message;
            prop_assert!(message.chars().count() <= LONGEST, "{message}");
            let breaks = |c: char| c.is_control() || "\u{2028}\u{2029}\u{202e}".contains(c);
            prop_assert!(!message.contains(breaks), "{message}");
            // Nothing that was made up by Juju for an application of another model.
            prop_assert!(!message.contains("remote-0"), "{message}");
        }
    }
}

/// As another revision may have it noted.
fn noted(text: Option<String>) -> Option<RefusalNote> {
    serde_json::from_value(text?.into()).ok()
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        (0..9_usize, 0..9_usize).prop_map(|(answering, others)| {
            Wait::Restart(RestartWait::Unsafe(Unsafe::NoQuorum { answering, others }))
        }),
        text()
            .prop_map(|text| Wait::Etcd(NoAnswer::Failed(Cause::of(&std::io::Error::other(text))))),
        (0..9_u32).prop_map(|number| Wait::Bootstrap(format!("etcd/{number}").parse().unwrap())),
        prop::collection::vec(text(), 0..4).prop_map(Wait::Majority),
        Just(Wait::Reach),
        Just(Wait::LostMember),
        Just(Wait::Joining),
        Just(Wait::OldData),
        Just(Wait::LostCluster),
        Just(Wait::UnreadableData),
        Just(Wait::Removal),
        Just(Wait::Member),
    ]
}

fn requirer() -> impl Strategy<Value = Requirer> {
    prop_oneof![
        4 => "[a-z][a-z0-9-]{0,40}",
        1 => "remote-0[0-9a-f]{31}",
        1 => Just(String::new()),
    ]
    .prop_map(|name| Requirer::from(name.parse::<AppName>().ok().as_ref()))
}
