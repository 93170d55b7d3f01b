//! What units of this application tell each other.

use super::{ApplyError, Missing};
use crate::context::Context;
use crate::plan::publish::Changes;

/// Writes what the leader tells all units, and what this one tells the others.
///
/// # Errors
/// A hook tool failed, or there is no peer relation yet.
pub(super) fn publish_to_peers(
    context: &Context,
    app: &Changes,
    unit: &Changes,
) -> Result<(), ApplyError> {
    let relation = context
        .peer_relation()?
        .ok_or(ApplyError::Missing(Missing::PeerRelation))?;
    context.tools.relation_set_app(relation, app)?;
    context.tools.relation_set_unit(relation, unit)?;
    Ok(())
}
