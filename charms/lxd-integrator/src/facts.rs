//! What was observed, as data. What could not be read is `Unknown`, which is
//! never the same as empty.

use std::collections::{BTreeMap, BTreeSet};

use certificates::{Fingerprint, Timestamp};
use juju_hooks::{AppName, Databag, ModelUuid, RelationId, UnitName};
use secret_value::Secret;

/// Something that was read, or why it could not be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known<T> {
    /// It was read.
    Known(T),
    /// It could not be read; the text says why.
    Unknown(String),
}

/// What Juju says in one run.
#[derive(Clone, Debug)]
pub struct Juju {
    /// The time of the hook, read once.
    pub now: Timestamp,
    /// This unit.
    pub unit: UnitName,
    /// This model.
    pub model: ModelUuid,
    /// Whether this unit leads, and so may change the trust store.
    pub leader: bool,
    /// The options as they are set.
    pub options: Options,
    /// The content of the secret that option `lxd-credentials` names; none if it
    /// names none.
    pub secret: Option<Known<Credentials>>,
    /// What `credential-get` says.
    pub cloud: Cloud,
    /// Which relations were looked at.
    pub scope: Scope,
    /// The relations in scope that exist.
    pub relations: BTreeMap<RelationId, Relation>,
}

/// Which relations a run looked at. One that is in scope and does not exist is
/// gone; of others nothing is known, and nothing is changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All of them.
    All,
    /// This one.
    Only(RelationId),
}

impl Scope {
    /// Whether the relation was looked at.
    pub fn contains(self, relation: RelationId) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == relation,
        }
    }
}

/// One relation of endpoint `api`.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Who is at the other end.
    pub app: Option<AppName>,
    /// The databags of the units at the other end, without one that departs.
    pub units: Known<BTreeMap<UnitName, Databag>>,
    /// What this unit has written.
    pub own: Known<Databag>,
}

/// The options of the charm, as text; an empty one is none.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `lxd_endpoint`.
    pub endpoint: Option<String>,
    /// `lxd_client_cert`, `lxd_client_key` and `lxd_server_cert`.
    pub credentials: Credentials,
    /// `restricted-projects`.
    pub projects: Option<String>,
}

/// The parts of credentials, each of which may be missing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Credentials {
    /// Our certificate, PEM.
    pub client_cert: Option<String>,
    /// Its private key, PEM.
    pub client_key: Option<Secret<String>>,
    /// The server's certificate, PEM.
    pub server_cert: Option<String>,
}

/// What Juju says of the cloud of the model.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cloud {
    /// `juju trust` was not given.
    Denied,
    /// It is an LXD.
    Lxd {
        /// Where it is, as Juju writes it.
        endpoint: Option<String>,
        /// How Juju itself speaks to it.
        credentials: Credentials,
    },
    /// It is another kind of cloud, by its type.
    Other(String),
    /// It was not asked for: the options say enough.
    Unasked,
    /// Juju does not answer; the text says why.
    Unknown(String),
}

/// What LXD says.
#[derive(Clone, Debug)]
pub struct Lxd {
    /// The server that was asked.
    pub server: Server,
    /// The members of its cluster; none if it is not clustered.
    pub members: Vec<Member>,
    /// The trust store, by fingerprint.
    pub entries: BTreeMap<Fingerprint, Entry>,
    /// The fingerprint of the certificate that we speak with; none over the
    /// local socket.
    pub own: Option<Fingerprint>,
    /// What this run tried to add and LXD refused, with LXD's own words.
    pub refused: BTreeMap<Fingerprint, String>,
}

/// The server that was asked (`GET /1.0`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Server {
    /// Its name.
    pub name: String,
    /// `lxd` or `incus`.
    pub kind: String,
    /// Its release.
    pub version: String,
    /// Whether it is a member of a cluster.
    pub clustered: bool,
    /// Its certificate, PEM.
    pub certificate: String,
    /// The fingerprint of its certificate.
    pub fingerprint: String,
    /// Where it listens, `host:port`.
    pub addresses: Vec<String>,
}

/// A member of a cluster of LXD.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Where it listens: `https://10.0.8.2:8443`.
    pub url: String,
    /// Whether the cluster says that it is online.
    pub online: bool,
}

/// One entry of the trust store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its name, which says whose it is: see [`crate::entry`].
    pub name: String,
    /// `client`, `server` or `metrics`.
    pub kind: String,
    /// Whether it is restricted to its projects.
    pub restricted: bool,
    /// The projects that it is restricted to.
    pub projects: BTreeSet<String>,
}
