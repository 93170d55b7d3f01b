//! A model with charms whose hooks are lines of shell that a test writes.

use std::path::{Path, PathBuf};

use juju_simulator::{
    Charm, Deployment, Hook, HookRun, JujuVersion, Model, Options, RelationId, ToolCall, UnitName,
};

/// Both ends of everything, so that two applications of it can be related.
pub(crate) const METADATA: &str = "
name: any
requires:
  db: {interface: db}
provides:
  server: {interface: db}
peers:
  mates: {interface: mates}
config:
  options:
    name: {type: string, default: plain}
    count: {type: int}
    ratio: {type: float, default: 0.5}
    on: {type: boolean, default: true}
actions:
  go:
    params:
      speed: {type: integer, default: 3}
";

/// Runs the lines that the test wrote for this unit or application and hook.
const DISPATCH: &str = r#"#!/bin/sh
hook="${JUJU_HOOK_NAME:-action}"
for who in "${JUJU_UNIT_NAME%/*}" "${JUJU_UNIT_NAME%/*}-${JUJU_UNIT_NAME#*/}"; do
    if [ -f "$SCRIPTS/$who.$hook" ]; then . "$SCRIPTS/$who.$hook"; fi
done
exit 0
"#;

pub(crate) struct World {
    pub(crate) model: Model,
    scripts: PathBuf,
}

pub(crate) fn write_executable(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = path.parent().expect("a path in a directory");
    std::fs::create_dir_all(parent).expect("a directory for the script");
    std::fs::write(path, text).expect("the script is written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("executable");
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn v4() -> Self {
        Self::with(|options| options.version(JujuVersion::V4_0))
    }

    /// So many units of `app`, at rest.
    pub(crate) fn deployed(units: u32) -> Self {
        let mut world = Self::new();
        world.deploy("app", units);
        world.settle();
        world
    }

    /// So many units of `app`, and of `pg`, which has no process. Nothing has run yet.
    pub(crate) fn beside(units: u32, others: u32) -> Self {
        let mut world = Self::new();
        world.deploy("app", units);
        world.puppet("pg", others);
        world
    }

    /// So many units of `app`, related to one of `pg`, at rest.
    pub(crate) fn pair(units: u32) -> (Self, RelationId) {
        let mut world = Self::beside(units, 1);
        let relation = world.model.integrate("app:db", "pg:server");
        world.settle();
        (world, relation)
    }

    /// `app` and `srv`, which are related and have a process each, at rest.
    pub(crate) fn both() -> (Self, RelationId) {
        let mut world = Self::new();
        world.deploy("app", 1);
        world.deploy("srv", 1);
        let relation = world.model.integrate("app:db", "srv:server");
        world.settle();
        (world, relation)
    }

    pub(crate) fn with(change: impl FnOnce(Options) -> Options) -> Self {
        let model = Model::new(change(Options::temporary())).expect("a model");
        let scripts = model.directory().join("scripts");
        std::fs::create_dir_all(&scripts).expect("a directory for scripts");
        Self { model, scripts }
    }

    /// Writes a charm and gives it, with more lines of metadata.
    pub(crate) fn charm(&self, name: &str, more: &str) -> Charm {
        let directory = self.model.directory().join("charms").join(name);
        write_executable(&directory.join("dispatch"), DISPATCH);
        std::fs::write(directory.join("metadata.yaml"), format!("{METADATA}{more}"))
            .expect("metadata");
        Charm::at(directory)
    }

    pub(crate) fn deployment(&self, units: u32) -> Deployment {
        Deployment::units(units).environment("SCRIPTS", self.scripts.display().to_string())
    }

    pub(crate) fn deploy(&mut self, name: &str, units: u32) {
        let (charm, deployment) = (self.charm(name, ""), self.deployment(units));
        self.model.deploy_with(name, charm, deployment);
    }

    /// An application without a process, with the same endpoints but no peers.
    pub(crate) fn puppet(&mut self, name: &str, units: u32) {
        let metadata = METADATA.replace("peers:\n  mates: {interface: mates}\n", "");
        self.model
            .deploy_with(name, Charm::puppet(&metadata), Deployment::units(units));
    }

    /// Lines for a hook of an application or of a unit (`app-0`).
    pub(crate) fn script(&self, who: &str, hook: &str, lines: &str) {
        std::fs::write(self.scripts.join(format!("{who}.{hook}")), lines)
            .expect("the lines are written");
    }

    pub(crate) fn unscript(&self, who: &str, hook: &str) {
        std::fs::remove_file(self.scripts.join(format!("{who}.{hook}"))).expect("there were lines");
    }

    pub(crate) fn settle(&mut self) -> Vec<HookRun> {
        self.model.settle(200).expect("the model comes to rest")
    }

    /// Runs lines in an update-status hook of a unit.
    pub(crate) fn run(&mut self, unit: &str, lines: &str) -> HookRun {
        let who = UnitName::from(unit).with_dash();
        self.script(&who, "update-status", lines);
        let run = self.model.run_hook(unit, Hook::UpdateStatus);
        self.unscript(&who, "update-status");
        run
    }

    /// Runs one tool in a hook of a unit and gives its call.
    pub(crate) fn call(&mut self, unit: &str, line: &str) -> ToolCall {
        let mut run = self.run(unit, line);
        assert!(
            !run.calls.is_empty(),
            "{line} called no tool: {}",
            run.stderr
        );
        run.calls.remove(0)
    }
}

/// The names of hooks, with the unit before each: `app/0 install`.
pub(crate) fn names(runs: &[HookRun]) -> Vec<String> {
    runs.iter()
        .map(|run| format!("{} {}", run.unit, run.name))
        .collect()
}

pub(crate) fn names_of(runs: &[HookRun], unit: &str) -> Vec<String> {
    runs.iter()
        .filter(|run| run.unit.as_str() == unit)
        .map(|run| run.name.clone())
        .collect()
}

pub(crate) fn find<'a>(runs: &'a [HookRun], unit: &str, name: &str) -> &'a HookRun {
    let found = runs
        .iter()
        .find(|run| run.unit.as_str() == unit && run.name == name);
    found.unwrap_or_else(|| panic!("{unit} did not run {name}: {:?}", names(runs)))
}

/// What a call of a tool came to.
pub(crate) trait Outcome {
    /// Asserts that it failed with this code and these words.
    #[track_caller]
    fn fails(&self, code: i32, stderr: &str);

    /// Asserts that it succeeded and printed this.
    #[track_caller]
    fn prints(&self, stdout: &str);
}

impl Outcome for ToolCall {
    fn fails(&self, code: i32, stderr: &str) {
        let stderr = format!("ERROR {stderr}\n");
        let seen = (self.exit_code, &*self.stderr, &*self.stdout);
        assert_eq!(seen, (code, &*stderr, ""), "{self:?}");
    }

    fn prints(&self, stdout: &str) {
        let seen = (self.exit_code, &*self.stdout);
        assert_eq!(seen, (0, stdout), "{self:?}");
    }
}
