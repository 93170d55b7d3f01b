//! Why a cluster could not be asked.

use super::Cause;

/// Why nobody speaks for the cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoAnswer {
    /// This unit has no administrator's certificate yet.
    NoCertificate,
    /// No member is known yet.
    NoMember,
    /// The members elect a leader.
    NoLeader,
    /// The members that were asked did not agree in time.
    Disagreement,
    /// Members answer that are too few to agree on anything; these do not.
    Minority(Vec<String>),
    /// The last member that was asked failed with this.
    Failed(Cause),
}
