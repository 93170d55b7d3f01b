//! When the connections of clients to this unit's member are ended.
//!
//! etcd looks at rights when a request comes and when a watch begins, and never
//! again while the watch is open. So whoever loses a right goes on being told of
//! changes over what it opened before. Where rights were taken away, each member
//! ends the connections that clients have to it: by the kernel, which leaves etcd
//! alone. Whoever still has rights connects again within milliseconds.
//!
//! What was taken away, and from whom, does not matter: the ledger tells when
//! that was settled last ([`crate::facts::Ledger::settled`]), and a unit
//! remembers for which revision of it its member has no connection left.

use crate::facts::Cluster;
use crate::facts::observed::{Disconnection, NotEnded, Observed};

/// Whether connections are to be ended now.
pub(super) fn is_due(observed: &Observed, cluster: &Cluster) -> bool {
    let is_tried = observed.disconnection != Disconnection::Untried;
    let own = super::members::own_member(observed, cluster);
    // Without a vote it serves nobody but us.
    let serves = own.is_some_and(|own| !own.learner && cluster.answers(own.id));
    // The leader settles before it does anything else, and only then is it known
    // that all is taken away; with a full database it cannot.
    let is_settled = cluster.ledger.settled.is_some();
    let waits = observed.leader && !is_settled && cluster.status.alarms.is_empty();
    !is_tried && serves && !waits && is_behind(observed, cluster)
}

/// Why connections are still open that should not be, where this machine cannot
/// end them: they end with the next restart of the member.
pub(super) fn lingering<'o>(observed: &'o Observed, cluster: &Cluster) -> Option<&'o NotEnded> {
    match &observed.disconnection {
        Disconnection::Failed(reason) if is_behind(observed, cluster) => Some(reason),
        _ => None,
    }
}

/// Whether connections may be open from before rights were taken away.
pub(super) fn is_behind(observed: &Observed, cluster: &Cluster) -> bool {
    match observed.machine.disconnected {
        // What is seen first is taken over as done.
        None => false,
        Some(revision) => cluster.ledger.settled != Some(revision),
    }
}
