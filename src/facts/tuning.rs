//! What may be tuned of etcd, and the ports that it serves by default.

use serde::Serialize;

/// Where clients are served unless an option says otherwise.
pub const CLIENT_PORT: u16 = 2379;
/// Where peers are served unless an option says otherwise.
pub const PEER_PORT: u16 = 2380;

/// What may be tuned.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tuning {
    /// Milliseconds between a leader's heartbeats.
    pub heartbeat_interval: u32,
    /// Milliseconds without heartbeat until a member stands for election; ten
    /// heartbeats, as etcd recommends.
    pub election_timeout: u32,
    /// Size of the database at which writes are refused.
    pub quota_backend_bytes: u64,
    /// How history is let go: `periodic` or `revision`.
    pub auto_compaction_mode: String,
    /// How much history is kept.
    pub auto_compaction_retention: String,
    /// Entries between snapshots. What etcd has by default since 3.6; ten times
    /// that before, which only costs memory.
    pub snapshot_count: u64,
    /// `debug`, `info`, `warn` or `error`.
    pub log_level: String,
}
