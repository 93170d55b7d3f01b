//! A provider and the requirer in one model, or in two.

use std::collections::BTreeMap;
use std::path::PathBuf;

use juju_simulator::{
    Charm, Deployment, Model, Options, RelationId, RemoteSide, SecretView, UnitName,
};
use serde_json::{Value, json};

/// More hooks than any story needs to come to rest.
const SETTLE_LIMIT: usize = 200;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn libraries() -> PathBuf {
    root().join("target/tools/python")
}

/// Whether the libraries have been fetched.
pub(crate) fn has_libraries() -> bool {
    libraries().join("stamp").is_file()
}

fn charms() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/providers")
}

/// The charm under test, which this program is as well.
pub(crate) fn requirer() -> Charm {
    let program = std::env::current_exe().unwrap();
    Charm::at(charms().join("requirer")).with_dispatch(program)
}

/// What a story is about.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// The version of the library that the provider runs.
    pub(crate) library: &'static str,
    /// The version of the interface that the requirer speaks.
    pub(crate) version: &'static str,
    /// Whether the requirer is in another model.
    pub(crate) across_models: bool,
}

/// What is provided.
pub(crate) const SERVICES: [&str; 2] = ["etcd", "valkey"];

pub(crate) struct Setting {
    pub(crate) model: Model,
    pub(crate) requirer: String,
    /// One for each service.
    pub(crate) relations: [RelationId; 2],
}

impl Setting {
    /// Both are related for both services, and at rest. Certificates are valid for a
    /// day.
    pub(crate) fn new(case: Case) -> Self {
        let mut model = Model::new(Options::temporary()).unwrap();
        let python = libraries();
        let interpreter = std::fs::read_to_string(python.join("interpreter")).unwrap();
        let carried = python.join("single_kernel_mongo/lib");
        let path = format!("{}:{}", python.display(), carried.display());
        let deployment = Deployment::units(1)
            .environment("PYTHON", interpreter.trim_end())
            .environment("PYTHONPATH", path)
            .environment("PYTHONDONTWRITEBYTECODE", "1");
        model.deploy_with(
            "provider",
            Charm::at(charms().join(case.library)),
            deployment,
        );

        let deployment = Deployment::units(1)
            .config("version", case.version)
            .config("days", 1);
        let name = if case.across_models {
            model.deploy_remote_with("app", requirer(), RemoteSide::Consumer, deployment)
        } else {
            model.deploy_with("app", requirer(), deployment);
            "app".to_owned()
        };
        let relations = SERVICES.map(|service| {
            let provided = format!("provider:{service}-client");
            model.integrate(&provided, &format!("{name}:{service}"))
        });
        let mut setting = Self {
            model,
            requirer: name,
            relations,
        };
        setting.settle();
        setting
    }

    pub(crate) fn settle(&mut self) {
        if let Err(error) = self.model.settle(SETTLE_LIMIT) {
            panic!("{error}");
        }
    }

    /// Sets options of the provider.
    pub(crate) fn tell(&mut self, options: &[(&str, &str)]) {
        for (key, value) in options {
            self.model.set_config("provider", key, *value);
        }
        self.settle();
    }

    /// What the requirer was told of a service, hook by hook.
    pub(crate) fn answers(&self, service: &str) -> Vec<Value> {
        let mut lines = self.lines(&self.requirer, "answers.jsonl");
        lines.retain(|line| line["service"] == service);
        lines
    }

    /// What it was told last.
    pub(crate) fn answer(&self, service: &str) -> Value {
        self.answers(service).pop().unwrap()
    }

    /// The certificates that the library has given to its charm.
    pub(crate) fn received(&self) -> Vec<String> {
        let lines = self.lines("provider", "received.jsonl").into_iter();
        lines
            .map(|line| line["certificate"].as_str().unwrap().to_owned())
            .collect()
    }

    fn lines(&self, app: &str, file: &str) -> Vec<Value> {
        let path = self.model.charm_directory(UnitName::new(app, 0)).join(file);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// What the requirer has written: its databags, and its secrets.
    pub(crate) fn asked(&self) -> (Vec<BTreeMap<String, String>>, Vec<Value>) {
        let bag = |relation: &RelationId| self.model.app_bag(*relation, &self.requirer);
        (self.relations.iter().map(bag).collect(), self.secrets())
    }

    /// The secrets of the requirer.
    pub(crate) fn secrets(&self) -> Vec<Value> {
        let secrets = self.model.secrets(&self.requirer);
        let shown = |secret: &SecretView| json!([secret.label, secret.latest()]);
        secrets.iter().map(shown).collect()
    }
}
