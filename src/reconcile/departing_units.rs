//! Who is leaving, and what nobody needs any more.

use super::ReconcileError;
use crate::context::Context;
use crate::explain::status;
use crate::facts::{MemberName, Relation, SecretId, ToldEnd, UnitName};
use crate::hook::Event;
use crate::juju::ToolError;
use crate::observe::ObserveError;
use crate::plan::access::still_told;
use crate::relation::CLUSTER;
use crate::relation::peer::UnitData;

/// Remembers who is leaving, be it this unit or another.
pub(super) fn note_departing_units(context: &mut Context) -> Result<(), ReconcileError> {
    let own = context.hook.unit.clone();
    let is_own = |departing: &Option<UnitName>| departing.as_ref() == Some(&own);
    match &context.hook.event {
        Event::StorageDetaching | Event::Stop => context.unit_state.dying = true,
        // Its storage was taken and given back, and the unit stays.
        Event::Lifecycle {
            proves_life: true, ..
        } => context.unit_state.dying = false,
        Event::Client { departing, .. }
        | Event::Legacy { departing, .. }
        | Event::Signing { departing, .. }
        | Event::Transfer { departing, .. }
        | Event::Provider { departing, .. }
        | Event::Peer { departing, .. }
            if is_own(departing) =>
        {
            context.unit_state.dying = true;
        }
        Event::Peer {
            relation,
            departing: Some(unit),
        } => {
            let relation = Relation {
                endpoint: CLUSTER,
                id: *relation,
            };
            // The databag of a unit that has left can still be read.
            let address = match context.tools.relation_get_unit(relation, unit) {
                Ok(bag) => UnitData::read(&bag).address,
                Err(error) if error.is_of_the_call() => None,
                Err(error) => return Err(ReconcileError::Report(error)),
            };
            context
                .unit_state
                .departed
                .insert(MemberName::of(unit), address);
        }
        _ => return Ok(()),
    }
    context
        .unit_state
        .write(&context.paths)
        .map_err(ReconcileError::UnitState)?;
    Ok(())
}

/// Remembers what this unit is told of the end of a relation: in case it comes to lead.
pub(super) fn note_told_ends(context: &mut Context) {
    let Some((relation, is_over)) = context.hook.event.end() else {
        return;
    };
    let (now, told) = (context.now, &mut context.unit_state.told_ends);
    told.retain(|_, told| still_told(told, now));
    let was_over = told.get(&relation).is_some_and(|told| told.is_over);
    let told_now = ToldEnd {
        at: now,
        is_over: is_over || was_over,
    };
    told.insert(relation, told_now);
}

/// What the last unit says for the application, which has none after it. Only who
/// has nobody to leave it to still leads when it goes.
pub(super) fn last_words(context: &Context) -> Result<(), ReconcileError> {
    let tools = &context.tools;
    let is_last = || {
        let others = match context.peer_relation()? {
            Some(relation) => tools.relation_list(relation)?,
            None => Vec::new(),
        };
        Ok::<_, ObserveError>(others.is_empty() && tools.is_leader()?)
    };
    if is_last()? {
        let status = status::without_units();
        tools
            .status_set_application(status.name, &status.message)
            .map_err(ReconcileError::Report)?;
    }
    Ok(())
}

/// A revision of ours that nobody reads any more is removed, as Juju asks.
pub(super) fn prune(context: &Context, secret: &SecretId, revision: u32) -> Result<(), ToolError> {
    let uri = format!("secret:{secret}");
    let uri = uri.parse().expect("a secret's id makes a URI");
    match context.tools.secret_remove(&uri, Some(revision.into())) {
        // Only the leader may, and another may lead by now: it is told again, and
        // a revision more harms nobody.
        Err(error) if error.is_of_the_call() || error.is_of_leadership() => Ok(()),
        removed => removed,
    }
}
