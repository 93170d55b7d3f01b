//! What Juju says: options, peers, what the leader has decided, relations.

use std::collections::BTreeMap;
use std::path::PathBuf;

use certificates::Timestamp;
use juju_hooks::{
    AppName, Databag, Event, Hook, Relation, RelationChange, RelationEvent, Revision, ToolError,
    Tools, UnitName,
};

use crate::facts::{Client, Juju, Known, Member, OwnSecret, Scope};
use crate::machine;
use crate::plan::options::Options;
use crate::relation::ledger::Ledger;
use crate::relation::{CLIENTS, PEERS};

/// The label of the application's own secret.
pub const OWN_SECRET: &str = "own";

/// Everything that Juju says in this run to a unit that leads, or does not.
///
/// # Errors
/// Juju does not say what every charm may know: nothing can be done then.
pub fn juju(tools: &Tools, hook: &Hook, now: Timestamp, leader: bool) -> Result<Juju, ToolError> {
    let options = Options::read(&tools.config_get()?, machine::memory());
    let (scope, departing) = scope(&hook.event, leader);
    let peers = tools.relation_ids(PEERS)?.into_iter().next();
    let mut juju = Juju {
        now,
        unit: hook.unit.clone(),
        model: hook.model.clone(),
        leader,
        options,
        address: tools.network_get(PEERS)?.bind,
        storage: storage(tools)?,
        peers,
        members: BTreeMap::new(),
        ledger: Ledger::default(),
        own: None,
        scope,
        relations: BTreeMap::new(),
    };
    if let Some(peers) = peers {
        juju.ledger = Ledger::read(&tools.relation_get_app(peers, hook.unit.app())?);
        let stays = |unit: &UnitName| Some(unit) != departing.as_ref();
        juju.members = members(tools, peers, &hook.unit, stays)?;
        if !matches!(hook.event, Event::Relation(_)) {
            forget_departed(tools, &mut juju)?;
        }
        juju.own = own_secret(tools)?;
    }
    for relation in relations(tools, &hook.event, &juju)? {
        let known = juju.ledger.clients.get(&relation.id);
        let known = known.and_then(|access| access.app.as_ref()?.parse().ok());
        juju.relations
            .insert(relation.id, client(tools, relation, &hook.event, known));
    }
    Ok(juju)
}

/// An event on one relation is about that one alone, and only the leader decides
/// about any.
fn scope(event: &Event, leader: bool) -> (Scope, Option<UnitName>) {
    match event {
        Event::Relation(RelationEvent { endpoint, id, .. }) if endpoint == CLIENTS.0 => (
            if leader {
                Scope::Only(*id)
            } else {
                Scope::Nothing
            },
            None,
        ),
        // What units tell each other is about all relations, and says nothing of
        // what these ask for.
        Event::Relation(RelationEvent { departing, .. }) => (Scope::Nothing, departing.clone()),
        _ if leader => (Scope::All, None),
        _ => (Scope::Nothing, None),
    }
}

fn relations(tools: &Tools, event: &Event, juju: &Juju) -> Result<Vec<Relation>, ToolError> {
    Ok(match (juju.scope, event) {
        (Scope::Nothing, _) => Vec::new(),
        (Scope::All, _) => tools.relation_ids(CLIENTS)?,
        (Scope::Only(_), Event::Relation(event)) if event.change == RelationChange::Broken => {
            // What was refused because of the one that goes may be given now.
            let refused = juju.ledger.refused().filter(|id| *id != event.id);
            let endpoint = CLIENTS;
            refused.map(|id| Relation { endpoint, id }).collect()
        }
        (Scope::Only(id), _) => vec![Relation {
            endpoint: CLIENTS,
            id,
        }],
    })
}

/// One relation, with an application whose name may be `known`. What cannot be read
/// is unknown, and harms nobody else.
fn client(tools: &Tools, relation: Relation, event: &Event, known: Option<AppName>) -> Client {
    let named = match event {
        Event::Relation(event) if event.id == relation.id => event.remote_app.clone(),
        _ => known,
    };
    let app = named.map_or_else(|| tools.remote_app(relation), Ok);
    let bag = app.as_ref().map_err(ToString::to_string).and_then(|app| {
        tools
            .relation_get_app(relation, app)
            .map_err(|error| error.to_string())
    });
    Client {
        app: app.ok(),
        bag: match bag {
            Ok(bag) => Known::Known(bag),
            Err(reason) => Known::Unknown(reason),
        },
    }
}

fn members(
    tools: &Tools,
    peers: Relation,
    unit: &UnitName,
    stays: impl Fn(&UnitName) -> bool,
) -> Result<BTreeMap<UnitName, Member>, ToolError> {
    let mut units = tools.relation_list(peers)?;
    units.push(unit.clone());
    let stay = units.into_iter().filter(stays);
    stay.map(|unit| {
        let bag = tools.relation_get_unit(peers, &unit)?;
        Ok((unit, member(&bag)))
    })
    .collect()
}

/// A unit that was removed by force may stay in the relation for good; what the
/// application is to consist of says that it is gone.
fn forget_departed(tools: &Tools, juju: &mut Juju) -> Result<(), ToolError> {
    if juju.members.len() > 1 {
        let units = tools.units()?;
        let own = juju.unit.clone();
        juju.members
            .retain(|unit, _| *unit == own || units.contains(unit));
    }
    Ok(())
}

fn member(bag: &Databag) -> Member {
    Member {
        address: bag.get("address").and_then(|address| address.parse().ok()),
        joined: bag.get("joined").is_some_and(|joined| joined == "true"),
        restart: bag.get("restart").cloned(),
        sees: bag.get("sees").cloned().unwrap_or_default(),
        step: bag.get("step").and_then(|step| step.parse().ok()),
    }
}

fn storage(tools: &Tools) -> Result<Option<PathBuf>, ToolError> {
    let Some(id) = tools.storage_list("data")?.into_iter().next() else {
        return Ok(None);
    };
    match tools.storage_get_location(&id) {
        Ok(location) => Ok(Some(location)),
        // It is not attached yet.
        Err(ToolError::Failed { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn own_secret(tools: &Tools) -> Result<Option<OwnSecret>, ToolError> {
    let content = tools.secret_get_by_label(OWN_SECRET, Revision::Refresh)?;
    Ok(content.ok().and_then(|content| OwnSecret::read(&content)))
}
