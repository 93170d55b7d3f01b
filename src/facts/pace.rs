//! How often a relation has brought certificates that no member knew.

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// How many changes count against a relation, and when the last one was.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pace {
    /// How many changes count, as of the last one.
    pub changes: u32,
    /// When the last one was.
    pub last: Timestamp,
    /// A digest of all certificates that the relation showed when it was counted: a
    /// hook that is run again finds the same ones, and is no further change. Earlier
    /// revisions did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
}
