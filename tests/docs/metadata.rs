//! The charm as it describes itself.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

/// `charmcraft.yaml` and `metadata.yaml`, each key in the one that has it.
pub(crate) struct Metadata {
    all: Map<String, Value>,
    text: String,
}

impl Metadata {
    pub(crate) fn read() -> Self {
        Self::of(Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    /// Those of the charm in this directory.
    pub(crate) fn of(directory: &Path) -> Self {
        let (mut all, mut texts) = (Map::new(), String::new());
        for file in ["charmcraft.yaml", "metadata.yaml"] {
            let path = directory.join(file);
            let text = fs::read_to_string(path).unwrap();
            let parsed: Map<String, Value> = serde_yaml::from_str(&text).unwrap();
            all.extend(parsed);
            texts.push_str(&text);
        }
        Self { all, text: texts }
    }

    pub(crate) fn actions(&self) -> &Map<String, Value> {
        self.map("actions")
    }

    pub(crate) fn options(&self) -> &Map<String, Value> {
        self.all["config"]["options"].as_object().unwrap()
    }

    /// Storage, resources, or endpoints of one role.
    pub(crate) fn map(&self, key: &str) -> &Map<String, Value> {
        self.all[key].as_object().unwrap()
    }

    /// What is offered to others, in the order in which it is described: one
    /// may speak of the one before.
    pub(crate) fn endpoints(&self) -> Vec<(&String, &Value)> {
        let mut endpoints: Vec<_> = self.map("provides").iter().collect();
        endpoints.sort_by_key(|(name, _)| self.text.find(&format!("\n  {name}:\n")));
        endpoints
    }

    pub(crate) fn has_endpoint(&self, name: &str) -> bool {
        ["provides", "requires"]
            .iter()
            .filter_map(|role| self.all.get(*role)?.as_object())
            .any(|endpoints| endpoints.contains_key(name))
    }
}

/// The parameters of an action.
pub(crate) fn parameters(action: &Value) -> impl Iterator<Item = (&String, &Value)> {
    action["params"].as_object().into_iter().flatten()
}

/// Whether an action cannot do without a parameter.
pub(crate) fn is_required(action: &Value, parameter: &str) -> bool {
    let required = action["required"].as_array();
    required.is_some_and(|required| required.iter().any(|name| name == parameter))
}
