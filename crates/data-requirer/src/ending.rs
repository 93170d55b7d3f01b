//! How a relation ends, and who clears up behind it.

use juju_hooks::{Event, Hook, Relation, RelationChange, ToolError, Tools};

/// Whether this hook is about a unit that leaves the relation or about its end.
pub(crate) fn is_ending(hook: &Hook, relation: Relation) -> bool {
    matches!(&hook.event, Event::Relation(event)
        if event.id == relation.id
            && matches!(event.change, RelationChange::Departed | RelationChange::Broken))
}

/// Whether what was made for a relation goes with it, in the hook that says that it
/// has ended. A unit that goes away alone is told the same, and leaves all to those
/// that stay.
pub(crate) fn clears_up(tools: &Tools, hook: &Hook) -> Result<bool, ToolError> {
    let units = tools.unit_goals()?;
    let is_leaving = units.get(&hook.unit).is_none_or(|dying| *dying);
    let others_stay = units
        .iter()
        .any(|(unit, dying)| *unit != hook.unit && !dying);
    if is_leaving && others_stay {
        return Ok(false);
    }
    tools.is_leader()
}
