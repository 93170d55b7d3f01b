//! One application and its units, as the controller and the units' agents know them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::address::Lease;
use crate::charm::Charm;
use crate::fault::Fault;
use crate::hook::Hook;
use crate::name::{RelationId, UnitName};

/// A status with its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `maintenance`, `blocked`, `waiting`, `active`, `unknown` or `error`.
    pub status: String,
    /// The text beside it.
    pub message: String,
}

impl Status {
    pub(crate) fn new(status: &str, message: &str) -> Self {
        Self {
            status: status.to_owned(),
            message: message.to_owned(),
        }
    }
}

/// Which side of a cross-model relation an application of another model is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteSide {
    /// The other model consumes an offer of this one. Its name here is
    /// `remote-<32 hex>`, and it cannot share secrets.
    Consumer,
    /// This model consumes an offer of the other one. It keeps its name, and
    /// the applications of this model cannot share secrets with it.
    Offerer,
}

#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) side: RemoteSide,
    pub(crate) model_uuid: String,
}

#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) name: String,
    pub(crate) charm: Charm,
    pub(crate) remote: Option<Remote>,
    pub(crate) leader: Option<UnitName>,
    pub(crate) dying: bool,
    /// Whether `juju trust` was given.
    pub(crate) trusted: bool,
    pub(crate) next_unit: u32,
    pub(crate) status: Status,
    pub(crate) version: String,
    pub(crate) config: BTreeMap<String, Value>,
    /// Raised with each change of config; a unit compares it with what it saw.
    pub(crate) config_version: u64,
    pub(crate) charm_version: u64,
    pub(crate) resources: BTreeMap<String, PathBuf>,
    pub(crate) leader_settings: BTreeMap<String, String>,
    pub(crate) leader_settings_version: u64,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) path: Vec<PathBuf>,
}

impl Application {
    pub(crate) fn new(name: &str, charm: Charm) -> Self {
        Self {
            name: name.to_owned(),
            charm,
            remote: None,
            leader: None,
            dying: false,
            trusted: false,
            next_unit: 0,
            status: Status::new("unset", ""),
            version: String::new(),
            config: BTreeMap::new(),
            config_version: 1,
            charm_version: 1,
            resources: BTreeMap::new(),
            leader_settings: BTreeMap::new(),
            leader_settings_version: 1,
            environment: Vec::new(),
            path: Vec::new(),
        }
    }

    pub(crate) const fn is_puppet(&self) -> bool {
        self.charm.directory.is_none()
    }

    /// The value of an option: what was set, else its default, else null.
    pub(crate) fn option(&self, key: &str) -> Value {
        match self.config.get(key) {
            Some(value) => value.clone(),
            None => self
                .charm
                .metadata
                .config
                .get(key)
                .map_or(Value::Null, |option| option.default.clone()),
        }
    }
}

/// A range of ports as `open-port` takes it, with the endpoints it is opened for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PortRange {
    pub(crate) protocol: String,
    pub(crate) from: u16,
    pub(crate) to: u16,
}

impl std::fmt::Display for PortRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self { protocol, .. } if protocol == "icmp" => f.write_str("icmp"),
            Self { protocol, from, to } if from == to => write!(f, "{from}/{protocol}"),
            Self { protocol, from, to } => write!(f, "{from}-{to}/{protocol}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StorageState {
    Attaching,
    Attached,
    Detached,
}

#[derive(Clone, Debug)]
pub(crate) struct Storage {
    pub(crate) location: PathBuf,
    pub(crate) state: StorageState,
}

#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) name: UnitName,
    pub(crate) machine: u32,
    pub(crate) address: String,
    pub(crate) lease: Option<Lease>,
    pub(crate) directory: PathBuf,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) path: Vec<PathBuf>,
    pub(crate) dying: bool,
    pub(crate) status: Status,
    pub(crate) ports: BTreeSet<(String, PortRange)>,
    /// TCP ports that other units of the same machine have opened.
    pub(crate) ports_of_neighbours: BTreeSet<u16>,
    pub(crate) storage: BTreeMap<String, Storage>,
    pub(crate) state: BTreeMap<String, String>,
    pub(crate) agent: Agent,
    pub(crate) faults: Vec<Fault>,
}

/// What the unit's own agent remembers between hooks.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    pub(crate) installed: bool,
    pub(crate) started: bool,
    /// `start` is queued: config-changed ran in the start chain, or the agent came back.
    pub(crate) start_queued: bool,
    pub(crate) stopped: bool,
    pub(crate) status_was_set: bool,
    pub(crate) elected: bool,
    pub(crate) leader_settings_seen: u64,
    pub(crate) charm_seen: u64,
    /// Config version and address at the last config-changed; none before the first.
    pub(crate) config_seen: Option<(u64, String)>,
    pub(crate) relations: BTreeMap<RelationId, LocalRelation>,
    pub(crate) secrets: BTreeMap<String, LocalSecret>,
    /// The hook that failed and waits to be run again.
    pub(crate) error: Option<Hook>,
}

impl Agent {
    /// What it remembers of a relation.
    pub(crate) fn relation(&mut self, id: RelationId) -> &mut LocalRelation {
        self.relations.entry(id).or_default()
    }
}

/// One relation in the memory of one unit's agent.
#[derive(Debug, Default)]
pub(crate) struct LocalRelation {
    pub(crate) created: bool,
    /// Units whose joined hook has begun, with the version of their data that
    /// was last told to the charm.
    pub(crate) members: BTreeMap<UnitName, u64>,
    pub(crate) application_seen: u64,
    pub(crate) changed_pending: Option<UnitName>,
    /// Data of members as last read. It outlives hooks, until the member's own
    /// next changed hook (Juju's `context/cache.go`).
    pub(crate) cache: BTreeMap<UnitName, BTreeMap<String, String>>,
}

/// One secret in the memory of one unit's agent.
#[derive(Debug, Default)]
pub(crate) struct LocalSecret {
    /// The revision for which secret-changed was last run, or first read.
    pub(crate) handled: u32,
    pub(crate) removal_told: BTreeSet<u32>,
}
