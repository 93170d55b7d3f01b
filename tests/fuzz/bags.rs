//! Databags: as the libraries write them, nearly so, and not at all.

use etcd_charm::facts::Databag;
use proptest::prelude::*;

use crate::texts::{Edit, edited, edits, json, text};

/// What stands in databags of both sides, in both versions.
pub(crate) const KEYS: &[&str] = &[
    "data",
    "encryption-secret",
    "endpoints",
    "mtls-cert",
    "prefix",
    "requests",
    "secret-mtls",
    "secret-tls",
    "secret-user",
    "version",
];

/// What stands in one request or response of version 1, in either case.
pub(crate) const FIELDS: &[&str] = &[
    "endpoints",
    "entity-type",
    "mtls-cert",
    "prefix",
    "request-id",
    "request_id",
    "resource",
    "salt",
    "secret-mtls",
    "secret_mtls",
    "secret-tls",
    "secret-user",
    "version",
];

/// Databags that the libraries were seen to write, both sides of both versions.
const CAPTURED: &[&[(&str, &str)]] = &[
    &[
        ("prefix", "/test/"),
        ("provided-secrets", r#"["mtls-cert"]"#),
        (
            "requested-secrets",
            r#"["username", "password", "tls", "tls-ca", "uris"]"#,
        ),
        ("secret-mtls", "secret:dqhgta57akkhue4kgffq"),
    ],
    &[
        (
            "requests",
            r#"[{"resource": "/test/", "request-id": "0b047bb88ba93a70", "salt": "KTRVA3q2u8N5IE3e", "extra-user-roles": null, "extra-group-roles": null, "external-node-connectivity": false, "entity-type": null, "entity-permissions": null, "secret-mtls": "secret:dgn34ncrkv8nhk3si8n4"}]"#,
        ),
        ("version", "v1"),
    ],
    &[
        ("encryption-secret", "secret:dgn34ncrkv8nhk3si8n4"),
        (
            "requests",
            r#"[{"resource": "/a/", "request-id": "0b047bb88ba93a70", "salt": "KTRVA3q2u8N5IE3e", "mtls-cert": "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ"}, {"resource": "/b/", "request-id": "1b047bb88ba93a70", "salt": "LTRVA3q2u8N5IE3e"}]"#,
        ),
        ("version", "v1"),
    ],
    &[
        ("endpoints", "10.0.0.1:2379,10.0.0.2:2379"),
        ("secret-tls", "secret:dfdmcuhkga48cf02ui9h"),
        ("secret-user", "secret:dgs83lke5491v8oktlj6"),
        ("version", "3.6.4"),
    ],
    &[
        (
            "data",
            r#"{"0b047bb88ba93a70": {"resource": "/test/", "request-id": "0b047bb88ba93a70", "salt": "KTRVA3q2u8N5IE3e"}}"#,
        ),
        (
            "requests",
            r#"[{"resource": "/test/", "request-id": "0b047bb88ba93a70", "salt": "KTRVA3q2u8N5IE3e", "endpoints": "10.0.0.1:2379", "secret-user": "secret:dgs83lke5491v8oktlj6", "secret-tls": "secret:dfdmcuhkga48cf02ui9h", "version": "3.6.4"}]"#,
        ),
        ("version", "v1"),
    ],
];

/// A databag of any kind.
pub(crate) fn bag() -> impl Strategy<Value = Databag> {
    prop_oneof![3 => nearly_right(), 1 => arbitrary()]
}

fn arbitrary() -> impl Strategy<Value = Databag> {
    let value = prop_oneof![text(), json(FIELDS).prop_map(|value| value.to_string())];
    let list = prop::collection::vec(json(FIELDS), 0..4)
        .prop_map(|list| serde_json::Value::from(list).to_string());
    let bag = prop::collection::btree_map(key(), value, 0..6);
    (bag, any::<bool>(), list).prop_map(|(mut bag, is_v1, list)| {
        if is_v1 {
            bag.insert("version".to_owned(), "v1".to_owned());
            bag.insert("requests".to_owned(), list);
        }
        bag
    })
}

fn nearly_right() -> impl Strategy<Value = Databag> {
    let change = prop_oneof![
        6 => (key(), edits()).prop_map(|(key, edits)| (key, Change::Edit(edits))),
        1 => key().prop_map(|key| (key, Change::Remove)),
        2 => (key(), text()).prop_map(|(key, text)| (key, Change::Set(text))),
    ];
    let changes = prop::collection::vec(change, 0..5);
    (prop::sample::select(CAPTURED), changes).prop_map(|(captured, changes)| {
        let mut bag: Databag = captured
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        for (key, change) in changes {
            match change {
                Change::Edit(edits) => {
                    if let Some(value) = bag.get_mut(&key) {
                        *value = edited(value, &edits);
                    }
                }
                Change::Remove => drop(bag.remove(&key)),
                Change::Set(text) => drop(bag.insert(key, text)),
            }
        }
        bag
    })
}

#[derive(Clone, Debug)]
enum Change {
    Edit(Vec<Edit>),
    Remove,
    Set(String),
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(KEYS).prop_map(str::to_owned),
        3 => prop::sample::select(&["requests", "version"][..]).prop_map(str::to_owned),
        1 => text(),
    ]
}
