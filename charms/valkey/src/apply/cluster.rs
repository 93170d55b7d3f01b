//! Gives this unit's server and sentinel their places.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::acl::SENTINEL;
use crate::facts::{Juju, Nodes, OwnSecret};
use crate::machine::{Commands, MachineError, Paths, ensure_file};
use crate::observe;
use crate::plan::cluster::{self, Local};
use crate::valkey::{Connection, ValkeyError};

/// How often the nodes are looked at until they have their places, and the pause
/// between.
const ROUNDS: usize = 60;
const PAUSE: Duration = Duration::from_millis(150);

/// Connections to the two nodes of this unit.
pub struct Own {
    /// The server.
    pub server: Connection,
    /// The sentinel.
    pub sentinel: Connection,
}

impl Own {
    /// Connects.
    ///
    /// # Errors
    /// One of them does not answer.
    pub async fn open(juju: &Juju, own: &OwnSecret, paths: &Paths) -> Result<Self, ValkeyError> {
        let host = juju.address.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        Ok(Self {
            server: observe::open_server(juju, own, paths, &juju.unit, host).await?,
            sentinel: observe::open_sentinel(juju, own, paths, &juju.unit, host).await?,
        })
    }
}

/// What came of it.
pub struct Settled {
    /// What all nodes said last.
    pub nodes: Nodes,
    /// Whether this unit's nodes have their places.
    pub joined: bool,
}

/// Looks, and does what this unit's nodes have to do, until there is nothing to
/// do any more or it is the turn of others. A server that has its users (`has_users`)
/// may become the primary from the moment on that it follows one. What was just
/// `seen` of the nodes, if anything, is not asked for again.
///
/// # Errors
/// This unit's own nodes do not answer.
pub async fn settle(
    juju: &mut Juju,
    own: &OwnSecret,
    paths: &Paths,
    has_users: bool,
    mut seen: Option<Nodes>,
) -> Result<Settled, ValkeyError> {
    let mut joined = false;
    let mut nodes = Nodes::new();
    for round in 0..ROUNDS {
        nodes = match seen.take() {
            Some(nodes) => nodes,
            None => observe::nodes(juju, paths).await,
        };
        let was_joined = juju
            .members
            .get(&juju.unit)
            .is_some_and(|member| member.joined);
        let local = cluster::local(juju, &nodes, obeyed(paths));
        joined = local.joined;
        let acts = local.monitor.is_some() || local.follow.is_some();
        if acts || local.obeyed.is_some() {
            act(juju, own, paths, &local, has_users).await?;
        }
        if joined {
            break;
        }
        // Nothing of this unit is amiss, so that waiting here is for nothing: it
        // is for the primary to come back, or for others.
        let waits = !acts && (local == Local::default() || was_joined && round > 20);
        if waits && round > 6 {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    if let Some(member) = juju.members.get_mut(&juju.unit) {
        member.joined = member.joined || joined;
    }
    Ok(Settled { nodes, joined })
}

/// The number of the last appointment that this unit has carried out.
pub fn obeyed(paths: &Paths) -> u64 {
    let text = std::fs::read_to_string(paths.obeyed());
    text.ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

async fn act(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    local: &Local,
    has_users: bool,
) -> Result<(), ValkeyError> {
    let mut nodes = Own::open(juju, own, paths).await?;
    if let Some(primary) = local.follow {
        if has_users {
            // Sentinels ask for it when they find the replica, and then every ten
            // seconds.
            let order = ["CONFIG", "SET", "replica-priority", "100"];
            nodes.server.call(&order).await?;
        }
        nodes.server.follow(primary).await?;
    }
    if let Some(primary) = local.monitor {
        nodes
            .sentinel
            .monitor(primary, cluster::quorum(juju))
            .await?;
        ensure_settings(juju, own, &mut nodes.sentinel, true).await?;
    }
    if let Some(epoch) = local.obeyed {
        // If it is not remembered it is carried out once more, as long as the
        // sentinels do not say otherwise.
        let _: Result<_, MachineError> = ensure_file(
            Commands,
            &paths.base(),
            &paths.obeyed(),
            &epoch.to_string(),
            0o644,
            None,
        );
    }
    Ok(())
}

/// Makes the sentinel's settings those that are wanted. The login comes before
/// the settings that can be read back: with these, it is there too, unless it is
/// another one now (`renew_login`).
///
/// # Errors
/// The sentinel does not answer, or refuses.
pub async fn ensure_settings(
    juju: &Juju,
    own: &OwnSecret,
    sentinel: &mut Connection,
    renew_login: bool,
) -> Result<(), ValkeyError> {
    let present = sentinel
        .call(&["SENTINEL", "MASTER", crate::valkey::NAME])
        .await?;
    let wanted = [
        ("quorum", cluster::quorum(juju).to_string()),
        (
            "failover-timeout",
            juju.options.failover_timeout().to_string(),
        ),
        (
            "down-after-milliseconds",
            juju.options.down_after.to_string(),
        ),
    ];
    let is_set = |(name, value): &(&str, String)| {
        present.field(name).and_then(|value| value.text()) == Some(value.as_str())
    };
    if !renew_login && wanted.iter().all(is_set) {
        return Ok(());
    }
    let peer = own.internal.peer.expose();
    let order = ["SENTINEL", "CONFIG", "SET", "sentinel-pass", peer];
    sentinel.call(&order).await?;
    let login = [
        ("auth-user", SENTINEL),
        ("auth-pass", own.internal.sentinel.expose()),
    ];
    sentinel.set_monitored(&login).await?;
    let wanted = wanted
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    // In the order of the list, the ones that were read last.
    sentinel.set_monitored(&wanted).await
}
