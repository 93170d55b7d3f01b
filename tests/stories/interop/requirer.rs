//! Requirers: real charms, and what their libraries fired in them.

use std::path::PathBuf;

use etcd_charm_world::juju::{Charm, Deployment};
use etcd_charm_world::{Certificate, UnitName};
use serde_json::{Value, json};

use crate::interop::libraries;

/// One event that a library fired in its charm.
#[derive(Clone, Debug)]
pub(crate) struct Fired {
    /// What it is called, such as `resource_created`.
    pub(crate) event: String,
    /// The hook in which it was fired.
    pub(crate) hook: String,
    body: Value,
}

impl Fired {
    pub(crate) fn read(line: &str) -> Self {
        let body: Value = serde_json::from_str(line).expect("the charms write JSON");
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        Self {
            event: text("event"),
            hook: text("hook"),
            body,
        }
    }

    /// A field of a response of version 1.
    pub(crate) fn response(&self, field: &str) -> &str {
        self.text("response", field)
    }

    /// A property of an event of version 0.
    pub(crate) fn property(&self, name: &str) -> &str {
        self.text("properties", name)
    }

    /// What version 0 fetches when the event is fired.
    pub(crate) fn fetched(&self, field: &str) -> &str {
        self.text("fetched", field)
    }

    pub(crate) fn body(&self) -> &Value {
        &self.body
    }

    fn text(&self, part: &str, key: &str) -> &str {
        let found = self.body[part][key].as_str();
        found.unwrap_or_else(|| panic!("{}: no {key} in {part}: {}", self.event, self.body))
    }
}

/// The names of events, in order.
pub(crate) fn names(fired: &[Fired]) -> Vec<&str> {
    fired.iter().map(|fired| fired.event.as_str()).collect()
}

/// Events of one name.
pub(crate) fn of<'f>(fired: &'f [Fired], event: &str) -> Vec<&'f Fired> {
    fired.iter().filter(|fired| fired.event == event).collect()
}

/// The charm that asks with this version of the protocol.
pub(crate) fn charm(version: &str) -> Charm {
    let charms = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stories/interop/charms");
    Charm::at(charms.join(version))
}

/// So many units of it, with the libraries.
pub(crate) fn deployment(units: u32) -> Deployment {
    Deployment::units(units)
        .environment("PYTHON", libraries::interpreter())
        .environment("PYTHONPATH", libraries::python_path())
        .environment("PYTHONDONTWRITEBYTECODE", "1")
}

/// The option `requests` of version 1: prefixes, and certificates or none yet.
pub(crate) fn requests(wishes: &[(&str, Option<&Certificate>)]) -> String {
    let wishes: Vec<Value> = wishes
        .iter()
        .map(|(prefix, certificate)| {
            let certificate = certificate.map(|certificate| &certificate.chain);
            json!({ "resource": prefix, "certificate": certificate })
        })
        .collect();
    Value::from(wishes).to_string()
}

/// The first unit of an application.
pub(crate) fn first(app: &str) -> UnitName {
    UnitName::new(app, 0)
}
