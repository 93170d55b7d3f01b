//! What is known of the world, as data, and the vocabulary that all other
//! modules share. Nothing in here reads or writes anything; identifiers are
//! types, and are compared whole.

mod audited_rights;
pub mod authorities;
mod bootstrap;
mod cause;
mod cluster;
mod condition;
mod deletions;
mod ended;
mod file_path;
mod health;
mod id;
mod issued;
mod known;
mod ledger;
mod ledger_keys;
mod ledger_point;
mod ledger_records;
mod ledger_restored;
pub mod machine;
mod name_refusal;
mod no_answer;
mod noted_leaves;
pub mod observed;
pub mod options;
mod pace;
mod prefix;
pub mod provider;
mod raft_progress;
pub mod reason;
mod recalled;
mod records;
mod refusal_note;
mod related;
mod requirer;
mod share;
mod signed;
mod source;
pub mod tuning;

pub use audited_rights::AuditedRights;
pub use bootstrap::{Bootstrap, MemberData, MemberIdentity, Recreation};
pub use cause::Cause;
pub use certificates::{CommonName, Fingerprint, Timestamp};
pub use cluster::{
    Access, Alarm, AlarmKind, Audit, Cluster, Member, MemberStatus, Permission, Version,
};
pub use condition::{Condition, ConditionKind};
pub use data_interfaces::{RequestId, RequestKey};
pub use deletions::Deletions;
pub use ended::{EndedRelation, ToldEnd};
pub use file_path::{FilePath, UnwritablePath};
pub use health::{Answer, Compaction, Health, MemberDetails, MemberHealth, NoRead, Silence};
pub use id::{MemberId, MemberName};
pub use issued::{ArchivePlace, IssuedRecord, IssuedState, LegacyInterface, Purpose};
pub use juju_hooks::{
    AppName, Databag, Endpoint, InvalidId, ModelUuid, Relation, RelationId, SecretId, SecretUri,
    UnitName,
};
pub use known::Known;
pub use ledger::{ClientRecord, Grant, Ledger, LedgerWrite, MemberTrust, NameClaim, newer_format};
pub use ledger_keys::{ALL_LEDGERS, LedgerKey, LedgerKeys, LockName};
pub use ledger_point::LedgerPoint;
pub use ledger_records::{ClaimView, ClientView, GrantView};
pub use name_refusal::NameRefusal;
pub use no_answer::NoAnswer;
pub use noted_leaves::{NotedLeaves, ToNote};
pub use pace::Pace;
pub use prefix::{KeyRange, Prefix, PrefixRefusal};
pub use raft_progress::RaftProgress;
pub use reason::Reason;
pub use recalled::{KnownLeaf, RecalledLeaves};
pub use records::{Entry, Keys, Records};
pub use refusal_note::{ArchiveFault, Instead, RefusalNote, UpgradeRefusal};
pub use related::{Related, Relations};
pub use requirer::Requirer;
pub use secret_value::Secret;
pub use share::Share;
pub use signed::{SignedName, Unsigned};
pub use source::Source;
