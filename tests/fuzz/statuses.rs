//! Statuses, whatever the reasons in them hold.

use etcd_charm::model::{MemberName, Notice, RelationId, RequestKey, Timestamp};
use etcd_charm::plan::{Report, Wait};
use etcd_charm::status::{of_application, of_unit};
use proptest::prelude::*;

use crate::cases;
use crate::texts::text;

/// The longest message, in characters, with the mark of what was cut.
const LONGEST: usize = 401;

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_status_is_one_line_of_bounded_length(
        wait in prop::option::of(wait()),
        notices in prop::collection::vec((any::<u32>(), any::<bool>(), text()), 0..20),
        expiring in prop::collection::vec((any::<u32>(), any::<i64>()), 0..4),
        silent in prop::collection::vec(text(), 0..4),
        version in prop_oneof!["[0-9]{1,5}\\.[0-9]\\.[0-9]{1,9}", text()],
        raft_leader: bool,
    ) {
        let key = |number| RequestKey { relation: RelationId(number), request: None };
        let notices = notices.into_iter().map(|(number, refused, text)| {
            let notice = if refused { Notice::Refused(text) } else { Notice::Waiting(text) };
            (key(number), notice)
        });
        let expiring = expiring
            .into_iter()
            .map(|(number, end)| (key(number), Timestamp(end)));
        let report = Report {
            wait,
            notices: notices.collect(),
            expiring: expiring.collect(),
            silent,
            version: version.parse().ok(),
            raft_leader,
            ..Report::default()
        };
        for status in [of_unit(&report), of_application(&report)] {
            prop_assert!(status.message.chars().count() <= LONGEST);
            prop_assert!(!status.message.contains(char::is_control), "{}", status.message);
        }
    }
}

fn wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        text().prop_map(Wait::Restart),
        text().prop_map(Wait::Etcd),
        text().prop_map(|name| Wait::Cluster(MemberName::new(name))),
        Just(Wait::LostMember),
        Just(Wait::Removal),
        Just(Wait::Member),
    ]
}
