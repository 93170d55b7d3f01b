//! The configuration file of etcd.
//!
//! Only keys that etcd 3.4, 3.5, 3.6 and 3.7 all know, so no experimental ones,
//! which are gone in 3.7. etcd says nothing of a key that it does not know; a
//! key of the wrong version would be a setting that silently is not there.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Serialize;

use crate::facts::machine::ServicePaths;
use crate::facts::tuning::Tuning;
use crate::facts::{FilePath, MemberName};

/// What one member's configuration is made from.
#[derive(Clone, Debug)]
pub struct EtcdConfig<'a> {
    /// The member's name.
    pub name: &'a MemberName,
    /// The unit's own address, the only one that is listened on.
    pub address: IpAddr,
    /// Where clients are served, see [`CLIENT_PORT`].
    pub client_port: u16,
    /// Where peers are served, see [`PEER_PORT`].
    pub peer_port: u16,
    /// How the member entered its cluster.
    pub bootstrap: Bootstrap<'a>,
    /// Which of its certificates it shows to clients.
    pub shown: ClientCertificate,
    /// Where the files lie. Which certificates clients must show is read from the copy
    /// that is made when the service starts, not from the file that the charm writes.
    pub paths: &'a ServicePaths,
    /// What may be tuned.
    pub tuning: Tuning,
}

/// What a member shows to clients.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ClientCertificate {
    /// A file of its own, with the key in it.
    Pair,
    /// The certificate that it shows to peers.
    OfPeers,
}

/// The words with which a member enters its cluster. etcd reads them at its
/// first start only, and whoever renders keeps them: members that come and go
/// later do not change the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bootstrap<'a> {
    /// `etcd-0=https://10.0.0.1:2380,…`: all members at that moment.
    pub initial_cluster: &'a str,
    /// Whether there is a cluster to join.
    pub existing: bool,
    /// Different in every deployment, so that two clusters that meet on a
    /// re-used address never mix.
    pub token: &'a str,
}

impl EtcdConfig<'_> {
    /// The text of the file.
    pub fn render(&self) -> String {
        let Self {
            name,
            address,
            client_port,
            peer_port,
            bootstrap,
            shown,
            paths,
            tuning,
        } = self;
        let own = (&paths.server_certificate, &paths.server_key);
        let served = match shown {
            ClientCertificate::Pair => (&paths.served_pair, &paths.served_pair),
            ClientCertificate::OfPeers => own,
        };
        let client_url = https_url(*address, *client_port);
        let peer_url = https_url(*address, *peer_port);
        let document = Document {
            name: name.as_str(),
            data_dir: paths.data_dir.as_str(),
            listen_client_urls: &client_url,
            listen_peer_urls: &peer_url,
            advertise_client_urls: &client_url,
            initial_advertise_peer_urls: &peer_url,
            initial_cluster: bootstrap.initial_cluster,
            initial_cluster_state: match bootstrap.existing {
                true => "existing",
                false => "new",
            },
            initial_cluster_token: bootstrap.token,
            client_transport_security: TransportSecurity::new(served, &paths.loaded_trust),
            peer_transport_security: TransportSecurity::new(own, &paths.server_ca),
            strict_reconfig_check: true,
            pre_vote: true,
            enable_pprof: false,
            enable_grpc_gateway: false,
            tuning,
            logger: "zap",
            log_outputs: ["stderr"],
        };
        let text = serde_yaml::to_string(&document);
        let text = text.expect("texts, numbers and lists of them have a form in YAML");
        format!("{HEADER}{text}")
    }
}

/// Where a member serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ports {
    /// Clients.
    pub client: u16,
    /// Peers.
    pub peer: u16,
}

/// The ports in a configuration that [`EtcdConfig::render`] has made; `None`
/// for any other text.
pub fn ports_in(configuration: &str) -> Option<Ports> {
    let port = |key: &str| {
        let value = |line: &str| {
            line.strip_prefix(key)?
                .strip_prefix(": ")
                .map(str::to_owned)
        };
        port_of(&configuration.lines().find_map(value)?)
    };
    Some(Ports {
        client: port("listen-client-urls")?,
        peer: port("listen-peer-urls")?,
    })
}

/// The port of a URL without a path.
pub fn port_of(url: &str) -> Option<u16> {
    url.rsplit_once(':')?.1.parse().ok()
}

/// `https://10.0.0.1:2379`, or `https://[fd00::1]:2379`.
pub fn https_url(address: IpAddr, port: u16) -> String {
    format!("https://{}", SocketAddr::new(address, port))
}

/// What the running etcd has read besides its configuration stands in it as
/// comments: so the copy that is made when it starts tells which program it is
/// and which authorities it checks peers with, and a change of either is a
/// change of the configuration. `server_trust` is a digest.
pub fn notes(program: &FilePath, server_trust: &str) -> String {
    format!("{PROGRAM_NOTE}{program}\n{SERVER_TRUST_NOTE}{server_trust}\n")
}

/// Which program stands in the notes of a configuration.
pub fn noted_program(configuration: &str) -> Option<PathBuf> {
    let mut lines = configuration.lines();
    let program = lines.find_map(|line| line.strip_prefix(PROGRAM_NOTE))?;
    Some(PathBuf::from(program))
}

/// Which digest stands in the notes of a configuration.
pub fn noted_server_trust(configuration: &str) -> Option<String> {
    let mut lines = configuration.lines();
    let digest = lines.find_map(|line| line.strip_prefix(SERVER_TRUST_NOTE))?;
    Some(digest.to_owned())
}

/// Before the program that reads the configuration.
const PROGRAM_NOTE: &str = "# Read by ";

/// Before the digest of the authorities that peers are checked with.
const SERVER_TRUST_NOTE: &str = "# Peers are checked with ";

/// For whoever looks at the file on the machine.
const HEADER: &str = "# Written by the charm, which will overwrite changes.\n";

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    name: &'a str,
    data_dir: &'a str,
    listen_client_urls: &'a str,
    listen_peer_urls: &'a str,
    advertise_client_urls: &'a str,
    initial_advertise_peer_urls: &'a str,
    initial_cluster: &'a str,
    initial_cluster_state: &'a str,
    initial_cluster_token: &'a str,
    client_transport_security: TransportSecurity<'a>,
    peer_transport_security: TransportSecurity<'a>,
    /// Only then does etcd refuse membership changes that cost the quorum.
    strict_reconfig_check: bool,
    /// A member that comes back from a restart does not force an election on
    /// the others. The default since 3.5.
    pre_vote: bool,
    /// Profiles show what is in memory, passwords included (CVE-2021-28235).
    enable_pprof: bool,
    /// The gateway talks to etcd with the server's certificate, not with that
    /// of its client, so authentication by common name cannot work through it,
    /// and has let clients in as somebody else before (CVE-2018-16886).
    #[serde(rename = "enable-grpc-gateway")]
    enable_grpc_gateway: bool,
    #[serde(flatten)]
    tuning: &'a Tuning,
    logger: &'a str,
    log_outputs: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct TransportSecurity<'a> {
    cert_file: &'a str,
    key_file: &'a str,
    client_cert_auth: bool,
    trusted_ca_file: &'a str,
}

impl<'a> TransportSecurity<'a> {
    fn new((certificate, key): (&'a FilePath, &'a FilePath), trusted: &'a FilePath) -> Self {
        Self {
            cert_file: certificate.as_str(),
            key_file: key.as_str(),
            client_cert_auth: true,
            trusted_ca_file: trusted.as_str(),
        }
    }
}

#[cfg(test)]
mod tests;
