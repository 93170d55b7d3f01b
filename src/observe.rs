//! Reads, and nothing but reads: Juju, etcd and this machine.

mod answering;
mod archive;
mod authorities;
mod clients;
mod etcd;
mod health;
mod juju;
mod legacy;
mod machine;
mod one_relation;
mod options;
mod provider;
mod quorum;
mod related;
mod signing;
mod snapshot;
mod survivors;
mod transfer;

pub use archive::archive_place;
pub use authorities::of_application as authorities_of_application;
pub use clients::{clients, read_pending};
pub use etcd::{access, alarms, cluster, cluster_now, connect, latest_revision, ledger_now};
pub use health::health;
pub use juju::{Application, application, leads};
pub use legacy::legacy;
pub use machine::{machine, release};
pub use quorum::{Quorum, ledger, quorum};
pub use related::relations;
pub use signing::{answered, signing};
pub use snapshot::{
    has_data, is_equipped, may_be_directory, quarantined, raises_revisions, snapshot_content,
    snapshot_file, snapshot_source,
};
pub use survivors::{Survivor, any_agrees, is_served, members_of, own_voter, survivors};
pub use transfer::transfers;

use thiserror::Error;

use crate::connection::ConnectError;
use crate::etcd::EtcdError;
use crate::juju::ToolError;
use crate::workload::{MachineError, WorkloadError};

/// Something that must be known could not be read.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// A hook tool failed.
    #[error("failed to observe the model")]
    Juju(#[from] ToolError),
    /// This machine's files or commands.
    #[error("failed to observe this machine")]
    Workload(#[from] WorkloadError),
    /// etcd failed a call in the middle of others that it answered.
    #[error("failed to observe etcd")]
    Etcd(#[from] EtcdError),
    /// The secret with the authorities does not hold what it should.
    #[error("failed to read the certificate authorities from secret {secret}")]
    Authorities {
        /// The secret.
        secret: String,
        /// What is wrong.
        #[source]
        source: crate::tls::IssueError,
    },
    /// A member could not be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A path cannot stand in the files of the service.
    #[error("failed to render the files of the service")]
    Path(#[from] crate::facts::UnwritablePath),
}

impl From<MachineError> for ObserveError {
    fn from(error: MachineError) -> Self {
        WorkloadError::from(error).into()
    }
}
