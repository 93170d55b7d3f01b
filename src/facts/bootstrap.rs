//! How a member entered the cluster.

use serde::{Deserialize, Serialize};

use super::{Cause, MemberId};

/// With which words a member entered the cluster. etcd reads them at the first
/// start only; they are kept, so that the text of its configuration does not
/// change as members come and go, which would look like a reason to restart.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Bootstrap {
    /// `initial-cluster`: `etcd-0=https://10.0.0.1:2380,…`.
    pub initial_cluster: String,
    /// Whether there was a cluster to join.
    pub existing: bool,
    /// `initial-cluster-token`, different in every deployment.
    pub token: String,
    /// Which cluster of this application it is: 0 for the one of the
    /// deployment, and a higher number for each that was recreated from a
    /// snapshot. A member of a lower one belongs to a cluster that is over.
    #[serde(default)]
    pub generation: u64,
}

/// Which member of which cluster data belongs to. etcd writes both into the data
/// when the member starts for the first time, and they never change.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct MemberIdentity {
    /// The identifier of the member.
    pub member: MemberId,
    /// The identifier of the cluster.
    pub cluster: u64,
}

/// The data in the directory that etcd runs on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum MemberData {
    /// There is none: etcd would begin as if its member had never been.
    #[default]
    Absent,
    /// That of this member.
    Of(MemberIdentity),
    /// There is some, and whose it is cannot be read, because of this.
    Unreadable(Cause),
}

/// A new cluster whose data is prepared, and which this unit is about to put in
/// the place of the one before. It is written down before anything is touched,
/// so that whoever comes next can only go on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Recreation {
    /// The words of the new cluster.
    #[serde(rename = "founding")]
    pub bootstrap: Bootstrap,
    /// Whether the other members are to be taken off the list of the old
    /// cluster first, so that it comes to its end.
    #[serde(rename = "dissolves")]
    pub removes_members: bool,
}
