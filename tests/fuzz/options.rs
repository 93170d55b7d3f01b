//! Options, as an operator may mistype them and another revision may leave them.

use etcd_charm::facts::options::{Options, Retention};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::texts::{json, text};
use crate::{assert_line, cases};

const OPTIONS: &[&str] = &[
    "auto-compaction-mode",
    "auto-compaction-retention",
    "certificate-extra-sans",
    "certificate-validity-days",
    "client-certificate-validity-days",
    "client-port",
    "election-timeout",
    "heartbeat-interval",
    "log-level",
    "peer-port",
    "prefix-policy",
    "quota-backend-bytes",
    "snapshot-count",
];

/// What is nearly right, most of it.
fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0..70_000_i64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[0-9]{1,12} ?[KMGTi]?(iB|B)?".prop_map(Value::from),
        "([0-9]{1,4}[hms]){1,3}".prop_map(Value::from),
        "[a-z0-9.*:{}-]{1,20}(,[a-z0-9.:-]{1,70}){0,60}".prop_map(Value::from),
        prop::sample::select(&["periodic", "revision", "auto", "warn", "shared"][..])
            .prop_map(Value::from),
        text().prop_map(Value::from),
        json(OPTIONS),
    ]
}

proptest! {
    #![proptest_config(cases(2048))]

    #[test]
    fn options_are_refused_in_a_line_or_fit_for_etcd(
        set in prop::collection::btree_map(prop::sample::select(OPTIONS), value(), 0..4),
    ) {
        let set: Map<String, Value> = set
            .into_iter()
            .map(|(option, value)| (option.to_owned(), value))
            .collect();
        match Options::parse(&set) {
            Err(refusal) => {
                assert_line(&refusal.to_string());
                prop_assert!(set.contains_key(refusal.option)
                    // These two answer for the one that they contradict.
                    || ["peer-port", "election-timeout", "auto-compaction-retention"]
                        .contains(&refusal.option));
            }
            Ok(options) => {
                let tuning = options.tuning(1 << 30);
                prop_assert!(tuning.election_timeout >= 5 * tuning.heartbeat_interval);
                prop_assert!(tuning.quota_backend_bytes >= 1 << 20);
                prop_assert!(options.client_port != options.peer_port);
                let is_plain = |c: char| c.is_ascii_alphanumeric();
                prop_assert!(tuning.auto_compaction_retention.chars().all(is_plain));
                prop_assert_ne!(options.retention, Retention::Seconds(0));
                let unit = "etcd/3".parse().unwrap();
                prop_assert!(options.names_of(&unit).len() <= 50);
            }
        }
    }
}
