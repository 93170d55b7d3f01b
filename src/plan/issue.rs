//! Which relations of the legacy interfaces need an identity.

use super::access::identity_in_use;
use super::authorities::admin::is_signed_by;
use crate::facts::observed::{LegacyRelation, Observed};
use crate::facts::{Cluster, IssuedRecord, LegacyInterface, RelationId, Timestamp};

/// How long the certificate of a relation is valid: a year. Whoever holds it
/// may take months to notice a new one, and it ends with the relation anyway.
pub const VALIDITY_SECONDS: i64 = 365 * 24 * 3600;

/// By how much the clocks of units that lead one after the other may differ.
const CLOCKS_DIFFER_SECONDS: i64 = 3600;

/// An identity that is to be issued to a relation, in a name of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Issuance {
    /// What the relation speaks.
    pub interface: LegacyInterface,
    /// The relation.
    pub relation: RelationId,
}

/// The relations in scope that have no identity, or one that has lived two
/// thirds of its life, or that another authority than the present one has signed. The old one stays in force until it expires: whoever has
/// not taken over the new one in the last third never will. Neither the
/// renewal nor the end needs all units to agree on a moment.
pub fn plan(observed: &Observed, cluster: &Cluster) -> Vec<Issuance> {
    let relations = observed.clients.legacy.iter();
    relations
        .filter(|(id, relation)| {
            let used = identity_in_use(&cluster.ledger, **id, relation);
            relation.own.is_some()
                && used.is_none_or(|(_, record)| {
                    is_to_be_renewed(record, observed.now) || is_by_another(observed, relation)
                })
        })
        .map(|(id, relation)| Issuance {
            interface: relation.interface,
            relation: *id,
        })
        .collect()
}

/// Whether the authority that signed what the relation holds is being replaced.
fn is_by_another(observed: &Observed, relation: &LegacyRelation) -> bool {
    let (Some(authorities), Some(held)) = (&observed.machine.authorities, &relation.held) else {
        return false;
    };
    !is_signed_by(authorities, &held.certificate)
}

/// In parts of its own life, since that is cut where the authority ends: a
/// fixed time before the end would be over from the start.
fn is_to_be_renewed(record: &IssuedRecord, now: Timestamp) -> bool {
    let life = record.not_after.0.saturating_sub(record.issued_at.0);
    let is_late = record.issued_at.plus_seconds(life / 3 * 2) <= now;
    // Issued by a clock that was ahead, it would be valid only from then on.
    let is_early = now.plus_seconds(CLOCKS_DIFFER_SECONDS) < record.issued_at;
    is_late || is_early
}
