//! Hands over what this unit has, and stops its nodes.

use std::time::{Duration, Instant};

use crate::explain::chain;
use crate::facts::{Juju, Known, OwnSecret};
use crate::machine::{Commands, MachineError, Paths, Service, ensure_absent, reload};
use crate::observe;
use crate::plan::answer::TLS_PORT;
use crate::plan::cluster;
use crate::valkey::{Address, Connection, NAME, Role, ValkeyError};

/// A switch takes a second or two; where another is going on, longer.
const SWITCH_LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// How long writes are held back at most. They go on as soon as the switch is
/// made, or has failed.
const HOLD_MILLISECONDS: &str = "60000";

/// Lets another server be the primary, in a way that loses no write that was
/// acknowledged: writes are held back until the other has them all.
///
/// # Errors
/// Why it is still this one, in a sentence.
pub async fn hand_over(juju: &Juju, own: &OwnSecret, paths: &Paths) -> Result<(), String> {
    let deadline = Instant::now() + SWITCH_LIMIT;
    let mut nodes = super::cluster::Own::open(juju, own, paths)
        .await
        .map_err(|error| chain(&error))?;
    let mut refused = String::new();
    while Instant::now() < deadline {
        match try_switch(juju, own, paths, &mut nodes, deadline).await {
            Ok(true) => return Ok(()),
            Ok(false) => "no other server took over".clone_into(&mut refused),
            Err(error) => refused = chain(&error),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(refused)
}

async fn try_switch(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    nodes: &mut super::cluster::Own,
    deadline: Instant,
) -> Result<bool, ValkeyError> {
    if matches!(nodes.server.role().await?, Role::Replica { .. }) {
        return Ok(true);
    }
    let info = nodes.server.info("server").await?;
    let version = info
        .get("valkey_version")
        .map(String::as_str)
        .unwrap_or_default();
    let major: u32 = version
        .split('.')
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    if major >= 9 {
        let order = ["SENTINEL", "FAILOVER", NAME, "COORDINATED"];
        nodes.sentinel.call(&order).await?;
        let soon = deadline.min(Instant::now() + Duration::from_secs(15));
        return wait_for_another(juju, paths, soon)
            .await
            .map_or(Ok(false), |_| Ok(true));
    }
    nodes
        .server
        .call(&["CLIENT", "PAUSE", HOLD_MILLISECONDS, "WRITE"])
        .await?;
    let switched = hold_and_switch(juju, own, paths, nodes, deadline).await;
    nodes.server.call(&["CLIENT", "UNPAUSE"]).await?;
    switched
}

/// Before release 9 the sentinels do not hold back writes themselves, and leave
/// the old primary as it is for seconds.
async fn hold_and_switch(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    nodes: &mut super::cluster::Own,
    deadline: Instant,
) -> Result<bool, ValkeyError> {
    if !is_any_in_step(juju, own, paths, &mut nodes.server).await? {
        return Ok(false);
    }
    nodes.sentinel.call(&["SENTINEL", "FAILOVER", NAME]).await?;
    let soon = deadline.min(Instant::now() + Duration::from_secs(20));
    match wait_for_another(juju, paths, soon).await {
        Some(primary) => {
            // Whoever writes here from now on is told at once that it must not.
            nodes.server.follow(Some(primary)).await?;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// Whether some replica has all that was written here.
async fn is_any_in_step(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    server: &mut Connection,
) -> Result<bool, ValkeyError> {
    for _ in 0..25 {
        let Role::Primary { offset, .. } = server.role().await? else {
            return Ok(false);
        };
        for (unit, member) in &juju.members {
            let Some(host) = member.address.filter(|_| *unit != juju.unit) else {
                continue;
            };
            let role = match observe::open_server(juju, own, paths, unit, host).await {
                Ok(mut connection) => connection.role().await,
                Err(error) => Err(error),
            };
            if let Ok(Role::Replica { offset: has, .. }) = role
                && has >= offset
            {
                return Ok(true);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}

async fn wait_for_another(juju: &Juju, paths: &Paths, deadline: Instant) -> Option<Address> {
    while Instant::now() < deadline {
        let nodes = observe::nodes(juju, paths).await;
        // This unit does not count itself: the others decide.
        if let Known::Known(unit) = cluster::primary(juju, &nodes)
            && unit != juju.unit
        {
            let host = juju.members.get(&unit)?.address?;
            return Some(Address {
                host,
                port: TLS_PORT,
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}

/// Stops everything of this unit and removes it; the data stay on their volume.
///
/// # Errors
/// The machine does not do it.
pub fn stop(paths: &Paths) -> Result<(), MachineError> {
    let mut any = false;
    for name in ["watch", "sentinel", "server"] {
        if paths.unit_file(name).exists() {
            Service::new(&paths.service(name)).ensure_gone(Commands)?;
            ensure_absent(&paths.unit_file(name))?;
            any = true;
        }
    }
    if any {
        reload(Commands)?;
    }
    ensure_absent(&paths.base())
}
