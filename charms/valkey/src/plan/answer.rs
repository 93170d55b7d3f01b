//! What clients are told.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use juju_hooks::{RelationId, UnitName};
use sha2::{Digest as _, Sha256};

use super::cluster::is_replica_in_step;
use crate::facts::{Juju, Nodes};
use crate::relation::ledger::Ledger;
use crate::relation::wire::{self, Response, Servers};

/// Without TLS.
pub const PORT: u16 = 6379;
/// With TLS; nodes always use it among each other.
pub const TLS_PORT: u16 = 6380;
/// Of a sentinel, without TLS.
pub const SENTINEL_PORT: u16 = 26379;
/// Of a sentinel, with TLS.
pub const SENTINEL_TLS_PORT: u16 = 26380;

/// What all clients are told about the servers, given who is the primary. Nobody is
/// sent to units that lack users.
pub fn servers(
    juju: &Juju,
    nodes: &Nodes,
    primary: &UnitName,
    lacking: &BTreeSet<UnitName>,
) -> Option<Servers> {
    let (port, sentinel_port) = match juju.options.client_tls {
        true => (TLS_PORT, SENTINEL_TLS_PORT),
        false => (PORT, SENTINEL_PORT),
    };
    let address = |unit: &UnitName| juju.members.get(unit).and_then(|member| member.address);
    let joined = juju.members.iter();
    let joined = joined.filter(|(unit, member)| member.joined && !lacking.contains(unit));
    let joined: Vec<_> = joined.map(|(unit, _)| unit).collect();
    let replicas = joined.iter().filter(|unit| {
        let server = nodes.get(unit).and_then(|node| node.server.known());
        **unit != primary && server.is_some_and(is_replica_in_step)
    });
    let sentinels = joined.iter().filter(|unit| {
        let node = nodes.get(unit);
        node.is_some_and(|node| matches!(node.sentinel.known(), Some(Some(_))))
    });
    let list = |hosts: Vec<IpAddr>, port| -> Vec<String> {
        let mut hosts = hosts;
        hosts.sort_unstable();
        let addresses = hosts.into_iter().map(|host| SocketAddr::new(host, port));
        addresses.map(|address| address.to_string()).collect()
    };
    let replicas = list(replicas.filter_map(|unit| address(unit)).collect(), port);
    let node = nodes.get(primary)?;
    Some(Servers {
        endpoints: list(vec![address(primary)?], port),
        read_only: replicas,
        sentinels: list(
            sentinels.filter_map(|unit| address(unit)).collect(),
            sentinel_port,
        ),
        version: node.server.known()?.version.clone(),
    })
}

/// What a relation is to be told now, and the digest of it.
pub fn answer(
    ledger: &Ledger,
    relation: RelationId,
    servers: &Servers,
) -> (BTreeMap<String, Option<String>>, String) {
    let grants = ledger.clients.get(&relation);
    let responses: Vec<_> = grants
        .iter()
        .flat_map(|access| &access.grants)
        .map(|(id, granted)| Response {
            id: id.clone(),
            salt: granted.salt.clone(),
            resource: granted.pattern.to_string(),
            user: granted.user.clone(),
            tls: granted.tls.clone(),
        })
        .collect();
    let answer = wire::answer(&responses, servers);
    let mut digest = Sha256::new();
    for (key, text) in &answer {
        digest.update(format!("{key}={}\n", text.as_deref().unwrap_or_default()));
    }
    let digest = digest.finalize();
    let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    (answer, digest.collect())
}
