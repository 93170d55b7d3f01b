//! What the servers and sentinels of all units say.

use std::net::IpAddr;
use std::path::PathBuf;

use juju_hooks::UnitName;

use crate::acl::OPERATOR;
use crate::explain::chain;
use crate::facts::{Juju, Known, Node, Nodes, OwnSecret, Server};
use crate::machine::Paths;
use crate::plan::answer::{SENTINEL_TLS_PORT, TLS_PORT};
use crate::valkey::{Address, Connection, Login, Monitored, Target, ValkeyError, at_once, both};

/// Asks the nodes of all units that have an address, all at the same time. Of a unit
/// that is away they are unknown.
pub async fn nodes(juju: &Juju, paths: &Paths) -> Nodes {
    let Some(own) = &juju.own else {
        return Nodes::new();
    };
    let addressed = juju.members.iter().filter_map(|(unit, member)| {
        // Of this unit the address is what it will be.
        let address = if *unit == juju.unit {
            juju.address
        } else {
            member.address
        };
        Some((unit, address?))
    });
    let asked = addressed.map(|(unit, host)| async move {
        let server = server(juju, own, paths, unit, host);
        let (server, sentinel) = both(server, sentinel(juju, own, paths, unit, host)).await;
        let (server, sentinel) = (known(server), known(sentinel));
        (unit.clone(), Node { server, sentinel })
    });
    at_once(asked).await.into_iter().collect()
}

fn known<T>(result: Result<T, ValkeyError>) -> Known<T> {
    match result {
        Ok(value) => Known::Known(value),
        Err(error) => Known::Unknown(chain(&error)),
    }
}

async fn server(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    unit: &UnitName,
    host: IpAddr,
) -> Result<Server, ValkeyError> {
    let mut connection = open_server(juju, own, paths, unit, host).await?;
    let info = connection.info("server").await?;
    let version = info
        .get("valkey_version")
        .or_else(|| info.get("redis_version"));
    let version = version.cloned().unwrap_or_default();
    Ok(Server {
        role: connection.role().await?,
        version: version.trim().to_owned(),
    })
}

async fn sentinel(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    unit: &UnitName,
    host: IpAddr,
) -> Result<Option<Monitored>, ValkeyError> {
    let mut connection = open_sentinel(juju, own, paths, unit, host).await?;
    connection.monitored().await
}

/// A connection to the server of a unit, as the operator.
///
/// # Errors
/// It cannot be reached, or does not accept the charm.
pub async fn open_server(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    unit: &UnitName,
    host: IpAddr,
) -> Result<Connection, ValkeyError> {
    let own_socket = (*unit == juju.unit).then(|| paths.server_socket());
    open(own, own_socket, host, TLS_PORT).await
}

/// A connection to the sentinel of a unit, as the operator.
///
/// # Errors
/// It cannot be reached, or does not accept the charm.
pub async fn open_sentinel(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    unit: &UnitName,
    host: IpAddr,
) -> Result<Connection, ValkeyError> {
    let own_socket = (*unit == juju.unit).then(|| paths.sentinel_socket());
    open(own, own_socket, host, SENTINEL_TLS_PORT).await
}

/// A connection over the socket of a node of this unit, or over TLS.
async fn open(
    own: &OwnSecret,
    own_socket: Option<PathBuf>,
    host: IpAddr,
    port: u16,
) -> Result<Connection, ValkeyError> {
    let target = match own_socket {
        Some(socket) => Target::Socket(socket),
        None => node_target(own, host, port),
    };
    Connection::open(&target, &login(own)).await
}

/// A node of another unit.
pub fn node_target(own: &OwnSecret, host: IpAddr, port: u16) -> Target {
    Target::Tls(Address { host, port }, own.trust())
}

fn login(own: &OwnSecret) -> Login {
    Login {
        user: OPERATOR.to_owned(),
        password: own.internal.operator.clone(),
    }
}
