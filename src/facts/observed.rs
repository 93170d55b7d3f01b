//! What a plan is made from: everything that was read, and what could not be.

use std::collections::{BTreeMap, BTreeSet};

use tls_certificates::requests::{EntryRefusal, Request};

pub use super::machine::Leaves;
use super::machine::Machine;
use super::options::Options;
pub use super::options::PrefixPolicy;
pub use super::provider::{Provider, ProviderUnknown};
use super::reason::{CertificateFault, UnknownRequests};
use super::{
    AppName, Cause, Cluster, Databag, Fingerprint, Known, LegacyInterface, MemberName, NoAnswer,
    Reason, RecalledLeaves, RefusalNote, RelationId, RequestKey, Secret, Share, Timestamp, ToldEnd,
    UnitName,
};
use crate::relation::peer::{self, ApplicationData, Generation, UnitData};
use crate::relation::{Asked, Entry};

/// The world as one round of one hook saw it.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The time of the hook, read once.
    pub now: Timestamp,
    /// This unit.
    pub unit: UnitName,
    /// Whether this unit leads the application, and so may write what only
    /// the leader may.
    pub leader: bool,
    /// Whether this unit goes away, from the first that it hears of that: its
    /// storage is taken before its relations end and before `stop`.
    pub stopping: bool,
    /// Units that have left, by the names of their members, with the addresses
    /// they had.
    pub departed: BTreeMap<MemberName, Option<String>>,
    /// The members of the units that the model has, also of those that this one
    /// has not met yet; `None` where it was not asked, or cannot be told.
    pub units: Option<BTreeSet<MemberName>>,
    /// How much this pass looks at.
    pub pass: Pass,
    /// Whether this hook comes by itself (`update-status` and the like) and not
    /// because something has happened: what is in no hurry is done now.
    pub is_regular: bool,
    /// This machine: packages, files, the service.
    pub machine: Machine,
    /// The units of this application, as the peer relation shows them.
    pub peers: PeerRelation,
    /// Whoever signs what members show to clients, where it is not the charm.
    pub provider: Known<Option<Provider>, ProviderUnknown>,
    /// etcd, or why it could not be asked.
    pub cluster: Known<Cluster, NoAnswer>,
    /// What this unit was told of the end of relations, a short while ago.
    pub told_ends: BTreeMap<RelationId, ToldEnd>,
    /// Members that do not answer, with the number of regular passes of this unit
    /// in a row in which they did not.
    pub unreachable: BTreeMap<MemberName, u32>,
    /// The relations with clients.
    pub clients: Clients,
    /// The options that are in force.
    pub options: Options,
    /// Why the options are not in force as they are set now.
    pub refused_option: Option<RefusalNote>,
    /// Whether this hook has changed who has access.
    pub granted: bool,
    /// Whether this hook has restarted the member.
    pub restarted: bool,
    /// What came of ending the connections of clients in this hook.
    pub disconnection: Disconnection,
    /// The size at which etcd takes no more writes.
    pub quota: u64,
    /// What this hook has put right already and would see again.
    pub repaired: Repaired,
    /// The certificates on record, as far as this hook has read them.
    pub recalled: RecalledLeaves,
}

/// What is put right once in a hook: whether it helped does not show at once.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Repaired {
    /// Alarms without a cause were lowered.
    pub alarms: bool,
    /// `root` was given a password that nobody knows.
    pub root: bool,
}

/// How far a hook has come with ending the connections of clients.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Disconnection {
    /// It was not tried.
    #[default]
    Untried,
    /// None is left of those that were open.
    Done,
    /// This member does not know yet what was taken away; it does soon.
    Postponed,
    /// They are still open, since this machine cannot end them; and why.
    Failed(NotEnded),
}

/// Why a machine cannot end connections.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotEnded {
    /// The kernel leaves so many open.
    Left(usize),
    /// The command failed with this.
    Failed(Cause),
}

/// How much a pass looks at.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pass {
    /// One relation, for an event that concerns only it: the cost does not
    /// grow with the number of relations.
    Event,
    /// Everything; drift is repaired as well.
    Full,
}

