//! This machine: its files, packages and services. What is here knows neither
//! Juju nor the etcd client; it is told what to do, does it, and finds
//! "already there" and "already gone" to be success. What any charm's machine has is the
//! crate `machine`.

mod archive;
pub mod bolt;
pub mod configuration;
mod connections;
pub mod credentials;
pub mod data;
mod error;
mod file_stamp;
pub mod guard;
pub mod kept_ledger;
pub mod kept_trust;
pub mod layout;
mod note;
pub mod package;
pub mod paths;
pub mod relation_notes;
pub mod release;
pub mod request_file;
pub mod restore_check;
pub mod snapshot;
pub mod snapshot_tool;
#[cfg(test)]
mod testing;
pub mod unit_state;
mod volume;
pub mod wal;

pub use connections::{Ended, end_connections};
pub use error::{CommandError, WorkloadError};
pub use machine::files::{self, Owner};
pub use machine::{
    Commands, MachineError, Outcome, Service, Started, State, daemon_reload, sha256,
};
pub use package::Installed;
pub use paths::Paths;
pub use unit_state::UnitState;
pub use volume::{is_mounted, is_port_taken, volume_bytes};

/// The user that etcd runs as.
pub const USER: &str = "etcd";
