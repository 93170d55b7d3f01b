//! Terraform modules, one for each charm, read by Terraform's own parser: that they
//! keep to the conventions of charms, and fit the charm that they deploy.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use serde_json::{Map, Value};

use crate::charm::Charm;
use crate::{read, root, tool};

pub(crate) fn tests() -> Vec<(&'static str, fn())> {
    vec![
        ("modules_have_the_variables_of_charms", variables),
        ("modules_have_the_outputs_of_charms", outputs),
        ("modules_use_each_variable_that_they_declare", used),
        ("modules_are_formatted", formatted),
        ("modules_are_documented", documented),
    ]
}

const BEGIN: &str = "<!-- inputs and outputs -->\n";
const END: &str = "<!-- end -->";

/// The module of a charm.
struct Module {
    charm: Charm,
    directory: PathBuf,
    read: Value,
}

impl Module {
    fn all() -> Vec<Self> {
        Charm::all().into_iter().map(Self::of).collect()
    }

    fn of(charm: Charm) -> Self {
        let directory = PathBuf::from("terraform").join(&charm.name);
        let output = Command::new(tool("terraform-config-inspect"))
            .arg("--json")
            .arg(root().join(&directory))
            .output()
            .unwrap();
        let read: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(read["diagnostics"], Value::Null, "{}", directory.display());
        Self {
            charm,
            directory,
            read,
        }
    }

    fn section(&self, name: &str) -> &Map<String, Value> {
        self.read[name].as_object().unwrap()
    }

    /// The names of a section in the order in which the file has them.
    fn in_order(&self, name: &str) -> Vec<&str> {
        let mut all: Vec<_> = self.section(name).iter().collect();
        all.sort_by_key(|(_, item)| item["pos"]["line"].as_u64());
        all.into_iter().map(|(name, _)| &**name).collect()
    }
}

fn variables() {
    for module in Module::all() {
        let mut wanted = vec![
            "app_name",
            "base",
            "channel",
            "config",
            "constraints",
            "endpoint_bindings",
            "machines",
            "model_uuid",
            "revision",
            "units",
        ];
        if module.charm.metadata.contains_key("storage") {
            wanted.push("storage_directives");
        }
        if module.charm.metadata.contains_key("resources") {
            wanted.push("resources");
        }
        let declared = module.in_order("variables");
        assert!(declared.is_sorted(), "{declared:?}");
        for name in wanted {
            assert!(declared.contains(&name), "{}: no {name}", module.charm.name);
        }
        for (name, variable) in module.section("variables") {
            let is_required = variable["required"] == Value::Bool(true);
            assert_eq!(is_required, name == "model_uuid", "{name}");
            assert!(variable["type"].is_string(), "{name} has no type");
            assert!(
                variable["description"].is_string(),
                "{name} is not described"
            );
        }
        let default = |name: &str| &module.section("variables")[name]["default"];
        assert_eq!(*default("app_name"), module.charm.name);
        let platforms = module.charm.charmcraft["platforms"].as_object().unwrap();
        let base = default("base").as_str().unwrap();
        assert!(
            platforms.keys().all(|platform| platform.starts_with(base)),
            "{base}"
        );

        let juju = &module.section("required_providers")["juju"];
        assert_eq!(juju["source"], "juju/juju");
        let least = juju["version_constraints"][0].as_str().unwrap();
        assert!(
            least.starts_with(">= 1."),
            "{least}: before 1.0 there was no model_uuid"
        );
    }
}

/// The endpoints in a map of outputs.tf, by the names that it gives them.
fn endpoints(outputs: &str, output: &str) -> BTreeMap<String, String> {
    let (_, from) = outputs
        .split_once(&format!("output \"{output}\" {{"))
        .unwrap();
    let (block, _) = from.split_once("\n}").unwrap();
    let pairs = block.lines().filter_map(|line| {
        let (name, endpoint) = line.trim().split_once('=')?;
        let endpoint = endpoint.trim().strip_prefix('"')?.strip_suffix('"')?;
        Some((name.trim().to_owned(), endpoint.to_owned()))
    });
    pairs.filter(|(name, _)| name != "description").collect()
}

