//! The ledger: what the charm has granted, to whom and why not, as it stands
//! in etcd itself. Pure: keys, values and how they are read.
//!
//! All keys begin with byte 0x00, where no client's range can reach:
//!
//! ```text
//! \0etcd-charm/<model uuid>/<application>/client/<relation>/<request or ->
//! \0etcd-charm/<model uuid>/<application>/name/<common name>
//! \0etcd-charm/<model uuid>/<application>/issued/<common name>
//! \0etcd-charm/<model uuid>/<application>/signed/<common name>
//! \0etcd-charm/<model uuid>/<application>/unsigned/<relation>
//! \0etcd-charm/<model uuid>/<application>/member/<member name>
//! \0etcd-charm/<model uuid>/<application>/pace/<relation>
//! \0etcd-charm/<model uuid>/<application>/ended/<relation>
//! \0etcd-charm/<model uuid>/<application>/lock/<name of the lock>
//! \0etcd-charm/<model uuid>/<application>/settled/rights
//! \0etcd-charm/<model uuid>/<application>/fence
//! \0etcd-charm/<model uuid>/<application>/format
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::noted_leaves;
use super::{
    AppName, CommonName, Condition, EndedRelation, Entry, Fingerprint, GrantView, IssuedRecord,
    LockName, MemberName, Pace, Prefix, Records, RelationId, RequestKey, Requirer, SecretId,
    SignedName, Timestamp, Unsigned,
};

/// Everything under the application's part of the reserved range, read at one
/// revision. In etcd each entry is a key of its own; as a whole it is only noted by a
/// unit for itself, without locks.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ledger {
    /// One record for each request that was ever seen and is not forgotten.
    pub clients: Records<RequestKey, ClientRecord>,
    /// Who holds which common name.
    pub names: Records<CommonName, NameClaim>,
    /// The identities that the charm has issued itself, by common name. A name
    /// is never here and in `names` at once.
    pub issued: BTreeMap<CommonName, IssuedRecord>,
    /// The names in which certificates are signed on request. A name may be here
    /// and in `names` at once: then both are of one application.
    pub signed: BTreeMap<CommonName, SignedName>,
    /// Why requests for certificates are refused, by the relation.
    pub unsigned: BTreeMap<RelationId, Unsigned>,
    /// What each member trusts.
    #[serde(with = "noted_leaves::members")]
    pub members: BTreeMap<MemberName, MemberTrust>,
    /// How often relations have brought new certificates, as far as it counts.
    pub paces: BTreeMap<RelationId, Pace>,
    /// Relations whose end a leader was told of a short while ago.
    pub ended: BTreeMap<RelationId, EndedRelation>,
    /// Who holds which lock.
    #[serde(skip)]
    pub locks: BTreeMap<LockName, String>,
    /// The revision at which rights were last seen to be what they should, after
    /// some had been taken away; `None` while that is under way. What is open
    /// from before goes on until each member has ended it.
    pub settled: Option<i64>,
    /// The format that it has, if it is newer than [`FORMAT`]; of such a ledger
    /// nothing else is read, and nothing is written.
    #[serde(skip)]
    pub newer_format: Option<u32>,
}

impl Ledger {
    /// The grants in force, or being put into force.
    pub fn grants(&self) -> impl Iterator<Item = (&RequestKey, &Grant)> {
        self.clients
            .iter()
            .filter_map(|(key, record)| Some((key, record.grant.as_ref()?)))
    }

    /// How many records of clients and claims were read, of those that were kept in
    /// memory and of those that etcd told.
    pub fn records_read(&self) -> usize {
        let ((clients, told), (names, of_names)) = (self.clients.read(), self.names.read());
        clients + told + names + of_names
    }

    /// The grants, where most of them need not be read. This is for what a pass over one
    /// relation does; it costs next to nothing for each.
    pub fn grant_views(
        &self,
    ) -> impl Iterator<Item = (Entry<'_, RequestKey, ClientRecord>, GrantView<'_>)> {
        let entries = self.clients.entries();
        entries.filter_map(|entry| {
            let grant = entry.view().grant?;
            Some((entry, grant))
        })
    }

    /// The relations with a request whose certificate is said to be in this secret:
    /// whoever can name a secret may do so, also where it is another's.
    pub fn relations_of_secret(&self, secret: &SecretId) -> BTreeSet<RelationId> {
        let secret = Some(secret.as_str().as_bytes());
        let entries = self.clients.entries();
        let named = entries.filter(|entry| entry.view().secret == secret);
        named.map(|entry| entry.relation()).collect()
    }

    /// The identities of a relation of a legacy interface; the one that was
    /// issued last stands last.
    pub fn identities_of(&self, relation: RelationId) -> Vec<(&CommonName, &IssuedRecord)> {
        let mut found: Vec<_> = self
            .issued
            .iter()
            .filter(|(_, record)| record.is_of(relation))
            .collect();
        found.sort_by_key(|(name, record)| (record.issued_at, *name));
        found
    }
}

