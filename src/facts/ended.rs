//! Relations that have ended, although some units may not have been told yet.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// When a relation ended, as it stands in the ledger.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct EndedRelation {
    /// When the leader noted it.
    pub at: Timestamp,
}

/// What one unit was told of the end of a relation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ToldEnd {
    /// When it was told last.
    pub at: Timestamp,
    /// Whether it was told that the relation is over (`-relation-broken`), and not
    /// only that a unit leaves it.
    pub is_over: bool,
}
