//! The commands in the README of another charm of this repository: what they name
//! is there, and the tests of that charm have it.

use std::fs;
use std::path::PathBuf;

use crate::commands::{OF_JUJU_ALONE, Tests, run};
use crate::metadata::Metadata;

/// Commands of Juju that a charm has a part in, but names nothing of its own.
const OF_ANY_CHARM: &[&str] = &[
    "add-secret",
    "add-unit",
    "grant-secret",
    "refresh",
    "remove-unit",
    "trust",
];

pub(crate) struct Sister {
    name: String,
    readme: PathBuf,
    metadata: Metadata,
    tests: Tests,
}

impl Sister {
    /// The published charms but that of etcd, whose documents are more than one.
    pub(crate) fn all() -> Vec<Self> {
        let root = crate::root();
        let charms = fs::read_to_string(root.join("release/charms")).unwrap();
        let others = charms.lines().filter(|name| *name != "etcd");
        others
            .map(|name| {
                let directory = root.join("charms").join(name);
                Self {
                    name: name.to_owned(),
                    readme: directory.join("README.md"),
                    metadata: Metadata::of(&directory),
                    tests: Tests::below(&directory.join("tests")),
                }
            })
            .collect()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a command is about this charm alone.
    pub(crate) fn is_asked_by(&self, command: &str) -> bool {
        let words: Vec<&str> = command.split_whitespace().collect();
        let is_alone = ["run", "config"].map(|verb| ["juju", verb]);
        let application = words.get(2).and_then(|word| word.split('/').next());
        words.len() > 2
            && is_alone.iter().any(|begin| words.starts_with(begin))
            && application == Some(&self.name)
    }

    /// The README, and the documents beside it.
    pub(crate) fn documents(&self) -> String {
        let mut text = fs::read_to_string(&self.readme).unwrap();
        let beside = self.readme.with_file_name("docs");
        for entry in fs::read_dir(beside).into_iter().flatten() {
            text.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
        }
        text
    }

    /// Whether a command can be given as it stands.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(&self, command: &str) -> Result<(), String> {
        let words: Vec<&str> = command.split_whitespace().collect();
        match *words.first().ok_or("it is empty")? {
            "juju" => self.juju(&words[1..]),
            "make" => words[1..]
                .iter()
                .filter(|word| !word.contains('='))
                .try_for_each(|target| self.tests.has_target(target)),
            "cargo" => Ok(()),
            script if crate::root().join(script).is_file() => Ok(()),
            _ => Err("it is of no kind that is known here".to_owned()),
        }
    }

    fn juju(&self, words: &[&str]) -> Result<(), String> {
        let (verb, arguments) = words.split_first().ok_or("juju what?")?;
        match (*verb, arguments) {
            ("config", [name, set @ ..]) if *name == self.name => set.iter().try_for_each(|word| {
                let option = word.split('=').next().unwrap_or_default();
                self.has_option(option)
            }),
            ("run", [unit, action, set @ ..]) if unit.split('/').next() == Some(&self.name) => {
                let pair = |word: &&str| {
                    let (key, value) = word.split_once('=')?;
                    Some((key.to_owned(), value.to_owned()))
                };
                let set: Option<Vec<_>> = set.iter().map(pair).collect();
                let set = set.ok_or("not all of it is name=value")?;
                run(action, &set, &self.metadata, &self.tests)
            }
            ("attach-resource", [name, set]) if *name == self.name => {
                let resource = set.split('=').next().unwrap_or_default();
                let is_known = self.metadata.map("resources").contains_key(resource);
                is_known
                    .then_some(())
                    .ok_or_else(|| format!("there is no resource {resource}"))
            }
            ("integrate" | "remove-relation" | "offer", ends) => {
                ends.iter().try_for_each(|end| self.has_end(end))
            }
            ("deploy" | "config" | "run", _) => Ok(()),
            (verb, _) if OF_ANY_CHARM.contains(&verb) || OF_JUJU_ALONE.contains(&verb) => Ok(()),
            _ => Err(format!("{verb} is not known here")),
        }
    }

    fn has_option(&self, name: &str) -> Result<(), String> {
        let is_known = self.metadata.options().contains_key(name);
        is_known
            .then_some(())
            .ok_or_else(|| format!("there is no option {name}"))
    }

    /// One end of a relation, which may be that of another application.
    fn has_end(&self, end: &str) -> Result<(), String> {
        match end.split_once(':') {
            Some((name, endpoint)) if name == self.name => self
                .metadata
                .has_endpoint(endpoint)
                .then_some(())
                .ok_or_else(|| format!("there is no endpoint {endpoint}")),
            _ => Ok(()),
        }
    }
}
