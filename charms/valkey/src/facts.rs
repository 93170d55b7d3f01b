//! What was observed, as data. What could not be read is `Unknown`, which is
//! never the same as empty.

mod own;

pub use own::{OwnAuthority, OwnSecret, Stage};

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use certificates::Timestamp;
use juju_hooks::{AppName, Databag, ModelUuid, Relation, RelationId, UnitName};

use crate::plan::options::Options;
use crate::relation::ledger::Ledger;
use crate::valkey::{Monitored, Role};

/// Something that was read, or why it could not be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Known<T> {
    /// It was read.
    Known(T),
    /// It could not be read; the text says why.
    Unknown(String),
}

impl<T> Known<T> {
    /// What was read, if it was.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
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
    /// Whether this unit leads, and so decides about access.
    pub leader: bool,
    /// The options, each checked.
    pub options: Options,
    /// The address that others reach this unit at.
    pub address: Option<IpAddr>,
    /// Where the storage for data is mounted.
    pub storage: Option<PathBuf>,
    /// The peer relation, once it exists.
    pub peers: Option<Relation>,
    /// What the units tell each other, this one included.
    pub members: BTreeMap<UnitName, Member>,
    /// What the leader has decided.
    pub ledger: Ledger,
    /// The secret of the application; none before the leader made it.
    pub own: Option<OwnSecret>,
    /// Which relations were looked at.
    pub scope: Scope,
    /// Those of them that exist.
    pub relations: BTreeMap<RelationId, Client>,
}

/// One unit, by what it says of itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Member {
    /// Where it listens.
    pub address: Option<IpAddr>,
    /// Whether its server and its sentinel have taken their places.
    pub joined: bool,
    /// What its sentinel saw when it last told.
    pub sees: String,
    /// The last step that it has taken in replacing the application's secret.
    pub step: Option<u64>,
    /// The release that its nodes have to restart with, if they run another program.
    pub restart: Option<String>,
}

/// Which relations a run looked at. One that is in scope and does not exist is
/// gone; of others nothing is known, and nothing is changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All of them.
    All,
    /// None.
    Nothing,
    /// This one.
    Only(RelationId),
}

impl Scope {
    /// Whether the relation was looked at.
    pub fn contains(self, relation: RelationId) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Only(only) => only == relation,
        }
    }
}

/// One relation of endpoint `valkey-client`.
#[derive(Clone, Debug)]
pub struct Client {
    /// Who is at the other end.
    pub app: Option<AppName>,
    /// What it wrote.
    pub bag: Known<Databag>,
}

/// What the nodes of one unit say.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Node {
    /// Its server.
    pub server: Known<Server>,
    /// Its sentinel; what it looks after, if anything.
    pub sentinel: Known<Option<Monitored>>,
}

/// What a server says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// What it is at the moment.
    pub role: Role,
    /// Its release.
    pub version: String,
}

/// The nodes of all units that have an address, this one's included.
pub type Nodes = BTreeMap<UnitName, Node>;
