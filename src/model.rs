//! The vocabulary that all other modules share. Nothing in here reads or
//! writes anything; identifiers are types, and are compared whole.

mod cluster;
mod databag;
mod founding;
mod health;
mod id;
mod issued;
mod known;
mod ledger;
mod prefix;
mod secret;
mod time;

pub use cluster::{Access, Alarm, AlarmKind, Cluster, Member, MemberStatus, Permission, Version};
pub use databag::Databag;
pub use founding::{Founding, Refounding};
pub use health::{Compaction, MemberDetails};
pub use id::{
    AppName, CommonName, Endpoint, Fingerprint, InvalidId, MemberName, ModelUuid, Relation,
    RelationId, RequestId, RequestKey, SecretId, SecretUri, UnitName,
};
pub use issued::{IssuedRecord, IssuedState, OlderInterface, Purpose};
pub use known::Known;
pub use ledger::{
    ALL_LEDGERS, ClientRecord, Grant, Ledger, LedgerKey, LedgerKeys, LedgerWrite, MemberTrust,
    NameClaim, Notice,
};
pub use prefix::{KeyRange, Prefix, PrefixRefusal};
pub use secret::Secret;
pub use time::Timestamp;
