//! What a charm says of itself: `metadata.yaml`, `charmcraft.yaml` and friends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The files that describe a charm.
pub(crate) const FILES: [&str; 4] = [
    "charmcraft.yaml",
    "metadata.yaml",
    "config.yaml",
    "actions.yaml",
];

/// A charm to deploy: a real one from a directory, or a puppet without process.
#[derive(Clone, Debug)]
pub struct Charm {
    pub(crate) directory: Option<PathBuf>,
    pub(crate) dispatch: Option<PathBuf>,
    /// Files that it has besides, by their names.
    pub(crate) files: BTreeMap<String, PathBuf>,
    pub(crate) metadata: Metadata,
}

impl Charm {
    /// The charm in `directory`, which has a `metadata.yaml` or a `charmcraft.yaml`,
    /// and optionally `config.yaml`, `actions.yaml`, `dispatch`, `hooks/` and `actions/`.
    ///
    /// # Panics
    /// Panics if the directory holds no readable charm.
    #[must_use]
    pub fn at(directory: impl AsRef<Path>) -> Self {
        let directory = directory.as_ref();
        let mut whole = serde_json::Map::new();
        for (name, key) in [
            ("charmcraft.yaml", None),
            ("metadata.yaml", None),
            ("config.yaml", Some("config")),
            ("actions.yaml", Some("actions")),
        ] {
            let Ok(text) = std::fs::read_to_string(directory.join(name)) else {
                continue;
            };
            let value = parse_yaml(&text, name);
            match (key, value) {
                (Some(key), value) => drop(whole.insert(key.to_owned(), value)),
                (None, Value::Object(fields)) => whole.extend(fields),
                (None, _) => {}
            }
        }
        let known = !whole.is_empty();
        assert!(
            known,
            "{} has neither metadata.yaml nor charmcraft.yaml",
            directory.display()
        );
        Self {
            directory: Some(directory.to_path_buf()),
            dispatch: None,
            files: BTreeMap::new(),
            metadata: Metadata::read(&Value::Object(whole)),
        }
    }

    /// The same charm with this program as its `dispatch`. Units then get the
    /// YAML files of the directory and nothing else, so the directory may be a
    /// source tree and need not be an unpacked charm.
    #[must_use]
    pub fn with_dispatch(mut self, program: impl Into<PathBuf>) -> Self {
        self.dispatch = Some(program.into());
        self
    }

    /// The same charm with this file in its root directory, as one that was packed
    /// with it.
    #[must_use]
    pub fn with_file(mut self, name: &str, file: impl Into<PathBuf>) -> Self {
        self.files.insert(name.to_owned(), file.into());
        self
    }

    /// An application without a process, whose part the test plays by hand. The
    /// text is its `metadata.yaml`.
    ///
    /// # Panics
    /// Panics if the text is no YAML.
    #[must_use]
    pub fn puppet(metadata: &str) -> Self {
        Self {
            directory: None,
            dispatch: None,
            files: BTreeMap::new(),
            metadata: Metadata::read(&parse_yaml(metadata, "metadata.yaml")),
        }
    }
}

fn parse_yaml(text: &str, name: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Requirer,
    Provider,
    Peer,
}

#[derive(Clone, Debug)]
pub(crate) struct EndpointMetadata {
    pub(crate) role: Role,
    pub(crate) interface: String,
}

#[derive(Clone, Debug)]
pub(crate) struct ConfigOption {
    pub(crate) kind: String,
    pub(crate) default: Value,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) endpoints: BTreeMap<String, EndpointMetadata>,
    pub(crate) bindings: Vec<String>,
    /// Storage name and how many instances a new unit gets.
    pub(crate) storage: BTreeMap<String, u32>,
    pub(crate) resources: Vec<String>,
    pub(crate) config: BTreeMap<String, ConfigOption>,
    /// Action name and the default values of its parameters.
    pub(crate) actions: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Metadata {
    fn read(value: &Value) -> Self {
        let mut metadata = Self::default();
        for (key, role) in [
            ("requires", Role::Requirer),
            ("provides", Role::Provider),
            ("peers", Role::Peer),
        ] {
            for (name, endpoint) in entries(&value[key]) {
                // The short form is `name: interface`.
                let interface = text(&endpoint["interface"])
                    .or_else(|| text(endpoint))
                    .unwrap_or_default();
                metadata
                    .endpoints
                    .insert(name.clone(), EndpointMetadata { role, interface });
            }
        }
        metadata.bindings = entries(&value["extra-bindings"])
            .map(|(name, _)| name.clone())
            .collect();
        metadata.resources = entries(&value["resources"])
            .map(|(name, _)| name.clone())
            .collect();
        for (name, storage) in entries(&value["storage"]) {
            metadata
                .storage
                .insert(name.clone(), storage_count(&storage["multiple"]["range"]));
        }
        for (name, option) in entries(&value["config"]["options"]) {
            let kind = text(&option["type"]).unwrap_or_else(|| "string".to_owned());
            let default = option.get("default").cloned().unwrap_or(Value::Null);
            metadata
                .config
                .insert(name.clone(), ConfigOption { kind, default });
        }
        for (name, action) in entries(&value["actions"]) {
            let defaults = entries(&action["params"])
                .filter_map(|(key, schema)| Some((key.clone(), schema.get("default")?.clone())))
                .collect();
            metadata.actions.insert(name.clone(), defaults);
        }
        metadata
    }
}

/// Without `multiple` a storage has one instance; with a range it has the lower
/// bound, which is what Juju makes when the operator asks for nothing else.
fn storage_count(range: &Value) -> u32 {
    let lower: String = match range {
        Value::Null => return 1,
        Value::String(range) => range.chars().take_while(char::is_ascii_digit).collect(),
        other => other.to_string(),
    };
    lower.parse().unwrap_or(0)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
