//! The administrator's client of the cluster, over the `etcd-client` crate.
//! Every call goes through one place that counts it, limits its time and
//! unwraps the crate's errors, which hide their causes.

mod auth;
mod auth_status;
mod batch;
mod connect;
mod error;
mod kv;
mod ledger;
mod lock;
mod maintenance;
mod member;
mod raft_progress;
mod restored;
mod snapshot;

pub use auth::Change;
pub use auth_status::AuthStatus;
pub use connect::{Client, Credentials};
pub use error::EtcdError;
pub use lock::Lock;
pub use restored::Cleaned;
pub use snapshot::SnapshotStream;
