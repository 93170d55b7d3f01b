//! A model with the charm deployed, a pretend machine with real servers for each
//! unit, and applications that the stories play by hand.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use juju_simulator::machine::Machine;
use juju_simulator::{Charm, Deployment, HookRun, Model, Options, RelationId, UnitName};
use secret_value::Secret;
use serde_json::{Value as Json, json};
use valkey_charm::acl::OPERATOR;
use valkey_charm::valkey::{Address, Connection, Login, Target, ValkeyError, Value};

use crate::programs::Programs;

/// More hooks than any story should need to come to rest.
const SETTLE_LIMIT: usize = 2000;

const REQUIRER: &str = "
name: requirer
requires:
  valkey:
    interface: valkey_client
";

/// What a story knows of a client's access.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) tls: Option<String>,
    pub(crate) authority: Option<String>,
}

pub(crate) struct World {
    /// The model; it is dropped before the machines that its hooks run on.
    pub(crate) model: Model,
    pub(crate) machines: BTreeMap<UnitName, Machine>,
    pub(crate) programs: Programs,
    pub(crate) directory: tempfile::TempDir,
    network: u8,
    runtime: tokio::runtime::Runtime,
}

impl World {
    /// A model with the charm deployed, and nothing run yet.
    pub(crate) fn deployed(programs: Programs, seed: u64, options: &[(&str, Json)]) -> Self {
        let program = env!("CARGO_BIN_EXE_valkey-charm");
        let charm = Charm::at(env!("CARGO_MANIFEST_DIR")).with_dispatch(program);
        Self::deployed_as(charm, programs, seed, Deployment::units(1), options)
    }

