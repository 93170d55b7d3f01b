//! Where a ledger lies in etcd: which key stands for what, see [`super::Ledger`].

use std::fmt;

use super::{AppName, CommonName, MemberName, ModelUuid, RelationId, RequestKey};

/// What the ledgers of all applications begin with.
pub const ALL_LEDGERS: &str = "\0etcd-charm/";

/// Where an application's ledger lies, and which key stands for what.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LedgerKeys {
    root: String,
}

/// A key of the ledger, read back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LedgerKey {
    /// A [`ClientRecord`].
    Client(RequestKey),
    /// A [`NameClaim`].
    Name(CommonName),
    /// An [`IssuedRecord`].
    Issued(CommonName),
    /// A [`SignedName`].
    Signed(CommonName),
    /// An [`Unsigned`].
    Unsigned(RelationId),
    /// A [`MemberTrust`].
    Member(MemberName),
    /// A [`Pace`].
    Pace(RelationId),
    /// An [`EndedRelation`].
    Ended(RelationId),
    /// A lock; held while its lease lives.
    Lock(LockName),
    /// There while no right is being taken away; only its revision says
    /// anything.
    Settled,
}

/// What units take turns at. The names are stored.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LockName {
    /// To change who is a member.
    Membership,
    /// To make a member stop answering for a moment.
    Restart,
    /// To restore a snapshot.
    Recovery,
}

impl LockName {
    /// The name as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Membership => "membership",
            Self::Restart => "restart",
            Self::Recovery => "recovery",
        }
    }

    fn of(text: &str) -> Option<Self> {
        let all = [Self::Membership, Self::Restart, Self::Recovery];
        all.into_iter().find(|name| name.as_str() == text)
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The end of the key of [`LedgerKey::Settled`].
const RIGHTS: &str = "rights";

impl LedgerKeys {
    /// The ledger of one application of one model. Both are in the key, so
    /// that a restored snapshot never passes for another application's ledger.
    pub fn new(model: &ModelUuid, app: &AppName) -> Self {
        Self {
            root: format!("{ALL_LEDGERS}{model}/{app}/"),
        }
    }

    /// The ledger that a key belongs to, whichever application's it is.
    pub fn of_key(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix(ALL_LEDGERS)?.splitn(3, '/');
        let (model, app) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next()?;
        Some(Self::new(&model, &app))
    }

    /// What all keys of the ledger begin with.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// The key that is written with everything that only the leader decides: who
    /// has not seen its last revision decided on what is not true any more. Its value
    /// tells which keys were deleted, see [`super::Deletions`].
    pub fn fence(&self) -> String {
        format!("{}fence", self.root)
    }

    /// The key that holds the format of the ledger; there is none of the first.
    pub fn format(&self) -> String {
        format!("{}format", self.root)
    }

    /// The key as etcd stores it.
    pub fn encode(&self, key: &LedgerKey) -> String {
        let root = &self.root;
        match key {
            LedgerKey::Client(RequestKey { relation, request }) => {
                let request = request.as_ref().map_or("-", |id| id.as_str());
                format!("{root}client/{relation}/{request}")
            }
            LedgerKey::Name(name) => format!("{root}name/{name}"),
            LedgerKey::Issued(name) => format!("{root}issued/{name}"),
            LedgerKey::Signed(name) => format!("{root}signed/{name}"),
            LedgerKey::Unsigned(relation) => format!("{root}unsigned/{relation}"),
            LedgerKey::Member(member) => format!("{root}member/{member}"),
            LedgerKey::Pace(relation) => format!("{root}pace/{relation}"),
            LedgerKey::Ended(relation) => format!("{root}ended/{relation}"),
            LedgerKey::Lock(name) => format!("{root}lock/{name}"),
            LedgerKey::Settled => format!("{root}settled/{RIGHTS}"),
        }
    }

    /// What a stored key stands for; `None` for one that this revision of the
    /// charm does not know, which it leaves alone.
    pub fn decode(&self, key: &str) -> Option<LedgerKey> {
        self.decode_end(self.end_of(key)?)
    }

    /// A key without what all keys of the ledger begin with, if it is one.
    pub fn end_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(&self.root)
    }

    /// The same as [`Self::decode`] of a key without what all begin with.
    pub fn decode_end(&self, key: &str) -> Option<LedgerKey> {
        let (kind, rest) = key.split_once('/')?;
        match kind {
            "client" => {
                let (relation, request) = rest.split_once('/')?;
                let request = match request {
                    "-" => None,
                    id => Some(id.parse().ok()?),
                };
                let relation = relation.parse().ok()?;
                Some(LedgerKey::Client(RequestKey { relation, request }))
            }
            "name" => rest.parse().ok().map(LedgerKey::Name),
            "issued" => rest.parse().ok().map(LedgerKey::Issued),
            "signed" => rest.parse().ok().map(LedgerKey::Signed),
            "unsigned" => rest.parse().ok().map(LedgerKey::Unsigned),
            "member" => Some(LedgerKey::Member(MemberName::new(rest))),
            "pace" => rest.parse().ok().map(LedgerKey::Pace),
            "ended" => rest.parse().ok().map(LedgerKey::Ended),
            "lock" => LockName::of(rest).map(LedgerKey::Lock),
            "settled" if rest == RIGHTS => Some(LedgerKey::Settled),
            _ => None,
        }
    }
}
