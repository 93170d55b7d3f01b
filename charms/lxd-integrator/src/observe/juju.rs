//! What Juju says: options, credentials, relations.

use std::collections::BTreeMap;

use certificates::Timestamp;
use juju_hooks::{
    Event, Hook, RelationChange, RelationEvent, Revision, ToolError, Tools, UnitName,
};
use secret_value::Secret;
use serde_json::{Map, Value};

use super::cloud::cloud;
use crate::facts::{Cloud, Credentials, Juju, Known, Options, Relation, Scope};
use crate::plan::credentials::options_decide;
use crate::relation::API;

/// Everything that Juju says in this run.
///
/// # Errors
/// Juju does not say what every charm may know: nothing can be done then.
pub fn juju(tools: &Tools, hook: &Hook, now: Timestamp) -> Result<Juju, ToolError> {
    let options = tools.config_get()?;
    let (scope, departing) = scope(&hook.event);
    let mut juju = Juju {
        now,
        unit: hook.unit.clone(),
        model: hook.model.clone(),
        leader: tools.is_leader()?,
        secret: secret(tools, &options),
        options: read_options(&options),
        cloud: Cloud::Unasked,
        scope,
        relations: BTreeMap::new(),
    };
    if !options_decide(&juju) {
        juju.cloud = cloud(tools);
    }
    let ids = match (scope, &hook.event) {
        (Scope::All, _) => tools.relation_ids(API)?,
        (Scope::Only(_), Event::Relation(event)) if event.change == RelationChange::Broken => {
            Vec::new()
        }
        (Scope::Only(id), _) => vec![juju_hooks::Relation { endpoint: API, id }],
    };
    for id in ids {
        let relation = relation(tools, id, &juju.unit, departing.as_ref());
        juju.relations.insert(id.id, relation);
    }
    Ok(juju)
}

/// An event on one relation is about that one alone.
fn scope(event: &Event) -> (Scope, Option<UnitName>) {
    match event {
        Event::Relation(RelationEvent {
            endpoint,
            id,
            departing,
            ..
        }) if endpoint == API.0 => (Scope::Only(*id), departing.clone()),
        _ => (Scope::All, None),
    }
}

/// One relation. What cannot be read is unknown: a relation that is just going
/// may not be there for some tools any more, and harms nobody else.
fn relation(
    tools: &Tools,
    id: juju_hooks::Relation,
    unit: &UnitName,
    departing: Option<&UnitName>,
) -> Relation {
    let own = match tools.relation_get_unit(id, unit) {
        Ok(bag) => Known::Known(bag),
        Err(error) => Known::Unknown(error.to_string()),
    };
    let listed = tools.relation_list(id);
    let app = match &listed {
        Ok(units) => units.first().map(|unit| unit.app().clone()),
        Err(_) => None,
    };
    let units = listed.and_then(|units| {
        let units = units.into_iter().filter(|unit| Some(unit) != departing);
        units
            .map(|unit| Ok((unit.clone(), tools.relation_get_unit(id, &unit)?)))
            .collect()
    });
    Relation {
        app,
        units: match units {
            Ok(units) => Known::Known(units),
            Err(error) => Known::Unknown(error.to_string()),
        },
        own,
    }
}

fn read_options(options: &Map<String, Value>) -> Options {
    let text = |name: &str| {
        let text = options.get(name).and_then(Value::as_str);
        let text = text.unwrap_or_default().trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Options {
        endpoint: text("lxd_endpoint"),
        credentials: Credentials {
            client_cert: text("lxd_client_cert"),
            client_key: text("lxd_client_key").map(Secret::new),
            server_cert: text("lxd_server_cert"),
        },
        projects: text("restricted-projects"),
    }
}

/// The secret of the operator. Any failure to read it is about that secret
/// alone, and a status says so.
fn secret(tools: &Tools, options: &Map<String, Value>) -> Option<Known<Credentials>> {
    let uri = options.get("lxd-credentials").and_then(Value::as_str);
    let uri = uri.map(str::trim).filter(|uri| !uri.is_empty())?;
    let Ok(uri) = uri.parse() else {
        return Some(Known::Unknown("it is not the URI of a secret".to_owned()));
    };
    Some(match tools.secret_get(&uri, Revision::Refresh) {
        Ok(Ok(content)) => {
            let part = |key| content.get(key).map(str::to_owned);
            Known::Known(Credentials {
                client_cert: part("client-cert"),
                client_key: part("client-key").map(Secret::new),
                server_cert: part("server-cert"),
            })
        }
        Ok(Err(unavailable)) => Known::Unknown(format!("{unavailable:?}")),
        Err(error) => Known::Unknown(error.to_string()),
    })
}