    /// The same with another charm, deployed like this.
    pub(crate) fn deployed_as(
        charm: Charm,
        programs: Programs,
        seed: u64,
        deployment: Deployment,
        options: &[(&str, Json)],
    ) -> Self {
        // Short, since sockets lie below it, and their paths are limited.
        let directory = tempfile::Builder::new().prefix("vk-").tempdir().unwrap();
        // Readable for nobody else would do as well; the machine's users are pretended.
        let model = Model::new(Options::new(directory.path().join("m")).seed(seed)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mut world = Self {
            model,
            machines: BTreeMap::new(),
            programs,
            directory,
            network: 0,
            runtime,
        };
        let mut deployment = deployment.config("down-after", 1000);
        for (name, value) in options {
            deployment = deployment.config(name, value.clone());
        }
        let unit = world
            .model
            .deploy_with("valkey", charm, deployment)
            .remove(0);
        world.equip(&unit);
        world
    }

    /// The same, at rest, with this many units.
    pub(crate) fn with_units(programs: Programs, seed: u64, units: usize) -> Self {
        let mut world = Self::deployed(programs, seed, &[]);
        world.settle();
        for _ in 1..units {
            world.add_unit();
        }
        world.settle();
        // Sentinels that began earlier hear of replicas within ten seconds.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(25);
        while world
            .units()
            .iter()
            .any(|unit| world.replicas_known(unit) + 1 < units)
        {
            assert!(std::time::Instant::now() < deadline, "{}", world.logs());
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        world
    }

    /// How many replicas the sentinel of a unit knows.
    fn replicas_known(&self, unit: &UnitName) -> usize {
        let mut sentinel = self.operator(unit, "sentinel");
        let known = self.call(&mut sentinel, &["SENTINEL", "REPLICAS", "primary"]);
        known.map_or(0, |known| known.items().len())
    }

    pub(crate) fn add_unit(&mut self) -> UnitName {
        let unit = self.model.add_unit("valkey");
        self.equip(&unit);
        unit
    }

    /// Gives a unit a machine that has the program.
    pub(crate) fn equip(&mut self, unit: &UnitName) {
        self.network += 1;
        let directory = self.directory.path().join(unit.number().to_string());
        let machine = Machine::new(directory, Vec::new()).unwrap();
        let bin = machine.root().join("usr/bin");
        symlink(
            self.programs.directory.join("valkey-server"),
            bin.join("valkey-server"),
        )
        .unwrap();
        // Whoever asks for a hook leaves a note; the story lets it run.
        let script = format!("#!/bin/sh\ntouch {}\n", self.note(unit).display());
        std::fs::write(bin.join("juju-exec"), script).unwrap();
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(bin.join("juju-exec"), executable).unwrap();
        let (key, value) = machine.environment();
        self.model.set_unit_environment(unit.clone(), key, &value);
        let root = machine.root().display().to_string();
        self.model
            .set_unit_environment(unit.clone(), "VALKEY_CHARM_ROOT", &root);
        self.model
            .add_unit_path(unit.clone(), machine.path_dir().to_owned());
        self.machines.insert(unit.clone(), machine);
    }

    fn note(&self, unit: &UnitName) -> PathBuf {
        self.directory
            .path()
            .join(format!("hook-{}", unit.number()))
    }

    /// Lets all due hooks run; none may fail.
    pub(crate) fn settle(&mut self) -> Vec<HookRun> {
        let runs = self.model.settle(SETTLE_LIMIT);
        runs.unwrap_or_else(|error| panic!("{error}\n{}", self.logs()))
    }

    /// Lets the hooks run that watchers have asked for, and what follows from
    /// them.
    pub(crate) fn heed_watchers(&mut self) {
        let units: Vec<_> = self.machines.keys().cloned().collect();
        self.heed_watchers_of(&units);
        self.settle();
    }

    /// The same of these units alone: others have no power.
    pub(crate) fn heed_watchers_of(&mut self, units: &[UnitName]) {
        for unit in units {
            if std::fs::remove_file(self.note(unit)).is_ok() {
                self.update_status(unit);
            }
        }
        for unit in units {
            while let Some(run) = self.model.step_unit(unit.clone()) {
                assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
            }
        }
    }

    pub(crate) fn update_status(&mut self, unit: &UnitName) -> HookRun {
        let run = self
            .model
            .run_hook(unit.clone(), juju_simulator::Hook::UpdateStatus);
        assert!(run.succeeded(), "{}", run.stderr);
        run
    }

    pub(crate) fn update_status_all(&mut self) -> Vec<HookRun> {
        let runs = self.model.update_status_all();
        for run in &runs {
            assert!(run.succeeded(), "{}", run.stderr);
        }
        let mut all = self.settle();
        all.extend(runs);
        all
    }

    /// The ends of all logs, for whoever reads a failure.
    pub(crate) fn logs(&self) -> String {
        let mut text = String::new();
        for (unit, machine) in &self.machines {
            for what in ["server", "sentinel", "watch"] {
                let log = machine.service_log(&service(unit, what));
                let log = std::fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<_> = log.lines().collect();
                let shown = &lines[lines.len().saturating_sub(15)..];
                text.push_str(&format!("{what} of {unit}:\n  {}\n", shown.join("\n  ")));
            }
        }
        text
    }

    /// The status of a unit, as `active: text`.
    pub(crate) fn status(&self, unit: &str) -> String {
        let status = self.model.unit_status(unit);
        assert!(status.message.chars().count() <= 100, "{}", status.message);
        format!("{}: {}", status.status, status.message)
    }

    /// Deploys an application that the story plays, and relates it.
    pub(crate) fn relate(&mut self, app: &str) -> RelationId {
        if !self.model.has_application(app) {
            self.model.deploy(app, Charm::puppet(REQUIRER));
        }
        self.model
            .integrate("valkey:valkey-client", &format!("{app}:valkey"))
    }

    /// Relates an application that asks for these patterns, in version 1.
    pub(crate) fn ask(&mut self, app: &str, patterns: &[&str]) -> RelationId {
        let relation = self.relate(app);
        self.ask_over(relation, app, patterns);
        relation
    }

    pub(crate) fn ask_over(&mut self, relation: RelationId, app: &str, patterns: &[&str]) {
        let requests: Vec<_> = patterns
            .iter()
            .enumerate()
            .map(|(number, pattern)| {
                json!({"resource": pattern, "request-id": format!("request{number}"),
                    "salt": "salt", "entity-type": null})
            })
            .collect();
        let requests = Json::Array(requests).to_string();
        let pairs = [("version", "v1"), ("requests", &requests)];
        self.model.relation_set_app(relation, app, &pairs);
    }

    /// The answers of a relation, in version 1.
    pub(crate) fn answers(&self, relation: RelationId) -> Vec<Json> {
        let bag = self.model.app_bag(relation, "valkey");
        let requests = bag.get("requests").map_or("[]", String::as_str);
        serde_json::from_str(requests).expect("a list")
    }

    /// The only answer of a relation.
    pub(crate) fn answer(&self, relation: RelationId) -> Json {
        let answers = self.answers(relation);
        assert_eq!(answers.len(), 1, "{answers:?}\n{}", self.status("valkey/0"));
        answers.into_iter().next().unwrap()
    }

    pub(crate) fn secret(&mut self, app: &str, uri: &str) -> BTreeMap<String, String> {
        let unit = UnitName::new(app, 0);
        let read = self.model.secret_get_as(unit, uri, true);
        read.unwrap_or_else(|error| panic!("{app} cannot read {uri}: {error}"))
    }

    /// What an answer gives access with, as unit 0 of the application reads it.
    pub(crate) fn access(&mut self, app: &str, answer: &Json) -> Access {
        let user = self.secret(app, answer["secret-user"].as_str().unwrap());
        let tls = self.secret(app, answer["secret-tls"].as_str().unwrap());
        Access {
            user: user["username"].clone(),
            password: user["password"].clone(),
            tls: tls.get("tls").cloned(),
            authority: tls.get("tls-ca").cloned(),
        }
    }

    /// Connects to where an answer points, as its client.
    pub(crate) fn try_connect(
        &self,
        endpoint: &str,
        access: &Access,
    ) -> Result<Connection, ValkeyError> {
        self.runtime.block_on(open(endpoint, access))
    }

    pub(crate) fn connect(&self, endpoint: &str, access: &Access) -> Connection {
        let connection = self.try_connect(endpoint, access);
        connection.unwrap_or_else(|error| panic!("{error:?}\n{}", self.logs()))
    }

    /// Connects to where the only answer of a relation points, as its application.
    pub(crate) fn connect_as(&mut self, app: &str, relation: RelationId) -> Connection {
        let answer = self.answer(relation);
        let access = self.access(app, &answer);
        self.connect(answer["endpoints"].as_str().unwrap(), &access)
    }

    pub(crate) fn call(
        &self,
        connection: &mut Connection,
        words: &[&str],
    ) -> Result<Value, ValkeyError> {
        self.runtime.block_on(connection.call(words))
    }

    /// What a call gives that has to succeed.
    #[track_caller]
    pub(crate) fn done(&self, connection: &mut Connection, words: &[&str]) -> Value {
        let answer = self.call(connection, words);
        answer.unwrap_or_else(|error| panic!("{words:?}: {error:?}"))
    }

    /// Makes a call that has to be refused.
    #[track_caller]
    pub(crate) fn refused(&self, connection: &mut Connection, words: &[&str]) -> ValkeyError {
        let answer = self.call(connection, words);
        answer.expect_err(&format!("{words:?} is refused"))
    }

    /// The base directory of a unit's nodes.
    pub(crate) fn base(&self, unit: &UnitName) -> PathBuf {
        let base = self.machines[unit].root().join("var/lib/valkey-charm");
        base.join(unit.with_dash())
    }

    /// A connection of the operator, by a socket of the machine.
    pub(crate) fn operator(&self, unit: &UnitName, node: &str) -> Connection {
        self.try_operator(unit, node).expect("it answers")
    }

    pub(crate) fn try_operator(
        &self,
        unit: &UnitName,
        node: &str,
    ) -> Result<Connection, ValkeyError> {
        let password = std::fs::read_to_string(self.base(unit).join("login")).unwrap_or_default();
        self.try_operator_with(unit, node, &password)
    }

    pub(crate) fn try_operator_with(
        &self,
        unit: &UnitName,
        node: &str,
        password: &str,
    ) -> Result<Connection, ValkeyError> {
        let login = Login {
            user: OPERATOR.to_owned(),
            password: Secret::new(password.to_owned()),
        };
        let target = Target::Socket(self.base(unit).join(node).join("socket"));
        self.runtime.block_on(Connection::open(&target, &login))
    }

    /// The names of the users of a node.
    pub(crate) fn users(&self, unit: &UnitName, node: &str) -> Vec<String> {
        let mut operator = self.operator(unit, node);
        let users = self.call(&mut operator, &["ACL", "USERS"]).unwrap();
        users.texts().map(str::to_owned).collect()
    }

    pub(crate) fn units(&self) -> Vec<UnitName> {
        self.model.units("valkey")
    }

    /// Runs until something is so, letting watchers have their hooks.
    pub(crate) fn wait_until(
        &mut self,
        seconds: u64,
        what: &str,
        mut so: impl FnMut(&mut Self) -> bool,
    ) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
        while !so(self) {
            assert!(
                std::time::Instant::now() < deadline,
                "not in {seconds} s: {what}\n{}",
                self.logs()
            );
            std::thread::sleep(std::time::Duration::from_millis(50));
            self.heed_watchers();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("KEEP").is_some() {
            self.directory.disable_cleanup(true);
        }
    }
}

/// Connects to an endpoint, as a client.
pub(crate) async fn open(endpoint: &str, access: &Access) -> Result<Connection, ValkeyError> {
    let socket: std::net::SocketAddr = endpoint.parse().expect("an endpoint");
    let address = Address {
        host: socket.ip(),
        port: socket.port(),
    };
    let target = match &access.authority {
        Some(authority) => Target::Tls(address, authority.clone()),
        None => Target::Plain(address),
    };
    let login = Login {
        user: access.user.clone(),
        password: Secret::new(access.password.clone()),
    };
    Connection::open(&target, &login).await
}

/// The name of a service.
pub(crate) fn service(unit: &UnitName, what: &str) -> String {
    format!("valkey-charm-{}-{what}", unit.with_dash())
}

/// Every file below a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}
