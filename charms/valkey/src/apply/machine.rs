//! Makes the server, the sentinel and the watcher of this unit run.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use certificates::{Authority, Fingerprint, IssueError, OwnCertificate, needs_new};
use juju_hooks::UnitName;
use thiserror::Error;

use crate::acl::OPERATOR;
use crate::facts::{Juju, OwnSecret};
use crate::machine::{
    Commands, MachineError, Paths, Service, USER, ensure_absent, ensure_directory, ensure_file,
    ensure_units, ensure_user, give_all, read, reload,
};
use crate::render;
use crate::valkey::{Connection, Target};

const CERTIFICATE_SECONDS: i64 = 365 * 24 * 3600;
const RENEW_BEFORE_SECONDS: i64 = 60 * 24 * 3600;

/// A server with much data reads it for minutes; the next hook looks again.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Why the nodes of this unit do not run.
#[derive(Debug, Error)]
pub enum PrepareError {
    /// No certificate can be issued.
    #[error("failed to issue a certificate")]
    Issue(#[from] IssueError),
    /// The machine does not do what is needed.
    #[error(transparent)]
    Machine(#[from] MachineError),
}

/// What was done.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Prepared {
    /// Whether running nodes must read their certificates anew.
    pub certificate: bool,
}

/// Makes everything of this unit be there and run. A configuration is written
/// once: from then on the node itself keeps it.
///
/// # Errors
/// See [`PrepareError`].
pub fn ensure(
    juju: &Juju,
    own: &OwnSecret,
    address: IpAddr,
    storage: &Path,
    paths: &Paths,
    program: &Path,
    restart_watch: bool,
) -> Result<Prepared, PrepareError> {
    let commands = Commands;
    ensure_user(commands)?;
    ensure_directory(commands, &paths.base(), 0o755, None)?;
    for directory in [paths.server(), paths.sentinel(), paths.tls()] {
        let owner = (directory != paths.tls()).then_some(USER);
        let mode = if owner.is_some() { 0o700 } else { 0o755 };
        ensure_directory(commands, &directory, mode, owner)?;
    }
    let data = storage.join("valkey");
    ensure_directory(commands, &data, 0o700, Some(USER))?;
    if read(&data.join(".valkey-charm"))?.is_none() {
        // The volume may come from another machine, whose users had other numbers.
        give_all(commands, &data)?;
        put(paths, &data.join(".valkey-charm"), "")?;
    }
    ensure_certificate(juju, own, address, paths)?;
    ensure_first_files(own, address, &data, paths)?;
    for (name, directory) in [("server", paths.server()), ("sentinel", paths.sentinel())] {
        ensure_address(
            address,
            &paths.service(name),
            &directory.join("conf"),
            paths,
        )?;
    }
    put_for_root(paths, &paths.login(), own.internal.operator.expose())?;
    let program = defined_program(paths)?.unwrap_or_else(|| program.to_owned());
    define(&juju.unit, &data, paths, &program)?;
    for name in ["server", "sentinel", "watch"] {
        Service::new(&paths.service(name)).ensure_started(commands)?;
    }
    if restart_watch {
        Service::new(&paths.service("watch")).restart(commands)?;
    }
    let loaded = read(&paths.tls().join("loaded"))?;
    Ok(Prepared {
        certificate: loaded != Some(wanted_tls(paths)?),
    })
}

/// Writes the definitions of all services.
fn define(unit: &UnitName, data: &Path, paths: &Paths, program: &Path) -> Result<(), MachineError> {
    let unit = unit.to_string();
    let charm = juju_hooks::program().map_err(MachineError::file("find", "this program"))?;
    let node =
        |what, directory: &Path, data| render::node_unit(&unit, what, program, directory, data);
    let units = [
        ("server", node("server", &paths.server(), Some(data))),
        ("sentinel", node("sentinel", &paths.sentinel(), None)),
        ("watch", render::watch_unit(&unit, &charm, paths.root())),
    ];
    ensure_units(Commands, paths, &units).map(drop)
}

/// The program that the server is defined with, while it is there. It changes when
/// it is this unit's turn, and not because the service happens to restart.
///
/// # Errors
/// The definition cannot be read.
pub fn defined_program(paths: &Paths) -> Result<Option<PathBuf>, MachineError> {
    let definition = read(&paths.unit_file("server"))?.unwrap_or_default();
    let mut lines = definition.lines();
    let start = lines.find_map(|line| line.strip_prefix("ExecStart="));
    let program = start.and_then(|start| start.split(' ').next());
    Ok(program.map(PathBuf::from).filter(|path| path.is_file()))
}

/// Restarts both nodes with this program.
///
/// # Errors
/// The machine does not do it.
pub fn restart(
    unit: &UnitName,
    storage: &Path,
    paths: &Paths,
    program: &Path,
) -> Result<(), MachineError> {
    define(unit, &storage.join("valkey"), paths, program)?;
    for name in ["server", "sentinel"] {
        Service::new(&paths.service(name)).restart(Commands)?;
    }
    Ok(())
}

/// Where a second server, which reads a snapshot, has its files.
pub fn second_directory(paths: &Paths) -> PathBuf {
    paths.base().join("restore")
}

/// Stops the second server, and removes all of it.
///
/// # Errors
/// The machine does not do it.
pub fn remove_second(paths: &Paths) -> Result<(), MachineError> {
    let file = paths.unit_file("restore");
    if file.exists() {
        Service::new(&paths.service("restore")).ensure_gone(Commands)?;
        ensure_absent(&file)?;
        reload(Commands)?;
    }
    ensure_absent(&second_directory(paths))
}

fn ensure_first_files(
    own: &OwnSecret,
    address: IpAddr,
    data: &Path,
    paths: &Paths,
) -> Result<(), PrepareError> {
    let tls = paths.tls();
    let node = |directory| render::Node {
        address,
        directory,
        tls: &tls,
        internal: &own.internal,
    };
    let (server, sentinel) = (paths.server(), paths.sentinel());
    let texts = [
        (&server, node(&server).server(data)),
        (&sentinel, node(&sentinel).sentinel()),
    ];
    for (directory, text) in texts {
        // The configuration comes last, so that with it everything is there.
        if read(&directory.join("conf"))?.is_none() {
            put(
                paths,
                &directory.join("users.acl"),
                &own.internal.first_list(),
            )?;
            note_reloaded(paths)?;
            put(paths, &directory.join("conf"), &text)?;
        }
    }
    Ok(())
}

/// Lets a node listen at this address. One that was moved may not even start at
/// the other, and a sentinel takes no new one while it runs, so this is done to
/// the file while the node is stopped.
fn ensure_address(
    address: IpAddr,
    service: &str,
    conf: &Path,
    paths: &Paths,
) -> Result<(), PrepareError> {
    let text = read(conf)?.unwrap_or_default();
    if text == with_address(&text, address) {
        return Ok(());
    }
    Service::new(service).stop(Commands)?;
    // It writes the file once more when it stops.
    let text = read(conf)?.unwrap_or_default();
    put(paths, conf, &with_address(&text, address))?;
    Ok(())
}

fn with_address(text: &str, address: IpAddr) -> String {
    const KEYS: [&str; 3] = ["bind ", "replica-announce-ip ", "sentinel announce-ip "];
    let lines = text.split_inclusive('\n').map(|line| {
        let key = KEYS.into_iter().find(|key| line.starts_with(key));
        match key {
            Some(key) if line[key.len()..].trim().trim_matches('"') != address.to_string() => {
                format!("{key}{address}\n")
            }
            _ => line.to_owned(),
        }
    });
    lines.collect()
}

/// A file for the nodes, which nobody else can read.
fn put(paths: &Paths, path: &Path, text: &str) -> Result<bool, MachineError> {
    let beside = match path.starts_with(paths.base()) {
        true => paths.base(),
        false => path.parent().map(Path::to_owned).unwrap_or_default(),
    };
    ensure_file(Commands, &beside, path, text, 0o600, Some(USER))
}

fn put_for_root(paths: &Paths, path: &Path, text: &str) -> Result<bool, MachineError> {
    ensure_file(Commands, &paths.base(), path, text, 0o600, None)
}

/// Leaves a note for the watcher.
///
/// # Errors
/// It cannot be written.
pub fn put_note(paths: &Paths, path: &Path) -> Result<(), MachineError> {
    put_for_root(paths, path, "").map(drop)
}

/// Makes the node have a certificate of our authority for its address.
fn ensure_certificate(
    juju: &Juju,
    own: &OwnSecret,
    address: IpAddr,
    paths: &Paths,
) -> Result<(), PrepareError> {
    let authority = Authority::load(&own.authority.certificate, own.authority.key.clone())?;
    let path = |name: &str| paths.tls().join(name);
    let present = read(&path("node.crt"))?.and_then(|pem| OwnCertificate::read(&pem).ok());
    let names = [address.to_string()].into();
    put(paths, &path("ca.crt"), &own.trust())?;
    let key_is_there = read(&path("node.key"))?.is_some();
    let reason = needs_new(
        present.as_ref().filter(|_| key_is_there),
        &names,
        authority.own(),
        juju.now,
        RENEW_BEFORE_SECONDS,
    );
    if reason.is_some() {
        let name = juju.unit.to_string();
        let issued = authority.issue_server(&name, &names, juju.now, CERTIFICATE_SECONDS)?;
        // The certificate last: without it this is done again.
        put(paths, &path("node.key"), issued.key.expose())?;
        put(paths, &path("node.crt"), &issued.certificate)?;
    }
    Ok(())
}

/// What the nodes should have read: their certificate, and whom they trust.
fn wanted_tls(paths: &Paths) -> Result<String, MachineError> {
    let mut text = String::new();
    for name in ["node.crt", "ca.crt"] {
        text.push_str(&read(&paths.tls().join(name))?.unwrap_or_default());
    }
    Ok(Fingerprint::of_der(text.as_bytes()).to_string())
}

/// Remembers that the nodes have read what is there, so that a hook that was killed
/// before is made good.
///
/// # Errors
/// It cannot be written.
pub fn note_reloaded(paths: &Paths) -> Result<(), MachineError> {
    put_for_root(paths, &paths.tls().join("loaded"), &wanted_tls(paths)?).map(drop)
}

/// Waits until the server and the sentinel of this unit answer. Returns why not.
pub async fn wait_until_ready(own: &OwnSecret, paths: &Paths) -> Result<(), String> {
    let deadline = Instant::now() + START_LIMIT;
    let login = crate::valkey::Login {
        user: OPERATOR.to_owned(),
        password: own.internal.operator.clone(),
    };
    for socket in [paths.server_socket(), paths.sentinel_socket()] {
        let target = Target::Socket(socket);
        loop {
            let answer = async {
                let mut connection = Connection::open(&target, &login).await?;
                connection.call(&["PING"]).await
            };
            match answer.await {
                Ok(_) => break,
                Err(error) if Instant::now() >= deadline => {
                    return Err(crate::explain::chain(&error));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_changed_in_its_lines_alone() {
        let text =
            "bind 10.0.0.1\nport 1\nreplica-announce-ip \"10.0.0.1\"\nreplicaof 10.0.0.1 1\n";
        assert_eq!(with_address(text, [10, 0, 0, 1].into()), text);
        assert_eq!(
            with_address(text, [10, 0, 0, 2].into()),
            "bind 10.0.0.2\nport 1\nreplica-announce-ip 10.0.0.2\nreplicaof 10.0.0.1 1\n"
        );
    }
}
