//! Writes, and nothing but writes: each step of a plan, in the order in which
//! it stands there. "Already there" and "already gone" are success.

mod access;
mod answer;
mod authorities;
mod credentials;
mod disconnect;
mod forget;
mod issue;
mod machine;
mod maintenance;
mod membership;
mod peers;
mod port;
mod prepare;
mod proof;
mod publish;
mod recreate;
mod restart;
mod secrets;
mod service;
mod serving;
mod sign;
mod snapshot;

pub use access::{AccessChange, access};
pub use answer::for_one;
pub use authorities::{new_token, rotate};
pub use credentials::{Archive, Noted, hand_over, make_credentials, revoke};
pub use disconnect::disconnect;
pub use forget::forget;
pub use issue::issue;
pub use machine::{Readiness, install, machine, stop};
pub use maintenance::{
    Defragmented, Turn, compact, defragment, disarm, give_turn_back, order_new_keys, take_turn,
};
pub use membership::membership;
pub use port::open_port;
pub use prepare::{Prepared, Snapshot, prepare, snapshot_at_rest};
pub use proof::{Proven, prove, prove_or_fall_back};
pub use publish::{Published, publish};
pub use recreate::{begin_recreation, give_recovery_back, recovery_lock, recreate};
use restart::restart_lock;
pub use restart::{Restarted, free_lock, record_trust, restart_at_once, restart_in_turn};
pub use snapshot::snapshot;

use thiserror::Error;

use crate::etcd::EtcdError;
use crate::facts::AlarmKind;
use crate::juju::ToolError;
use crate::workload::{MachineError, WorkloadError};

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
    Missing(Missing),
}

impl From<MachineError> for ApplyError {
    fn from(error: MachineError) -> Self {
        WorkloadError::from(error).into()
    }
}

impl ApplyError {
    /// Whether a snapshot that was tried out is at fault: etcd's own tool or etcd itself
    /// has refused it.
    pub fn is_of_snapshot(&self) -> bool {
        matches!(
            self,
            Self::RestoreCheck(_)
                | Self::Workload(WorkloadError::Machine(MachineError::Command { .. }))
        )
    }

    /// The alarm because of which etcd refused a write.
    pub fn alarm(&self) -> Option<AlarmKind> {
        match self {
            Self::Etcd(error) => error.alarm(),
            _ => None,
        }
    }
}

/// What a step needs and the plan has counted on.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Missing {
    /// The certificate authorities of the application.
    #[error("the certificate authorities")]
    Authorities,
    /// The secret that they lie in.
    #[error("the secret with the authorities")]
    AuthoritiesSecret,
    /// The authority that signs for clients.
    #[error("the authority of clients")]
    ClientAuthority,
    /// A member that answers.
    #[error("a connection to etcd")]
    Connection,
    /// A key that was to be made for a requirer.
    #[error("the encryption key")]
    EncryptionKey,
    /// A common name that was drawn by lot.
    #[error("a common name that nobody has")]
    FreeName,
    /// The relation among the units.
    #[error("the peer relation")]
    PeerRelation,
    /// etcd itself.
    #[error("the programs of etcd")]
    Programs,
    /// Where the data lies.
    #[error("storage")]
    Storage,
}
