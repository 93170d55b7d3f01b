//! The environment of a hook, which a Juju of another version may fill
//! differently.

use etcd_charm::hook::{Environment, Event, Hook};
use proptest::prelude::*;

use crate::texts::{edited, edits, text};
use crate::{LONGEST_REASON, cases, chain};

/// A hook's variables as Juju fills them.
const CAPTURED: &[(&str, &[&str])] = &[
    (
        "JUJU_DISPATCH_PATH",
        &[
            "actions/health",
            "hooks/cluster-relation-departed",
            "hooks/config-changed",
            "hooks/data-storage-detaching",
            "hooks/etcd-client-relation-broken",
            "hooks/etcd-client-relation-changed",
            "hooks/secret-changed",
            "hooks/secret-remove",
            "hooks/stop",
        ],
    ),
    ("JUJU_DEPARTING_UNIT", &["", "etcd/1"]),
    ("JUJU_MODEL_UUID", &["9d39bbbe-d95a-405d-8573-6835864daf92"]),
    ("JUJU_RELATION_ID", &["etcd-client:10", "cluster:0", "7"]),
    ("JUJU_REMOTE_APP", &["", "app"]),
    (
        "JUJU_SECRET_ID",
        &[
            "secret:cuvbv6p34trs48a10a2g",
            "secret://9d39bbbe-d95a-405d-8573-6835864daf92/cuvbv6p34trs48a10a2g",
        ],
    ),
    ("JUJU_SECRET_REVISION", &["1"]),
    ("JUJU_UNIT_NAME", &["etcd/0"]),
];

proptest! {
    #![proptest_config(cases(1024))]

    #[test]
    fn an_environment_is_a_hook_or_named_as_what_it_is_not(
        picks in prop::collection::vec(any::<prop::sample::Index>(), CAPTURED.len()),
        changed in prop::collection::vec((0..CAPTURED.len(), edits()), 0..3),
        other in prop::option::of((0..CAPTURED.len(), text())),
    ) {
        let mut variables: Vec<(String, String)> = CAPTURED
            .iter()
            .zip(picks)
            .map(|((name, values), pick)| ((*name).to_owned(), (*pick.get(values)).to_owned()))
            .collect();
        for (at, edits) in changed {
            variables[at].1 = edited(&variables[at].1, &edits);
        }
        if let Some((at, text)) = other {
            variables[at].1 = text;
        }
        let value = |name: &str| {
            let found = variables.iter().find(|(key, _)| key == name).unwrap();
            found.1.clone()
        };
        match Hook::read(&Environment::new(variables.clone())) {
            Err(error) => {
                let text = chain(&error);
                prop_assert!(!text.contains(char::is_control), "{text:?}");
                // The value is shown escaped, which may be ten times as long.
                prop_assert!(text.chars().count() < 3 * LONGEST_REASON, "{text}");
            }
            Ok(hook) => {
                prop_assert_eq!(hook.unit.to_string(), value("JUJU_UNIT_NAME"));
                prop_assert_eq!(hook.model.to_string(), value("JUJU_MODEL_UUID"));
                match hook.event {
                    Event::Client { relation, departing, .. } => {
                        let number = format!("{}", relation.id);
                        let whole = value("JUJU_RELATION_ID");
                        let end = format!(":{number}");
                        prop_assert!(whole == number || whole.ends_with(&end), "{whole}");
                        let unit = departing.map(|unit| unit.to_string());
                        prop_assert!(unit.is_none_or(|unit| unit == value("JUJU_DEPARTING_UNIT")));
                    }
                    Event::SecretChanged(id) => {
                        prop_assert!(value("JUJU_SECRET_ID").ends_with(id.as_str()));
                    }
                    _ => {}
                }
            }
        }
    }
}