impl Ledger {
    /// Who made a request, as far as that is on record.
    pub fn requirer(&self, key: &RequestKey) -> Requirer {
        let record = self.clients.get(key);
        record.and_then(|record| record.app.as_ref()).into()
    }

    /// Whether a write changes anything.
    pub fn is_changed_by(&self, write: &LedgerWrite) -> bool {
        match write {
            LedgerWrite::Record(key, record) => self.clients.get(key) != Some(record),
            LedgerWrite::ForgetRecord(key) => self.clients.contains_key(key),
            LedgerWrite::Name(name, claim) => self.names.get(name) != Some(claim),
            LedgerWrite::FreeName(name) => self.names.contains_key(name),
            LedgerWrite::Issued(name, record) => self.issued.get(name) != Some(record),
            LedgerWrite::ForgetIssued(name) => self.issued.contains_key(name),
            LedgerWrite::Signed(name, record) => self.signed.get(name) != Some(record),
            LedgerWrite::ForgetSigned(name) => self.signed.contains_key(name),
            LedgerWrite::Unsigned(relation, why) => self.unsigned.get(relation) != Some(why),
            LedgerWrite::ForgetUnsigned(relation) => self.unsigned.contains_key(relation),
            LedgerWrite::Member(member, trust) => self.members.get(member) != Some(trust),
            LedgerWrite::ForgetMember(member) => self.members.contains_key(member),
            LedgerWrite::Settle => self.settled.is_none(),
            LedgerWrite::Pace(relation, pace) => self.paces.get(relation) != Some(pace),
            LedgerWrite::ForgetPace(relation) => self.paces.contains_key(relation),
            LedgerWrite::Ended(relation, ended) => self.ended.get(relation) != Some(ended),
            LedgerWrite::ForgetEnded(relation) => self.ended.contains_key(relation),
            LedgerWrite::Unsettle => self.settled.is_some(),
        }
    }

    /// Carries a write out on this copy. `false` if it changes nothing.
    pub fn apply(&mut self, write: &LedgerWrite) -> bool {
        fn put<K: Ord + Clone, V: Clone>(map: &mut BTreeMap<K, V>, key: &K, value: &V) {
            map.insert(key.clone(), value.clone());
        }
        let changes = self.is_changed_by(write);
        match write {
            LedgerWrite::Record(key, record) => self.clients.insert(key.clone(), record.clone()),
            LedgerWrite::ForgetRecord(key) => self.clients.remove(key),
            LedgerWrite::Name(name, claim) => self.names.insert(name.clone(), claim.clone()),
            LedgerWrite::FreeName(name) => self.names.remove(name),
            LedgerWrite::Issued(name, record) => put(&mut self.issued, name, record),
            LedgerWrite::ForgetIssued(name) => drop(self.issued.remove(name)),
            LedgerWrite::Signed(name, record) => put(&mut self.signed, name, record),
            LedgerWrite::ForgetSigned(name) => drop(self.signed.remove(name)),
            LedgerWrite::Unsigned(relation, why) => put(&mut self.unsigned, relation, why),
            LedgerWrite::ForgetUnsigned(relation) => drop(self.unsigned.remove(relation)),
            LedgerWrite::Member(member, trust) => put(&mut self.members, member, trust),
            LedgerWrite::ForgetMember(member) => drop(self.members.remove(member)),
            // Which revision it will be only etcd knows.
            LedgerWrite::Settle => self.settled = Some(0),
            LedgerWrite::Pace(relation, pace) => put(&mut self.paces, relation, pace),
            LedgerWrite::ForgetPace(relation) => drop(self.paces.remove(relation)),
            LedgerWrite::Ended(relation, ended) => put(&mut self.ended, relation, ended),
            LedgerWrite::ForgetEnded(relation) => drop(self.ended.remove(relation)),
            LedgerWrite::Unsettle => self.settled = None,
        }
        changes
    }
}

/// What is known of one request.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ClientRecord {
    /// The application that made the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// The access that this request has, or is being given. It is written
    /// before user and role are made and removed after they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Grant>,
    /// Why the request, or its latest change, is not in force.
    #[serde(default, rename = "notice", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The requirer's secret that holds the certificate, so that a
    /// `secret-changed` finds its request without reading every relation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretId>,
    /// Digest of the secret contents that a committed hook is known to have
    /// published: what later hooks need not read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// The request is gone; the record stays until our secrets for it are seen
    /// to be gone as well, since their removal is only as good as the commit
    /// of the hook that asked for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub departed: bool,
    /// The request never had a grant, so there are no secrets for it, and it is
    /// forgotten as soon as it is gone. Not so where nothing is said: records
    /// from before this was noted may have had one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ungranted: bool,
}

