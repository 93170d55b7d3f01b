//! Reading of one relation what may fail without harm to the others.

use crate::context::Context;
use crate::facts::{Endpoint, Ledger, Relation, RelationId};
use crate::juju::ToolError;
use crate::log::chain;
use crate::plan::access;

/// Whether a relation has ended, although this unit was not told yet.
pub(super) fn has_ended(context: &Context, ledger: &Ledger, relation: RelationId) -> bool {
    let told = &context.unit_state.told_ends;
    access::has_ended(ledger, told, relation, context.now)
}

/// Whether the relation that this hook is about is over, as this unit is told now or
/// another one was before.
pub(super) fn is_over(context: &Context, ledger: &Ledger) -> bool {
    let end = context.hook.event.end();
    end.is_some_and(|(relation, is_over)| is_over || has_ended(context, ledger, relation))
}

/// The relations of an endpoint, but those that have ended although this unit was not
/// told yet.
///
/// # Errors
/// The hook tool failed.
pub(super) fn living(
    context: &Context,
    endpoint: Endpoint,
    ledger: &Ledger,
) -> Result<Vec<Relation>, ToolError> {
    let mut relations = context.tools.relation_ids(endpoint)?;
    relations.retain(|relation| !has_ended(context, ledger, relation.id));
    Ok(relations)
}

/// What a hook tool says of one relation; `None` where it does not say it. That is
/// no error of the hook: the others have to be served.
///
/// # Errors
/// This unit cannot run its hook tools.
pub(super) fn of_relation<T>(outcome: Result<T, ToolError>) -> Result<Option<T>, ToolError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_of_the_call() => {
            tracing::warn!("{}", chain(&error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
