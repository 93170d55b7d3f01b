//! How often a relation has brought certificates that no member knew.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How many changes count against a relation, and when the last one was.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pace {
    /// How many changes count, as of the last one.
    pub changes: u32,
    /// When the last one was.
    pub last: Timestamp,
}
