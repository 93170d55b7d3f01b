//! What an operator reads: a whole life of the charm, with `juju status` after
//! each stage and the results of actions as `juju run` prints them. It judges
//! nothing; who changes a text reads it here.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use etcd_charm_world::juju::{AgentState, Deployment};
use etcd_charm_world::{
    ClientAuthority, JujuVersion, Kind, Programs, UnitName, V0, World, WorldOptions,
};
use serde_json::{Value, json};

/// Where `juju status` cuts a message, in characters.
const CUT: usize = 120;

/// The column behind which `juju run` breaks a line of results at a space.
const WIDTH: usize = 80;

fn main() -> ExitCode {
    if let Some(code) = etcd_charm_world::run_as_tool() {
        return code;
    }
    let Some(charm) = std::env::args().nth(1).map(PathBuf::from) else {
        say("usage: statuses PATH, where PATH is the charm's program");
        return ExitCode::from(2);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut all = Programs::all().into_iter();
    let (Some(old), Some(new)) = (all.next(), all.next()) else {
        say("two releases of etcd are needed: run `make statuses`");
        return ExitCode::FAILURE;
    };
    let world = World::new(WorldOptions {
        dispatch: charm.canonicalize().expect("the charm's program is there"),
        charm: root.clone(),
        programs: old,
        juju: JujuVersion::V3_6,
        seed: 1,
    });
    Life { world, root }.run(&new.version);
    ExitCode::SUCCESS
}

struct Life {
    world: World,
    root: PathBuf,
}

impl Life {
    fn run(&mut self, newer: &str) {
        let units = self.deploy();
        self.refuse(&units[0]);
        self.lose(&units);
        self.alarm(&units[0]);
        self.configure();
        self.upgrade(newer);
        self.restore(&units);
        self.lose_quorum(&units);
    }

    fn deploy(&mut self) -> [UnitName; 3] {
        let first = self.world.deploy_with(Deployment::units(1));
        self.world.settle();
        self.show("juju deploy etcd");
        let others = [self.world.add_unit(), self.world.add_unit()];
        self.world.rest();
        self.show("juju add-unit -n 2 etcd");
        let [second, third] = others;
        [first, second, third]
    }

    fn refuse(&mut self, unit: &UnitName) {
        let authority = ClientAuthority::new();
        for (app, prefix, certificate) in [
            ("shop", "/shop/", authority.issue("shop")),
            (
                "mallory",
                "/shop/",
                authority.issue_kind("mallory", Kind::Authority),
            ),
            ("eve", "/", authority.issue("root")),
            ("twin", "/twin/", authority.issue("shop")),
        ] {
            let relation = self.world.relate(app);
            let model = &mut self.world.model;
            V0::ask(model, app, relation, prefix).set_certificate(model, &certificate.certificate);
            self.world.rest();
        }
        self.show("four applications are related, and three of them are refused");
        self.action(unit, "list-clients", json!({}));
    }

    fn lose(&mut self, units: &[UnitName; 3]) {
        self.world.machines[&units[2]].power_off();
        self.look(&units[..2]);
        self.show("the machine of etcd/2 is down");
        self.action(&units[0], "health", json!({}));
        self.back(&units[2]);
        self.show("the machine of etcd/2 is back");
    }

    fn alarm(&mut self, unit: &UnitName) {
        self.world.raise_alarm(unit, "NOSPACE");
        self.world.rest();
        self.show("a database is full");
        for action in ["alarm-list", "compact", "defrag", "alarm-disarm"] {
            self.action(unit, action, json!({}));
        }
        self.world.rest();
        self.show("there is room again");
    }

    fn configure(&mut self) {
        self.world.model.set_config("etcd", "log-level", "debug");
        self.world.rest();
        self.show("juju config etcd log-level=debug");
        self.world.model.set_config("etcd", "log-level", "info");
        self.world.rest();
    }

    fn upgrade(&mut self, version: &str) {
        let directory = self.root.join("target/statuses");
        std::fs::create_dir_all(&directory).expect("a directory for the archive");
        let archive = directory.join("etcd.tar.gz");
        let packer = self.root.join("tests/tools/release-archive");
        let packed = Command::new(packer).arg(version).arg(&archive).status();
        assert!(packed.expect("the packer can be started").success());
        self.world.model.attach_resource("etcd", "etcd", archive);
        self.world.rest();
        self.show(&format!(
            "juju attach-resource etcd etcd=./etcd-v{version}.tar.gz"
        ));
    }

    fn restore(&mut self, units: &[UnitName; 3]) {
        let taken = self.action(&units[0], "snapshot", json!({}));
        let path = taken["snapshot"]["path"].clone();
        self.action(&units[1], "restore", json!({"snapshot": path}));
        self.action(&units[0], "restore", json!({"snapshot": path}));
        self.show("right after restore");
        self.world.rest();
        self.show("some hooks after restore");
        self.action(&units[0], "generate-client-certificates", json!({}));
        self.action(&units[0], "reconcile", json!({}));
    }

    fn lose_quorum(&mut self, units: &[UnitName; 3]) {
        for unit in &units[1..] {
            self.world.machines[unit].power_off();
        }
        self.look(&units[..1]);
        self.show("two machines of three are down");
        self.action(&units[0], "rebuild-cluster", json!({}));
        for unit in &units[1..] {
            self.back(unit);
        }
        self.show("they are back");
    }

    /// These units look after their members; nothing runs on machines that are off.
    fn look(&mut self, units: &[UnitName]) {
        for unit in units {
            let hook = etcd_charm_world::juju::Hook::UpdateStatus;
            self.world.model.run_hook(unit.clone(), hook);
        }
    }

    fn back(&mut self, unit: &UnitName) {
        self.world.machines[unit].power_on();
        self.world.model.agent_restart(unit.clone(), true);
        self.world.rest();
    }

    fn show(&self, stage: &str) {
        let model = &self.world.model;
        say(&format!("\n=== {stage}\n"));
        say(&format!(
            "{:<8}{:<9}{:<13}Message",
            "App", "Version", "Status"
        ));
        let status = model.app_status("etcd");
        let version = model.workload_version("etcd");
        say(&format!(
            "{:<8}{version:<9}{:<13}{}",
            "etcd",
            status.status,
            cut(&status.message)
        ));
        say(&format!(
            "\n{:<10}{:<13}{:<8}Message",
            "Unit", "Workload", "Agent"
        ));
        for unit in model.units("etcd") {
            let status = model.unit_status(&unit);
            let star = if model.is_leader(&unit) { "*" } else { "" };
            let agent = match model.agent_state(&unit) {
                AgentState::Idle => "idle",
                AgentState::Error(_) => "error",
            };
            let name = format!("{unit}{star}");
            say(&format!(
                "{name:<10}{:<13}{agent:<8}{}",
                status.status,
                cut(&status.message)
            ));
        }
    }

    fn action(&mut self, unit: &UnitName, name: &str, parameters: Value) -> Value {
        let given: Vec<String> = parameters
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| format!(" {key}={}", value.as_str().unwrap_or_default()))
            .collect();
        say(&format!("\n$ juju run {unit} {name}{}", given.concat()));
        let result = self.world.run_action(unit, name, parameters);
        if result.status != "completed" {
            say(&format!("ERROR {}", result.message));
        }
        yaml(&result.results, 0);
        result.results
    }
}

fn say(line: &str) {
    // Whoever reads this may have had enough of it.
    let _ = writeln!(io::stdout(), "{line}");
}

fn cut(message: &str) -> String {
    match message.chars().count() > CUT {
        true => message.chars().take(CUT - 1).chain(['…']).collect(),
        false => message.to_owned(),
    }
}

/// Prints results as Juju's YAML does, as far as an operator sees a difference.
fn yaml(value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Object(_) => {
                say(&format!("{indent}{key}:"));
                yaml(value, depth + 1);
            }
            Value::String(text) if text.contains('\n') => {
                say(&format!("{indent}{key}: |-"));
                for line in text.lines() {
                    say(&format!("{indent}  {line}"));
                }
            }
            other => {
                let text = other
                    .as_str()
                    .map_or_else(|| other.to_string(), str::to_owned);
                say(&folded(&format!("{indent}{key}: {text}"), &indent));
            }
        }
    }
}

/// A line, broken at each space behind the width.
fn folded(line: &str, indent: &str) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for c in line.chars() {
        if c == ' ' && column > WIDTH {
            out.push_str(&format!("\n{indent}  "));
            column = indent.len() + 2;
        } else {
            out.push(c);
            column += 1;
        }
    }
    out
}
