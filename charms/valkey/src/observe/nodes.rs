//! What the servers and sentinels of all units say.

use std::net::IpAddr;

use juju_hooks::UnitName;

use crate::acl::OPERATOR;
use crate::explain::chain;
use crate::facts::{Juju, Known, Node, Nodes, OwnSecret, Server};
use crate::machine::Paths;
use crate::plan::answer::{SENTINEL_TLS_PORT, TLS_PORT};
use crate::valkey::{Address, Connection, Login, Monitored, Target, ValkeyError};

/// Asks the nodes of all units that have an address. Of a unit that is away they
/// are unknown.
pub async fn nodes(juju: &Juju, paths: &Paths) -> Nodes {
    let mut nodes = Nodes::new();
    let Some(own) = &juju.own else {
        return nodes;
    };
    for (unit, member) in &juju.members {
        // Of this unit the address is what it will be.
        let address = if *unit == juju.unit {
            juju.address
        } else {
            member.address
        };
        let Some(host) = address else { continue };
        let node = Node {
            server: known(server(juju, own, paths, unit, host).await),
            sentinel: known(sentinel(juju, own, paths, unit, host).await),
        };
        nodes.insert(unit.clone(), node);
    }
    nodes
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
    let target = if *unit == juju.unit {
        Target::Socket(paths.server_socket())
    } else {
        node_target(own, host, TLS_PORT)
    };
    Connection::open(&target, &login(own)).await
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
    let target = if *unit == juju.unit {
        Target::Socket(paths.sentinel_socket())
    } else {
        node_target(own, host, SENTINEL_TLS_PORT)
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
