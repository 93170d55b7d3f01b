//! The commands in documents: each must be one that the charm understands, and
//! one that some test runs, in the simulated Juju where it is Juju's.

use std::path::Path;
use std::{env, fs};

use etcd_charm::facts::options::Options;
use serde_json::{Map, Value};

use crate::metadata::{Metadata, is_required, parameters};

/// Commands of Juju that concern the charm, and what does the same in a test.
const OF_JUJU: &[(&str, &str)] = &[
    ("add-unit", "world.add_unit()"),
    ("attach-resource", ".resource(\"etcd\","),
    ("config", "model.set_config(\"etcd\","),
    ("deploy", "world.deploy_with("),
    ("integrate", ".integrate(\"etcd:etcd-client\","),
    ("offer", "world.relate_offer("),
    ("refresh", "model.upgrade_charm(\"etcd\","),
    ("remove-relation", "model.remove_relation("),
    ("remove-unit", "world.remove_unit("),
    ("run", ".run_action("),
];

/// Those that only look, or that the charm has no part in.
pub(crate) const OF_JUJU_ALONE: &[&str] = &[
    "actions",
    "add-model",
    "bootstrap",
    "consume",
    "debug-log",
    "destroy-model",
    "expose",
    "model-config",
    "remove-application",
    "scp",
    "secrets",
    "show-secret",
    "show-unit",
    "ssh",
    "status",
];

/// What the application is called in the document that has another one of etcd
/// beside it.
const ALSO_ETCD: &str = "store";

/// The sources of all tests.
pub(crate) struct Tests {
    text: String,
    makefile: String,
}

impl Tests {
    pub(crate) fn read() -> Self {
        Self::below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
    }

    pub(crate) fn below(directory: &Path) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut text = String::new();
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                let is_this = path.ends_with("tests/docs");
                if path.is_dir() && !is_this {
                    directories.push(path);
                } else if path.extension().is_some_and(|end| end == "rs") {
                    text.push_str(&fs::read_to_string(path).unwrap());
                }
            }
        }
        Self {
            text,
            makefile: fs::read_to_string(root.join("Makefile")).unwrap(),
        }
    }

    pub(crate) fn has_target(&self, target: &str) -> Result<(), String> {
        match self.makefile.contains(&format!("\n{target}:")) {
            true => Ok(()),
            false => Err(format!("there is no target {target}")),
        }
    }

    fn have(&self, text: &str) -> Result<(), String> {
        match self.text.contains(text) {
            true => Ok(()),
            false => Err(format!("no test has {text}")),
        }
    }
}

/// The commands of a text: the lines of its blocks for the shell, and what
/// begins with `juju` or `make` between backticks.
pub(crate) fn of_text(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut in_block = None;
    let mut begun = String::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            in_block = match in_block {
                None => Some(language),
                Some(_) => None,
            };
            continue;
        }
        match in_block {
            Some("shell") => {
                begun.push_str(line);
                if begun.ends_with('\\') {
                    begun.pop();
                    continue;
                }
                let command = begun.split(" #").next().unwrap_or_default().trim();
                if !command.is_empty() && !command.starts_with('#') {
                    commands.push(command.to_owned());
                }
                begun.clear();
            }
            Some(_) => {}
            None => {
                let spans = line.split('`').skip(1).step_by(2);
                let is_command =
                    |span: &&str| span.starts_with("juju ") || span.starts_with("make ");
                commands.extend(spans.filter(is_command).map(str::to_owned));
            }
        }
    }
    commands
}

