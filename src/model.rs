//! The vocabulary that all other modules share. Nothing in here reads or
//! writes anything; identifiers are types, and are compared whole.

mod cluster;
mod founding;
mod health;
mod id;
mod issued;
mod known;
mod ledger;
mod pace;
mod prefix;
mod requirer;
mod share;
mod source;

pub use certificates::{CommonName, Fingerprint, Timestamp};
pub use cluster::{
    Access, Alarm, AlarmKind, Audit, Cluster, Member, MemberStatus, Permission, Version,
};
pub use data_interfaces::{RequestId, RequestKey};
pub use founding::{Founding, MemberData, MemberIdentity, Refounding};
pub use health::{Compaction, MemberDetails};
pub use id::MemberName;
pub use issued::{IssuedRecord, IssuedState, OlderInterface, Purpose};
pub use juju_hooks::{
    AppName, Databag, Endpoint, InvalidId, ModelUuid, Relation, RelationId, SecretId, SecretUri,
    UnitName,
};
pub use known::Known;
pub use ledger::{
    ALL_LEDGERS, ClientRecord, Grant, Ledger, LedgerKey, LedgerKeys, LedgerWrite, MemberTrust,
    NameClaim, Notice,
};
pub use pace::Pace;
pub use prefix::{KeyRange, Prefix, PrefixRefusal};
pub use requirer::Requirer;
pub use secret_value::Secret;
pub use share::Share;
pub use source::Source;