/// The relation among the units of this application.
#[derive(Clone, Debug)]
pub enum PeerRelation {
    /// This pass had no reason to read it, or Juju ends it, since this unit goes.
    Unread,
    /// Juju has not made it yet.
    Absent,
    /// What stands in it.
    Read(Box<Peers>),
}

impl PeerRelation {
    /// What stands in it, if it was read.
    pub fn read(&self) -> Option<&Peers> {
        match self {
            Self::Read(peers) => Some(peers),
            Self::Unread | Self::Absent => None,
        }
    }

    /// The same, to be changed.
    pub fn read_mut(&mut self) -> Option<&mut Peers> {
        match self {
            Self::Read(peers) => Some(peers),
            Self::Unread | Self::Absent => None,
        }
    }
}

impl From<Peers> for PeerRelation {
    fn from(peers: Peers) -> Self {
        Self::Read(Box::new(peers))
    }
}

/// What units of this application tell each other.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Peers {
    /// What the leader wrote for all.
    pub app: ApplicationData,
    /// What this unit wrote.
    pub own: UnitData,
    /// What the other units wrote, by the names of their members.
    pub others: BTreeMap<MemberName, UnitData>,
}

impl Peers {
    /// The number of the newest cluster that any unit knows of. Whoever has
    /// bootstrapped one says so itself, so this holds also while nobody leads,
    /// and after a leader that could not finish.
    pub fn generation(&self) -> u64 {
        self.newest().number
    }

    /// The newest cluster: that of the leader, and as long as it is behind, that of
    /// a unit which knows a newer one.
    pub fn newest(&self) -> &Generation {
        let others = self.others.values().map(|unit| &unit.generation);
        others.fold(&self.app.generation, |newest, other| {
            match other.number > newest.number {
                true => other,
                false => newest,
            }
        })
    }

    /// The identifier of the newest cluster, where the leader has told it.
    pub fn newest_cluster(&self) -> Option<&str> {
        let is_newest = self.app.generation.number == self.generation();
        self.app.cluster.as_deref().filter(|_| is_newest)
    }

    /// The unit that has noted last that it leads. None where that was this unit, or one
    /// that is gone: another leads, and has not noted it yet.
    pub fn leader(&self) -> Option<&UnitName> {
        let noted = self.app.leader.as_ref();
        noted.filter(|unit| self.others.contains_key(&MemberName::of(unit)))
    }

    /// The highest format that anybody has written, if this revision does not know
    /// it.
    pub fn newer_format(&self) -> Option<u32> {
        let units = self.others.values().chain([&self.own]);
        let formats = units.map(|unit| unit.format).chain([self.app.format]);
        formats.max().filter(|format| *format > peer::FORMAT)
    }
}

/// The relations with clients, as far as this pass looked.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    /// Which relations this pass speaks for. One that is in scope and not in
    /// `relations` is gone; of others nothing is known and nothing is changed.
    pub scope: Scope,
    /// The relations that exist and were read.
    pub relations: BTreeMap<RelationId, ClientRelation>,
    /// Whether requests on other relations that wait for the same restart were
    /// looked for as well.
    pub pending_is_read: bool,
    /// What we had written for relations that end with this hook: the secrets
    /// named there go with them.
    pub broken: BTreeMap<RelationId, Databag>,
    /// The relation that ends with this hook, of whatever interface.
    pub ended: Option<RelationId>,
    /// Requests whose first record was written by this very hook: no hook
    /// before can have made secrets for them.
    pub fresh: BTreeSet<RequestKey>,
    /// The relations of the legacy interfaces that exist. Every unit looks at
    /// them, since every unit answers.
    pub legacy: BTreeMap<RelationId, LegacyRelation>,
    /// The relations over which certificates are asked for.
    pub signing: BTreeMap<RelationId, SigningRelation>,
    /// The relations with those who want to know whom to trust.
    pub transfers: BTreeMap<RelationId, TransferRelation>,
    /// The authority that clients check the servers with, PEM.
    pub server_ca: Option<String>,
}

