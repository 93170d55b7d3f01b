//! Writes, and nothing but writes: each step of a plan, in the order in which
//! it stands there. "Already there" and "already gone" are success.

mod access;
mod answer;
mod authorities;
mod disconnect;
mod forget;
mod issue;
mod machine;
mod membership;
mod peers;
mod port;
mod prepare;
mod proof;
mod publish;
mod recreate;
mod restart;
mod service;
mod serving;
mod sign;
mod snapshot;

pub use access::access;
pub use answer::for_one;
pub use authorities::{
    new_token, rotate_admin_authority, rotate_client_authority, rotate_server_authority,
};
pub use disconnect::disconnect;
pub use forget::forget;
pub use issue::issue;
pub use machine::{Readiness, machine, stop};
pub use membership::membership;
pub use port::open_port;
pub use prepare::{Prepared, prepare, snapshot_at_rest};
pub use proof::{Proven, prove, prove_or_fall_back};
pub use publish::{Published, publish};
pub use recreate::recreate;
pub use restart::{Restarted, restart_at_once, restart_in_turn, restart_lock};
pub use snapshot::snapshot;

use thiserror::Error;

use crate::etcd::EtcdError;
use crate::juju::ToolError;
use crate::workload::WorkloadError;

/// A step that could not be carried out. The next hook of any kind goes on.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// A hook tool failed.
    #[error("failed to write to the model")]
    Juju(#[from] ToolError),
    /// This machine's files or commands.
    #[error("failed to change this machine")]
    Workload(#[from] WorkloadError),
    /// A snapshot file.
    #[error(transparent)]
    Snapshot(#[from] crate::workload::snapshot::SnapshotError),
    /// etcd failed a call.
    #[error("failed to change etcd")]
    Etcd(#[from] EtcdError),
    /// A connection to a certain member could not be made.
    #[error("failed to connect to another member")]
    Connect(#[from] crate::connection::ConnectError),
    /// No certificate could be made.
    #[error("failed to issue a certificate")]
    Issue(#[from] crate::tls::IssueError),
    /// etcd was started and does not answer.
    #[error("failed to reach etcd after its start: {0}; see `journalctl -u {1}`")]
    Unreachable(String, String),
    /// An etcd that was started on prepared data did not come up.
    #[error("failed to try out the restored data: {0}")]
    RestoreCheck(String),
    /// The plan needs something that was not observed.
    #[error("failed to carry out a step without {0}")]
    Missing(&'static str),
}
