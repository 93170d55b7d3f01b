//! Juju for a charm written in Rust: the environment of a hook as a typed
//! event, identifiers as types, and one typed function for each hook tool.
//!
//! Callers get vocabulary back, never text that they would have to take apart;
//! what Juju prints in surprising ways (`null` for nothing, relations sorted as
//! strings, errors that only their wording tells apart) is settled here. The
//! crate knows Juju, and nothing of what is operated.
//!
//! Most writes are *buffered*: the agent commits them when the hook exits 0 and
//! drops them all when it does not (`internal/worker/uniter/runner/context`,
//! `Flush`). Those that take effect at once say *immediate*.
//!
//! No secret is ever an argument of a process, where any local user could read
//! it: content is handed over in files that only the agent and we can open.
//!
//! Nothing in here logs. The log itself goes through [`Tools::juju_log`], so a
//! log line about a tool call would be a tool call of its own, and so on.

mod action;
mod chain;
mod config;
mod credential;
mod databag;
mod error;
mod goal_state;
mod handover;
mod hook;
mod id;
mod leadership;
mod log;
mod network;
mod port;
mod relation;
mod resource;
mod runner;
mod secret;
mod secret_content;
mod secret_id;
mod secret_read;
mod shown;
mod status;
mod storage;
mod text;
mod version;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod relation_tests;
#[cfg(test)]
mod runner_tests;
#[cfg(test)]
mod secret_tests;

pub use action::ActionResults;
pub use chain::{chain, chain_once};
pub use credential::CloudSpec;
pub use databag::Databag;
pub use error::ToolError;
pub use hook::{
    Environment, Event, Hook, HookError, Lifecycle, RelationChange, RelationEvent, arguments,
    program,
};
pub use id::{AppName, Endpoint, InvalidId, ModelUuid, Relation, RelationId, UnitName};
pub use log::LogLevel;
pub use network::Network;
pub use port::TcpPort;
pub use resource::Resource;
pub use runner::Tools;
pub use secret::SecretOwner;
pub use secret_content::SecretContent;
pub use secret_id::{SecretId, SecretUri};
pub use secret_read::{Revision, SecretInfo, SecretUnavailable};
pub use shown::Report;
pub use status::StatusName;
pub use storage::StorageId;
