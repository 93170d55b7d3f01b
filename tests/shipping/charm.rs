//! The charms that are published, as they describe themselves.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::read;

pub(crate) struct Charm {
    pub(crate) name: String,
    /// Where its files are, below the root directory.
    pub(crate) directory: PathBuf,
    pub(crate) charmcraft: Map<String, Value>,
    pub(crate) metadata: Map<String, Value>,
}

impl Charm {
    /// The charms of `release/charms`.
    pub(crate) fn all() -> Vec<Self> {
        let charms: Vec<_> = read("release/charms").lines().map(Self::read).collect();
        assert!(!charms.is_empty(), "release/charms names none");
        charms
    }

    fn read(name: &str) -> Self {
        let directory = match name {
            "etcd" => PathBuf::new(),
            other => PathBuf::from("charms").join(other),
        };
        let yaml = |file| serde_yaml::from_str(&read(directory.join(file))).unwrap();
        Self {
            name: name.to_owned(),
            charmcraft: yaml("charmcraft.yaml"),
            metadata: yaml("metadata.yaml"),
            directory,
        }
    }

    /// The names in one section of the metadata, such as `provides`.
    pub(crate) fn names(&self, section: &str) -> Vec<&str> {
        let section = self.metadata.get(section).and_then(Value::as_object);
        section
            .into_iter()
            .flatten()
            .map(|(name, _)| &**name)
            .collect()
    }
}