/// Which relations a pass speaks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// All of them, those included that Juju no longer lists.
    All,
    /// Only these.
    Only(BTreeSet<RelationId>),
}

impl Default for Scope {
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

impl Scope {
    /// Whether this relation is in scope.
    pub fn contains(&self, relation: RelationId) -> bool {
        match self {
            Self::All => true,
            Self::Only(relations) => relations.contains(&relation),
        }
    }
}

/// One relation with a client.
#[derive(Clone, Debug)]
pub struct ClientRelation {
    /// The application at the other end; `None` where Juju does not say.
    pub app: Option<AppName>,
    /// What the other side asks for; `None` while it has asked nothing; or why
    /// that is not known.
    pub asked: Result<Option<Asked>, Reason>,
    /// What we have written for the other side.
    pub own: Databag,
    /// Whether `app` and `own` were noted by an earlier hook, and Juju was not asked.
    pub is_noted: bool,
    /// The certificates that requests point to, each read in this pass.
    pub certificates: BTreeMap<RequestKey, Certificate>,
    /// How the other side is related where it lives in another model; asked only
    /// where it matters.
    pub across_models: Option<AcrossModels>,
    /// Whether one of its units is leaving, and the relation with it as far as
    /// anybody can tell.
    pub is_ending: bool,
    /// What an earlier hook shared, if Juju has refused that.
    pub refused_share: Option<Share>,
}

/// Whose offer relates an application of another model to this one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AcrossModels {
    /// This model consumes an offer of the other one. Juju shares no secret with
    /// whoever offers.
    Consumed,
    /// The other model consumes an offer of this one.
    Offered,
}

/// One relation over which certificates are asked for.
#[derive(Clone, Debug)]
pub struct SigningRelation {
    /// The application at the other end; `None` where Juju does not say.
    pub app: Option<AppName>,
    /// What the application and its units ask for, in the order of the texts; or
    /// why that is not known.
    pub asked: Result<Vec<Request>, UnknownRequests>,
    /// The entries of theirs that are no requests at all, counted from 1 in each
    /// databag, and why: nobody can be answered that.
    pub refused: Vec<(usize, EntryRefusal)>,
    /// What we have written for the other side.
    pub own: Databag,
    /// The units at the other end.
    pub units: BTreeSet<UnitName>,
    /// Whether `own` and `units` are what this unit noted when Juju was asked last.
    pub is_noted: bool,
}

/// One relation with whoever wants to know whom to trust.
#[derive(Clone, Debug, Default)]
pub struct TransferRelation {
    /// What the application at the other end has written.
    pub theirs: Databag,
    /// What our application has written; `None` where only the leader may know.
    pub own_app: Option<Databag>,
    /// What this unit has written.
    pub own_unit: Databag,
}

/// One relation of a legacy interface, as this unit sees it.
#[derive(Clone, Debug)]
pub struct LegacyRelation {
    /// What it speaks.
    pub interface: LegacyInterface,
    /// What this unit has written for the other side, a private key among it;
    /// `None` where that cannot be read, and so nothing may be concluded.
    pub own: Option<BTreeMap<String, Secret<String>>>,
    /// The identity that the relation was given last, where it is known.
    pub held: Option<HeldIdentity>,
}

/// A certificate and its key, as our databag or our secret holds them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HeldIdentity {
    /// PEM.
    pub certificate: String,
    /// PEM, PKCS #8.
    pub key: Secret<String>,
    /// The fingerprint of the certificate.
    pub fingerprint: Fingerprint,
}

/// The certificate that a request brings.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Certificate {
    /// None yet, which is normal: it may come later.
    Absent,
    /// There is one, which could not be read yet, and why.
    Unreadable(CertificateFault),
    /// The text that stands where the certificate should.
    Text(String),
}

impl Observed {
    /// What this unit's member is called.
    pub fn member(&self) -> MemberName {
        MemberName::of(&self.unit)
    }
}

/// The request that an entry of a relation is.
pub fn request_key(relation: RelationId, entry: &Entry) -> RequestKey {
    RequestKey {
        relation,
        request: entry.request.clone(),
    }
}
