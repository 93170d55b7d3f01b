//! Relations that have ended, although some units may not have been told yet.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// When a relation ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EndedRelation {
    /// When the leader was told of its end.
    pub at: Timestamp,
}
