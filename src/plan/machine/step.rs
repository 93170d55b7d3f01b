//! What may be done on this machine.

use std::collections::BTreeSet;

use crate::facts::machine::Documents;
use crate::facts::provider::KeyPair;
use crate::facts::{Bootstrap, MemberIdentity, RelationId, Source, UpgradeRefusal, Version};
use crate::plan::upgrade;
use crate::tls::Authority;

/// A step on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum MachineStep {
    /// Installs etcd's programs.
    Install(Installation),
    /// Stores the authorities' certificates (not their keys).
    StoreAuthorities(TrustTexts),
    /// Makes a new key and certificate for this member.
    IssueServer(Box<ServerIssuance>),
    /// Makes a new key and certificate of this authority for this unit as
    /// administrator, valid for so many seconds.
    IssueAdmin(Box<Authority>, i64),
    /// Stores the authorities of providers; an empty text for none.
    StoreProviderTrust(String),
    /// Makes a new key, and a request for a certificate with these names over this
    /// relation.
    Request(RelationId, BTreeSet<String>),
    /// Forgets what was asked of a provider.
    ForgetRequest,
    /// Lets the member show this to clients, with the key.
    Show(KeyPair),
    /// Notes that the keys were replaced that an operator wanted replaced.
    KeysReplaced,
    /// Quarantines what this unit has of a member that is no more, or of a cluster
    /// that is over, for the one of this generation.
    Quarantine(u64),
    /// Remembers with which words the member is bootstrapped, and lets etcd start once
    /// without data.
    Bootstrap(Bootstrap),
    /// Remembers which member the data is of; etcd starts with no other from now
    /// on.
    Note(MemberIdentity),
    /// Takes the data over that is there: the whole cluster, whose units are gone.
    TakeOver(Bootstrap, MemberIdentity),
    /// Writes the trust file of a member that has never started.
    WriteTrust(String),
    /// Writes the files of the service.
    Configure(Documents),
    /// Starts the service and waits until etcd answers.
    Start,
}

/// Programs that are to be installed. Of which release they are is known once they are
/// here, so what must hold of it goes along.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Installation {
    /// Where they come from.
    pub source: Source,
    /// The release whose data they must be able to go on with, if there is any.
    pub follows: Option<Version>,
}

impl Installation {
    /// Why programs of this release must not be used, and what to attach instead;
    /// `None` where they may, and where the release cannot be told.
    pub fn refusal(&self, release: Option<&Version>) -> Option<UpgradeRefusal> {
        upgrade::refusal(self.follows.as_ref()?, release?)
    }
}

/// Whom a machine is to trust: certificates of authorities, PEM.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustTexts {
    /// Those that members are checked with.
    pub server: String,
    /// Those that administrators are checked with.
    pub admin: String,
    /// Those that certificates are checked with that clients have asked for; `None`
    /// where there are none yet.
    pub client: Option<String>,
}

/// A certificate that a member is to be issued.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerIssuance {
    /// Who signs it.
    pub authority: Authority,
    /// The names and addresses in it.
    pub names: BTreeSet<String>,
    /// For how many seconds it is valid.
    pub seconds: i64,
    /// Whether clients are shown it as well, since they are shown the one whose place
    /// it takes: who checks the member may know the present authority alone.
    pub is_shown: bool,
}
