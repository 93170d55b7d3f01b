//! Where users and roles were last found to be what the ledger says.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::CommonName;

/// A state of users and roles in which all of them were what the ledger said, and what
/// this unit has changed of them since. After a restore revisions count anew, in
/// another cluster.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct AuditedRights {
    /// The identifier of the cluster.
    pub cluster: u64,
    /// The revision of etcd's users and roles at which they were read, and one more for
    /// each change that this unit has made since.
    pub revision: u64,
    /// The digest of what the ledger said of all names but those below.
    pub granted: String,
    /// The names whose user, role or entry in the ledger this unit has changed since:
    /// they are to be read again.
    pub changed: BTreeSet<CommonName>,
}