/// Access as it was granted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Grant {
    /// The name of the user and of the role.
    pub common_name: CommonName,
    /// What may be read and written.
    pub prefix: Prefix,
    /// Our own re-encoding of the leaf certificate, PEM.
    pub certificate: String,
    /// The authority of ours that signed it, which members trust from their start;
    /// `None` where they trust the leaf itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Fingerprint>,
    /// The fingerprint of that leaf.
    pub fingerprint: Fingerprint,
    /// When the leaf stops being valid.
    pub not_after: Timestamp,
    /// When this grant was first made.
    pub granted_at: Timestamp,
}

/// A common name and whose it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NameClaim {
    /// The request that holds the name.
    pub holder: RequestKey,
    /// Every leaf certificate with this name that some member may still trust.
    pub leaves: BTreeSet<Fingerprint>,
    /// User and role are gone; the name is kept from others until no member
    /// trusts any of its leaves, since an old certificate would otherwise be
    /// the new user.
    #[serde(
        default,
        rename = "leaving",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub releasing: bool,
}

/// What one member trusts, written by that member's unit.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MemberTrust {
    /// Leaves that the running etcd was seen to have loaded.
    pub loaded: BTreeSet<Fingerprint>,
    /// Leaves that a restart in progress may load instead; written before the
    /// trust file is, so that a crash never hides a certificate still trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starting: Option<BTreeSet<Fingerprint>>,
    /// The authorities of clients that the running etcd was seen to have loaded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub client_authorities: BTreeSet<Fingerprint>,
}

impl MemberTrust {
    /// Whether this member lets the certificate of a grant in by now.
    pub fn has_loaded(&self, grant: &Grant) -> bool {
        match &grant.issuer {
            Some(authority) => self.client_authorities.contains(authority),
            None => self.loaded.contains(&grant.fingerprint),
        }
    }

    /// Whether this member may still let the leaf in.
    pub fn may_trust(&self, leaf: &Fingerprint) -> bool {
        self.loaded.contains(leaf)
            || self
                .starting
                .as_ref()
                .is_some_and(|leaves| leaves.contains(leaf))
    }
}

/// One write of the ledger.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LedgerWrite {
    /// Writes or replaces the record of a request.
    Record(RequestKey, ClientRecord),
    /// Forgets the record of a request.
    ForgetRecord(RequestKey),
    /// Writes or replaces a claim.
    Name(CommonName, NameClaim),
    /// Frees a name.
    FreeName(CommonName),
    /// Writes or replaces the record of an issued identity.
    Issued(CommonName, IssuedRecord),
    /// Forgets an issued identity, and so frees its name.
    ForgetIssued(CommonName),
    /// Writes or replaces whose a name is in which certificates are signed.
    Signed(CommonName, SignedName),
    /// Forgets that, and so frees the name.
    ForgetSigned(CommonName),
    /// Writes why requests for certificates of a relation are refused.
    Unsigned(RelationId, Unsigned),
    /// Forgets that: none is refused any more.
    ForgetUnsigned(RelationId),
    /// Writes what a member trusts.
    Member(MemberName, MemberTrust),
    /// Forgets a member that is gone.
    ForgetMember(MemberName),
    /// Notes that no right is being taken away any more.
    Settle,
    /// Writes how often a relation has brought new certificates.
    Pace(RelationId, Pace),
    /// Forgets it.
    ForgetPace(RelationId),
    /// Writes that a relation has ended.
    Ended(RelationId, EndedRelation),
    /// Forgets it: every unit knows by now, or the relation is there again.
    ForgetEnded(RelationId),
    /// Notes that rights are being taken away.
    Unsettle,
}

impl LedgerWrite {
    /// Whether only the leader decides it. What a member trusts is written by
    /// its own unit, at any time.
    pub fn is_leaders(&self) -> bool {
        match self {
            Self::Member(..) => false,
            Self::Record(..)
            | Self::ForgetRecord(_)
            | Self::Name(..)
            | Self::FreeName(_)
            | Self::Issued(..)
            | Self::ForgetIssued(_)
            | Self::Signed(..)
            | Self::ForgetSigned(_)
            | Self::Unsigned(..)
            | Self::ForgetUnsigned(_)
            | Self::ForgetMember(_)
            | Self::Settle
            | Self::Pace(..)
            | Self::ForgetPace(_)
            | Self::Ended(..)
            | Self::ForgetEnded(_)
            | Self::Unsettle => true,
        }
    }
}

/// The format that this revision writes: what keys and values mean. A field more or
/// less needs no new one. The first one is not written down, so no ledger changes
/// by it.
const FORMAT: u32 = 1;

/// The format that a text names, if it is newer than [`FORMAT`]. One that makes no
/// sense here is.
pub fn newer_format(text: &str) -> Option<u32> {
    let format = text.parse().unwrap_or(u32::MAX);
    (format > FORMAT).then_some(format)
}

#[cfg(test)]
mod note_tests;

#[cfg(test)]
mod tests;
