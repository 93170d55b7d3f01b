//! What etcd holds, key by key.

use juju_simulator::base64;

use crate::Etcdctl;

/// A key, as it stands in etcd.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyValue {
    /// The key.
    pub key: String,
    /// Its value, which may be empty.
    pub value: String,
    /// The revision at which it was written last.
    pub revision: i64,
}

impl Etcdctl {
    /// All keys that there are. As JSON: where `etcdctl` prints lines, a value
    /// that is empty or has lines of its own takes other keys for values.
    ///
    /// # Panics
    /// Panics if it fails.
    #[must_use]
    pub fn key_values(&self) -> Vec<KeyValue> {
        let answer = self.json(&["get", "", "--prefix"]);
        // What is empty or zero is left out.
        let all = answer["kvs"].as_array().into_iter().flatten();
        all.map(|entry| {
            let text = |field: &str| {
                let shown = entry[field].as_str().unwrap_or_default();
                let bytes = base64::decode(shown.as_bytes()).expect("etcdctl writes base64");
                String::from_utf8_lossy(&bytes).into_owned()
            };
            KeyValue {
                key: text("key"),
                value: text("value"),
                revision: entry["mod_revision"].as_i64().unwrap_or_default(),
            }
        })
        .collect()
    }
}
