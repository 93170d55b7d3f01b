//! This machine: its files, packages and services. What is here knows neither
//! Juju nor the etcd client; it is told what to do, does it, and finds
//! "already there" and "already gone" to be success. What any charm's machine has is the
//! crate `machine`, whose errors become this module's.

mod archive;
pub mod bolt;
pub mod configuration;
mod connections;
pub mod credentials;
pub mod data;
mod error;
pub mod files;
pub mod guard;
pub mod layout;
pub mod package;
pub mod paths;
pub mod relation_notes;
pub mod release;
pub mod request_file;
pub mod restore_check;
pub mod service;
pub mod snapshot;
pub mod snapshot_tool;
#[cfg(test)]
mod testing;
pub mod unit_state;
mod volume;
pub mod wal;

pub use archive::sha256;
pub use connections::{Ended, end_connections};
pub use error::{CommandError, WorkloadError};
pub use files::Owner;
pub use machine::{Commands, Outcome};
pub use package::Installed;
pub use paths::Paths;
pub use service::{Service, Started, State};
pub use unit_state::UnitState;
pub use volume::{is_mounted, is_port_taken, volume_bytes};