/// Whether a command can be given as it stands.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(command: &str, metadata: &Metadata, tests: &Tests) -> Result<(), String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let (first, rest) = words.split_first().ok_or("it is empty")?;
    match *first {
        "juju" => juju(rest, metadata, tests),
        "make" => rest
            .iter()
            .filter(|word| !word.contains('='))
            .try_for_each(|target| tests.has_target(target)),
        // With or without the words that set variables before it.
        _ if words.iter().any(|word| ["cargo", "."].contains(word)) => Ok(()),
        "etcdctl" => etcdctl(rest, tests),
        // What prepares the operator's own computer.
        "sudo" if ["apt-get", "snap"].contains(&words[1]) && words[2] == "install" => Ok(()),
        "sudo" if words[1] == "-i" => Ok(()),
        "cd" | "export" | "lxd" | "tar" => Ok(()),
        _ => Err("it is of no kind that is known here".to_owned()),
    }
}

/// A subcommand that some test runs as well.
fn etcdctl(words: &[&str], tests: &Tests) -> Result<(), String> {
    let mut subcommands = words.iter().filter(|word| !word.starts_with('-'));
    let first = subcommands.next().ok_or("etcdctl what?")?;
    let one = tests.have(&format!("&[\"{first}\""));
    match subcommands.next() {
        Some(second) => one.or_else(|_| tests.have(&format!("\"{first}\", \"{second}\""))),
        None => one,
    }
}

fn juju(words: &[&str], metadata: &Metadata, tests: &Tests) -> Result<(), String> {
    let mut words = words.to_vec();
    let is_other = |word: &&str| word.split(['/', ':']).next() == Some(ALSO_ETCD);
    let renamed: Vec<String> = words
        .iter()
        .map(|word| match is_other(word) {
            true => word.replacen(ALSO_ETCD, "etcd", 1),
            false => (*word).to_owned(),
        })
        .collect();
    if renamed.starts_with(&["deploy", "etcd", "etcd"].map(str::to_owned)) {
        words.remove(2);
    } else {
        words = renamed.iter().map(|word| &**word).collect();
    }
    let words = &words[..];
    let (verb, arguments) = words.split_first().ok_or("juju what?")?;
    if OF_JUJU_ALONE.contains(verb) {
        return Ok(());
    }
    let known = OF_JUJU.iter().find(|(name, _)| name == verb);
    let (_, test) = known.ok_or_else(|| format!("{verb} is not known here"))?;
    tests.have(test)?;
    if arguments.is_empty() {
        // A command that is only spoken of.
        return Ok(());
    }
    let pairs = |words: &[&str]| -> Result<Vec<(String, String)>, String> {
        let pair = |word: &&str| {
            let (key, value) = word.split_once('=')?;
            Some((key.to_owned(), value.trim_matches(['"', '\'']).to_owned()))
        };
        let pairs: Option<Vec<_>> = words.iter().map(pair).collect();
        pairs.ok_or_else(|| format!("{words:?} is not all name=value"))
    };
    match (*verb, arguments) {
        // Another application's.
        ("deploy" | "config", [other, ..]) if *other != "etcd" => Ok(()),
        ("remove-relation", [_, "charmed-etcd"]) => Ok(()),
        ("config", [_, "--reset", names]) => names
            .split(',')
            .try_for_each(|name| option_is_known(name, metadata, tests)),
        ("config", ["etcd"]) => Ok(()),
        ("config", [_, set @ ..]) => options(&pairs(set)?, metadata, tests),
        // One offer may have several endpoints.
        ("offer", [offered]) => match offered.strip_prefix("etcd:") {
            Some(names) if names.split(',').all(|name| metadata.has_endpoint(name)) => Ok(()),
            _ => Err(format!("there is no endpoint {offered}")),
        },
        ("refresh", ["etcd"]) => Ok(()),
        ("remove-unit", [_, "--force"]) => tests.have("model.remove_unit_force("),
        ("deploy", [_, flags @ ..]) => flags.chunks(2).try_for_each(|flag| match flag {
            ["-n", _] => Ok(()),
            ["--config", set] => options(&pairs(&[set])?, metadata, tests),
            ["--resource", set] => named(set, metadata, "resources"),
            ["--storage", set] => named(set, metadata, "storage"),
            other => Err(format!("{other:?} is not known here")),
        }),
        ("attach-resource", ["etcd", set]) => named(set, metadata, "resources"),
        ("integrate" | "remove-relation", [one, other]) => {
            let ends = [one, other];
            let mut own = ends.iter().filter_map(|end| match end.split_once(':') {
                None => (**end == "etcd").then_some("etcd-client"),
                Some((application, endpoint)) => (application == "etcd").then_some(endpoint),
            });
            match own.next() {
                Some(endpoint) if metadata.has_endpoint(endpoint) => {
                    let whole = tests.have(&format!("etcd:{endpoint}"));
                    whole.or_else(|_| tests.have(&format!("\"{endpoint}\"")))
                }
                other => Err(format!("there is no endpoint {other:?}")),
            }
        }
        ("run", [unit, action, set @ ..]) if unit.starts_with("etcd/") => {
            run(action, &pairs(set)?, metadata, tests)
        }
        ("add-unit", ["etcd", "--attach-storage", set]) => {
            tests.have("world.add_unit_attaching(")?;
            let (name, _) = set.split_once('/').ok_or("a storage has a number")?;
            named(name, metadata, "storage")
        }
        ("add-unit" | "remove-unit", [.., last]) if last.starts_with("etcd") => Ok(()),
        _ => Err("it is not of a form that is known here".to_owned()),
    }
}

