//! `restore`: the data of a snapshot in place of what is there.
//!
//! A second server is started with the snapshot alone: if it cannot read it,
//! nothing has happened yet. Then the primary follows it for as long as it takes
//! to copy everything, and is the primary again; its replicas copy from it. So
//! no file of a running server is touched, and nobody's users change.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use juju_hooks::ActionResults;
use serde_json::{Map, Value};

use super::ActionFailure;
use super::snapshot::DIRECTORY;
use crate::acl::OPERATOR;
use crate::apply::cluster::Own;
use crate::apply::machine::{defined_program, remove_second, second_directory};
use crate::apply::users::{commands_of, ensure_users};
use crate::explain::chain;
use crate::facts::OwnSecret;
use crate::machine::{
    Commands, MachineError, Service, USER, ensure_absent, ensure_directory, ensure_file,
    ensure_units, give_all,
};
use crate::reconcile::Run;
use crate::render;
use crate::valkey::{Address, Connection, Link, Login, Role, Target, Value as Answer};

/// Where the second server listens: beside the ports of the first.
const PORT: u16 = 6381;
const START_LIMIT: Duration = Duration::from_secs(120);
const COPY_LIMIT: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn run(
    run: &mut Run,
    own: &OwnSecret,
    parameters: &Map<String, Value>,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    let primary = super::primary(run)?;
    if primary != run.juju.unit {
        let text = format!("run it on {primary}, which has the primary");
        return Err(ActionFailure::Stopped(text));
    }
    let (Some(storage), Some(address)) = (&run.juju.storage, run.juju.address) else {
        return Err(ActionFailure::Stopped("there is no storage".to_owned()));
    };
    let name = parameters
        .get("snapshot")
        .and_then(Value::as_str)
        .unwrap_or("");
    let is_name = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
    let file = storage.join(DIRECTORY).join(name);
    if !is_name || !file.is_file() {
        let problem = format!("{} has no such file", storage.join(DIRECTORY).display());
        return Err(ActionFailure::Parameter("snapshot", problem));
    }
    let second = Second {
        run,
        own,
        address,
        directory: second_directory(&run.paths),
    };
    let restored = second.restore(&file).await;
    let cleaned = remove_second(&run.paths);
    let keys = restored?;
    cleaned.map_err(|error| ActionFailure::Stopped(chain(&error)))?;
    results.set(&["keys"], keys.to_string());
    Ok(())
}

/// The second server.
struct Second<'r> {
    run: &'r Run,
    own: &'r OwnSecret,
    address: IpAddr,
    directory: PathBuf,
}

impl Second<'_> {
    async fn restore(&self, snapshot: &Path) -> Result<i64, ActionFailure> {
        let started = self.start(snapshot);
        started.map_err(|error| ActionFailure::Stopped(chain(&error)))?;
        let mut second = self.open().await?;
        let keys = match second.call(&["DBSIZE"]).await? {
            Answer::Integer(keys) => keys,
            _ => 0,
        };
        let has = commands_of(&mut second).await?;
        let users = self.own.internal.on_server(&has);
        ensure_users(&mut second, &users, 1).await?;
        let mut nodes = Own::open(&self.run.juju, self.own, &self.run.paths).await?;
        let from = Address {
            host: self.address,
            port: PORT,
        };
        nodes
            .server
            .call(&["REPLICAOF", &from.host.to_string(), &PORT.to_string()])
            .await?;
        let copied = self.wait_for_copy(&mut nodes.server).await;
        nodes.server.follow(None).await?;
        copied?;
        Ok(keys)
    }

    fn start(&self, snapshot: &Path) -> Result<(), MachineError> {
        let commands = Commands;
        ensure_absent(&self.directory)?;
        ensure_directory(commands, &self.directory, 0o700, Some(USER))?;
        let place = |name: &str| self.directory.join(name);
        std::fs::copy(snapshot, place("dump.rdb")).map_err(MachineError::file("copy", snapshot))?;
        let put = |name: &str, text: &str| {
            let base = self.run.paths.base();
            ensure_file(commands, &base, &place(name), text, 0o600, Some(USER))
        };
        put("users.acl", &self.own.internal.first_list())?;
        put("conf", &self.configuration())?;
        give_all(commands, &self.directory)?;
        let unit = self.run.juju.unit.to_string();
        let program = defined_program(&self.run.paths)?.unwrap_or_else(|| self.run.paths.program());
        let definition = render::node_unit(&unit, "snapshot", &program, &self.directory, None)
            .replace(" --sentinel", "")
            // One that does not start has said all that it can.
            .replace("Restart=always", "Restart=no");
        ensure_units(commands, &self.run.paths, &[("restore", definition)])?;
        Service::new(&self.run.paths.service("restore")).restart(commands)
    }

    fn configuration(&self) -> String {
        let tls = self.run.paths.tls();
        let node = render::Node {
            address: self.address,
            directory: &self.directory,
            tls: &tls,
            internal: &self.own.internal,
        };
        let text = node.server(&self.directory);
        let mut lines: Vec<_> = text
            .lines()
            .filter(|line| {
                !["port", "tls-port", "appendonly"].contains(&line.split(' ').next().unwrap_or(""))
            })
            .map(str::to_owned)
            .collect();
        lines.extend([
            "port 0".to_owned(),
            format!("tls-port {PORT}"),
            "appendonly no".to_owned(),
        ]);
        lines.join("\n") + "\n"
    }

    /// Waits until it has read the snapshot.
    async fn open(&self) -> Result<Connection, ActionFailure> {
        let target = Target::Socket(self.directory.join("socket"));
        let login = Login {
            user: OPERATOR.to_owned(),
            password: self.own.internal.operator.clone(),
        };
        let service = self.run.paths.service("restore");
        let deadline = Instant::now() + START_LIMIT;
        let mut rounds = 0;
        loop {
            rounds += 1;
            let opened = async {
                let mut connection = Connection::open(&target, &login).await?;
                connection.call(&["DBSIZE"]).await?;
                Ok::<_, crate::valkey::ValkeyError>(connection)
            };
            match opened.await {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    let ended = rounds > 20 && !Service::new(&service).is_active(Commands);
                    if ended || Instant::now() >= deadline {
                        return Err(ActionFailure::Stopped(format!(
                            "the snapshot cannot be read, and nothing was changed: {}",
                            chain(&error)
                        )));
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn wait_for_copy(&self, server: &mut Connection) -> Result<(), ActionFailure> {
        let deadline = Instant::now() + COPY_LIMIT;
        while Instant::now() < deadline {
            let role = server.role().await;
            if let Ok(Role::Replica {
                of, link: Link::Up, ..
            }) = role
                && of.port == PORT
            {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(ActionFailure::Stopped(
            "the snapshot was not copied in time".to_owned(),
        ))
    }
}