fn outputs() {
    for module in Module::all() {
        let declared = module.in_order("outputs");
        assert_eq!(
            declared,
            ["app_name", "application", "provides", "requires"]
        );
        let text = read(module.directory.join("outputs.tf"));
        for role in ["provides", "requires"] {
            let names = module.charm.names(role).into_iter();
            let wanted = names.map(|name| (name.replace('-', "_"), name.to_owned()));
            assert_eq!(endpoints(&text, role), wanted.collect(), "{role}");
        }
    }
}

/// What `juju_application` takes: its schema, as the provider documents it. The
/// provider itself comes from Terraform's registry only.
const ARGUMENTS: [&str; 10] = [
    "config",
    "constraints",
    "endpoint_bindings",
    "machines",
    "model_uuid",
    "name",
    "resources",
    "storage_directives",
    "trust",
    "units",
];

fn used() {
    for module in Module::all() {
        let main = read(module.directory.join("main.tf"));
        let mut named: Vec<_> = main
            .split("var.")
            .skip(1)
            .map(|rest| {
                rest.split(|c: char| c != '_' && !c.is_alphanumeric())
                    .next()
                    .unwrap()
            })
            .collect();
        named.sort_unstable();
        named.dedup();
        let declared: Vec<_> = module.section("variables").keys().collect();
        assert_eq!(named, declared, "{}", module.charm.name);
        let arguments = main.lines().filter_map(|line| {
            let (name, _) = line.strip_prefix("  ")?.split_once(" = ")?;
            (!name.starts_with(' ')).then(|| name.trim())
        });
        for argument in arguments {
            assert!(ARGUMENTS.contains(&argument), "{argument}");
        }
        let charm = format!("name     = \"{}\"", module.charm.name);
        assert!(main.contains(&charm), "{charm} is not what is deployed");
    }
}

/// By Terraform or OpenTofu, where one of them is at hand.
fn formatted() {
    let format = |program: &str| {
        let mut command = Command::new(program);
        command.args(["fmt", "-check", "-recursive", "terraform"]);
        command.current_dir(root()).output().ok()
    };
    let Some(output) = ["terraform", "tofu"].into_iter().find_map(format) else {
        eprintln!("shipping: modules_are_formatted: neither terraform nor tofu is here");
        return;
    };
    let files = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "`terraform fmt -recursive terraform` changes\n{files}"
    );
}

fn table(module: &Module) -> String {
    let mut out = "\n| Input | Type | Default | |\n|---|---|---|---|\n".to_owned();
    for (name, variable) in module.section("variables") {
        // Of an object, only that it is one.
        let kind = variable["type"].as_str().unwrap();
        let kind = kind.split(['{', '}']).step_by(2).collect::<String>();
        let kind = kind.replace("()", "");
        let default = match &variable["default"] {
            _ if name == "model_uuid" => "required".to_owned(),
            default => format!("`{default}`"),
        };
        let description = variable["description"].as_str().unwrap();
        out.push_str(&format!(
            "| `{name}` | `{kind}` | {default} | {description} |\n"
        ));
    }
    out.push_str("\n| Output | |\n|---|---|\n");
    for (name, output) in module.section("outputs") {
        let description = output["description"].as_str().unwrap();
        out.push_str(&format!("| `{name}` | {description} |\n"));
    }
    out.push('\n');
    out
}

fn documented() {
    for module in Module::all() {
        let path = module.directory.join("README.md");
        let text = read(&path);
        let (before, rest) = text.split_once(BEGIN).expect("a place for the tables");
        let (_, after) = rest.split_once(END).expect("an end of the tables");
        let right = format!("{before}{BEGIN}{}{END}{after}", table(&module));
        if env::var_os("SHIPPING_WRITE").is_some() {
            fs::write(root().join(path), right).unwrap();
        } else {
            assert_eq!(text, right, "run this with SHIPPING_WRITE=1");
        }
    }
}