fn named(set: &str, metadata: &Metadata, key: &str) -> Result<(), String> {
    let name = set.split('=').next().unwrap_or_default();
    match metadata.map(key).contains_key(name) {
        true => Ok(()),
        false => Err(format!("{name} is none of the {key}")),
    }
}

fn option_is_known(name: &str, metadata: &Metadata, tests: &Tests) -> Result<(), String> {
    if !metadata.options().contains_key(name) {
        return Err(format!("there is no option {name}"));
    }
    tests.have(&format!("\"{name}\""))
}

/// Options exist, some test sets them, and the charm takes their values.
fn options(set: &[(String, String)], metadata: &Metadata, tests: &Tests) -> Result<(), String> {
    let mut config = Map::new();
    for (name, value) in set {
        option_is_known(name, metadata, tests)?;
        let value = match metadata.options()[name]["type"].as_str() {
            Some("int") => value.parse::<i64>().ok().map(Value::from),
            Some("boolean") => value.parse::<bool>().ok().map(Value::from),
            _ => Some(Value::from(value.as_str())),
        };
        let value = value.ok_or_else(|| format!("{name} is of another type"))?;
        config.insert(name.clone(), value);
    }
    match Options::parse(&config) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

/// The action exists and some test runs it; each parameter exists and is of the
/// right type, and none is missing.
pub(crate) fn run(
    name: &str,
    set: &[(String, String)],
    metadata: &Metadata,
    tests: &Tests,
) -> Result<(), String> {
    let action = metadata.actions().get(name);
    let action = action.ok_or_else(|| format!("there is no action {name}"))?;
    let alone = tests.have(&format!("\"{name}\""));
    alone.or_else(|_| tests.have(&format!("\"{name} ")))?;
    for (parameter, value) in set {
        let mut known = parameters(action);
        let (_, of) = known
            .find(|(other, _)| *other == parameter)
            .ok_or_else(|| format!("{name} has no parameter {parameter}"))?;
        let fits = match of["type"].as_str() {
            Some("boolean") => value.parse::<bool>().is_ok(),
            Some("integer") => value.parse::<i64>().is_ok(),
            _ => true,
        };
        if !fits {
            return Err(format!("{value} is no value for {parameter}"));
        }
    }
    let missing = parameters(action)
        .map(|(parameter, _)| parameter)
        .find(|parameter| {
            is_required(action, parameter) && set.iter().all(|(name, _)| name != *parameter)
        });
    match missing {
        Some(parameter) => Err(format!("{name} needs {parameter}")),
        None => Ok(()),
    }
}
