//! Hands over what this unit has, and stops its nodes.

use std::time::{Duration, Instant};

use juju_hooks::UnitName;

use super::cluster::Own;
use crate::explain::chain;
use crate::facts::{Juju, Known, OwnSecret};
use crate::machine::{Commands, MachineError, Paths, Service, ensure_absent, reload};
use crate::observe;
use crate::plan::answer::TLS_PORT;
use crate::plan::cluster;
use crate::valkey::{Address, Connection, Link, NAME, Role, ValkeyError, at_once};

/// A switch takes a second or two; where another is going on, longer.
const SWITCH_LIMIT: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);
/// A server with much data writes its file for minutes; then it is stopped all the
/// same, and reads it anew.
const QUIET_LIMIT: Duration = Duration::from_secs(60);
const LINK_LIMIT: Duration = Duration::from_secs(3);

/// How long writes are held back at most. They go on as soon as the switch is
/// made, or has failed.
const HOLD_MILLISECONDS: &str = "60000";

/// Lets another server be the primary instead of this unit's, in a way that loses
/// no write that was acknowledged: writes are held back until the other has them
/// all. Any unit can ask for it.
///
/// # Errors
/// Why it is still the same one, in a sentence.
pub async fn switch(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
    from: &UnitName,
) -> Result<(), String> {
    let Some(host) = juju.members.get(from).and_then(|member| member.address) else {
        return Err(format!("{from} has no address"));
    };
    let deadline = Instant::now() + SWITCH_LIMIT;
    let open = async {
        Ok::<_, ValkeyError>(Switch {
            juju,
            own,
            paths,
            from,
            server: observe::open_server(juju, own, paths, from, host).await?,
            sentinel: observe::open_sentinel(juju, own, paths, &juju.unit, host).await?,
            deadline,
        })
    };
    let mut switch = open.await.map_err(|error| chain(&error))?;
    let mut refused = String::new();
    while Instant::now() < deadline {
        match switch.attempt().await {
            Ok(true) => return Ok(()),
            Ok(false) => "no other server took over".clone_into(&mut refused),
            Err(error) => refused = chain(&error),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(refused)
}

struct Switch<'a> {
    juju: &'a Juju,
    own: &'a OwnSecret,
    paths: &'a Paths,
    from: &'a UnitName,
    server: Connection,
    sentinel: Connection,
    deadline: Instant,
}

impl Switch<'_> {
    async fn attempt(&mut self) -> Result<bool, ValkeyError> {
        if matches!(self.server.role().await?, Role::Replica { .. }) {
            return Ok(true);
        }
        let info = self.server.info("server").await?;
        let version = info.get("valkey_version").map_or("", String::as_str);
        let major = version.split('.').next().and_then(|text| text.parse().ok());
        if major >= Some(9_u32) {
            let order = ["SENTINEL", "FAILOVER", NAME, "COORDINATED"];
            self.sentinel.call(&order).await?;
            return Ok(self.another(Duration::from_secs(15)).await.is_some());
        }
        let hold = ["CLIENT", "PAUSE", HOLD_MILLISECONDS, "WRITE"];
        self.server.call(&hold).await?;
        let switched = self.while_held().await;
        self.server.call(&["CLIENT", "UNPAUSE"]).await?;
        switched
    }

    /// Before release 9 the sentinels do not hold back writes themselves, and
    /// leave the old primary as it is for seconds.
    async fn while_held(&mut self) -> Result<bool, ValkeyError> {
        if !self.is_any_in_step().await? {
            return Ok(false);
        }
        self.sentinel.call(&["SENTINEL", "FAILOVER", NAME]).await?;
        match self.another(Duration::from_secs(20)).await {
            Some(primary) => {
                // Whoever writes here from now on is told at once that it must not.
                self.server.follow(Some(primary)).await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Whether some replica has all that was written.
    async fn is_any_in_step(&mut self) -> Result<bool, ValkeyError> {
        for _ in 0..25 {
            let Role::Primary { offset, .. } = self.server.role().await? else {
                return Ok(false);
            };
            let (juju, own, paths) = (self.juju, self.own, self.paths);
            let others = juju.members.iter().filter_map(|(unit, member)| {
                let host = member.address.filter(|_| unit != self.from)?;
                Some(async move {
                    let opened = observe::open_server(juju, own, paths, unit, host).await;
                    opened?.role().await
                })
            });
            let has_all = |role: &Result<Role, ValkeyError>| match role {
                Ok(Role::Replica { offset: has, .. }) => *has >= offset,
                Ok(Role::Primary { .. }) | Err(_) => false,
            };
            // Writes wait meanwhile, so nobody who is away is waited for twice.
            if at_once(others).await.iter().any(has_all) {
                return Ok(true);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(false)
    }

    /// Waits until most sentinels name another primary, and it is one.
    async fn another(&self, limit: Duration) -> Option<Address> {
        let deadline = self.deadline.min(Instant::now() + limit);
        while Instant::now() < deadline {
            let nodes = observe::nodes(self.juju, self.paths).await;
            if let Known::Known(unit) = cluster::primary(self.juju, &nodes)
                && unit != *self.from
            {
                let host = self.juju.members.get(&unit)?.address?;
                return Some(Address {
                    host,
                    port: TLS_PORT,
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }
}

/// Waits until this unit's server has what its primary has and writes no file anew: a
/// server that does the latter does not stop when it is asked to. No longer than is
/// good, since an older release cannot take over what a newer one has.
///
/// # Errors
/// The server does not answer.
pub async fn wait_until_quiet(
    juju: &Juju,
    own: &OwnSecret,
    paths: &Paths,
) -> Result<(), ValkeyError> {
    let begun = Instant::now();
    let mut nodes = Own::open(juju, own, paths).await?;
    while begun.elapsed() < QUIET_LIMIT {
        let linked = match nodes.server.role().await? {
            Role::Primary { .. } => true,
            Role::Replica { link, .. } => link == Link::Up,
        };
        let files = nodes.server.info("persistence").await?;
        let busy = [
            "aof_rewrite_in_progress",
            "aof_rewrite_scheduled",
            "loading",
        ];
        let busy = busy
            .iter()
            .any(|key| files.get(*key).is_some_and(|is| is.trim() == "1"));
        if !busy && (linked || begun.elapsed() > LINK_LIMIT) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
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
