//! The texts of files: configurations with which nodes start for the first time,
//! and definitions of services. All of it is pure.

use std::net::IpAddr;
use std::path::Path;

use machine::hardening::{MACHINE_PROTECTED, PROCESS_RESTRICTED, SERVER};

use crate::acl::{Internal, PEER, REPLICATION};
use crate::plan::answer::{PORT, SENTINEL_PORT, SENTINEL_TLS_PORT, TLS_PORT};

/// What both configurations are made from.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Where the unit listens.
    pub address: IpAddr,
    /// The node's own directory.
    pub directory: &'a Path,
    /// The directory of certificates.
    pub tls: &'a Path,
    /// The passwords of the charm's users.
    pub internal: &'a Internal,
}

impl Node<'_> {
    fn common(&self, port: u16, tls_port: u16) -> String {
        let (directory, tls) = (self.directory.display(), self.tls.display());
        format!(
            "bind {address}\n\
             port {port}\n\
             tls-port {tls_port}\n\
             tls-cert-file {tls}/node.crt\n\
             tls-key-file {tls}/node.key\n\
             tls-ca-cert-file {tls}/ca.crt\n\
             tls-auth-clients no\n\
             tls-replication yes\n\
             unixsocket {directory}/socket\n\
             unixsocketperm 700\n\
             aclfile {directory}/users.acl\n",
            address = self.address,
        )
    }

    /// The first configuration of a server. The server rewrites it when it
    /// changes, so that a primary that comes back knows whom to follow.
    pub fn server(&self, data: &Path) -> String {
        format!(
            "{common}\
             dir {data}\n\
             databases 1\n\
             appendonly yes\n\
             appendfsync everysec\n\
             replica-announce-ip {address}\n\
             repl-diskless-sync-delay 0\n\
             masteruser {REPLICATION}\n\
             masterauth {password}\n",
            common = self.common(PORT, TLS_PORT),
            data = data.display(),
            address = self.address,
            password = self.internal.replication.expose(),
        )
    }

    /// The first configuration of a sentinel, which rewrites it likewise.
    pub fn sentinel(&self) -> String {
        format!(
            "{common}\
             dir {directory}\n\
             sentinel announce-ip {address}\n\
             sentinel sentinel-user {PEER}\n\
             sentinel sentinel-pass {password}\n\
             sentinel deny-scripts-reconfig yes\n",
            common = self.common(SENTINEL_PORT, SENTINEL_TLS_PORT),
            directory = self.directory.display(),
            address = self.address,
            password = self.internal.peer.expose(),
        )
    }
}

/// The definition of the service of a node.
pub fn node_unit(
    unit: &str,
    what: &str,
    program: &Path,
    directory: &Path,
    data: Option<&Path>,
) -> String {
    let program = program.display();
    let own = directory.display();
    // Who starts may lack users that were made while it was away. A hook that has
    // compared them lets it be chosen.
    let mode = match data {
        None => " --sentinel",
        Some(_) => " --replica-priority 0",
    };
    let mut writable = own.to_string();
    let (mut guard, mut mount) = (String::new(), String::new());
    if let Some(data) = data {
        writable.push_str(&format!(" {}", data.display()));
        // An unmounted volume must not look like an empty database: replicas
        // would empty themselves as well.
        guard = format!(
            "ExecStartPre=/usr/bin/test -f {}/.valkey-charm\n",
            data.display()
        );
        mount = format!("RequiresMountsFor={}\n", data.display());
    }
    format!(
        "\
# Written by the charm, which will overwrite changes.
[Unit]
Description=Valkey {what} of the Juju unit {unit}
Documentation=https://valkey.io/topics/
Wants=network-online.target
After=network-online.target
{mount}\
StartLimitIntervalSec=0

[Service]
Type=simple
User=valkey
Group=valkey
UMask=0077
{guard}\
ExecStart={program} {own}/conf{mode}
Restart=always
RestartSec=1s
TimeoutStopSec=120s
LimitNOFILE=65536
ReadWritePaths={writable}
{SERVER}
[Install]
WantedBy=multi-user.target
"
    )
}

/// The definition of the watcher's service: it runs the charm's own program as
/// root, since only root may ask Juju for a hook.
pub fn watch_unit(unit: &str, charm: &Path, root: &Path) -> String {
    let (charm, root) = (charm.display(), root.display());
    format!(
        "\
# Written by the charm, which will overwrite changes.
[Unit]
Description=Watcher of failovers of the Juju unit {unit}
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=simple
ExecStart={charm} watch {root} {unit}
Restart=always
RestartSec=5s
NoNewPrivileges=yes
{MACHINE_PROTECTED}\
{PROCESS_RESTRICTED}
[Install]
WantedBy=multi-user.target
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_write_in_their_own_places_alone() {
        let program = Path::new("/usr/bin/valkey-server");
        let (own, data) = (Path::new("/var/lib/own"), Path::new("/srv/data"));
        let server = node_unit("valkey/0", "server", program, own, Some(data));
        let sentinel = node_unit("valkey/0", "sentinel", program, own, None);
        let has = |text: &str, line: &str| text.lines().any(|has| has == line);
        assert!(has(&server, "ReadWritePaths=/var/lib/own /srv/data"));
        assert!(has(&server, "RequiresMountsFor=/srv/data"));
        assert!(has(&sentinel, "ReadWritePaths=/var/lib/own"));
    }
}
