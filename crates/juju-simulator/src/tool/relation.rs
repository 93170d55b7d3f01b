//! relation-ids, relation-list, relation-get, relation-set, relation-model-get.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    FORMAT, OUTPUT, Printed, RELATION, ToolError, leads, print, read, settings_file,
    wanted_relation,
};
use crate::args::{key_values, switch, value};
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::{JujuVersion, Model};
use crate::name::{RelationId, UnitName, is_application_name};
use crate::wire::Request;

pub(super) fn ids(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    parsed.at_most(1)?;
    let application = context.unit.application();
    let default = context
        .relation
        .and_then(|id| model.relations.get(&id))
        .map(|r| r.endpoint(application).to_owned());
    let wanted = parsed.positional.first().cloned().or(default);
    let Some(wanted) = wanted else {
        return Err(ToolError::usage("no endpoint name specified"));
    };
    let agent = &model.unit(&context.unit).agent;
    let mut found: Vec<String> = agent
        .relations
        .keys()
        .filter(|id| !context.broken.contains(id))
        .filter_map(|id| model.relations.get(id))
        .map(|relation| (relation.endpoint(application), relation.id))
        .filter(|(endpoint, _)| *endpoint == wanted)
        .map(|(endpoint, id)| format!("{endpoint}:{id}"))
        .collect();
    found.sort();
    print(request, &parsed, Format::Smart, &json!(found))
}

pub(super) fn list(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, RELATION, switch(&["app"])])?;
    let id = wanted_relation(model, context, &parsed)?;
    parsed.at_most(0)?;
    if parsed.is_set("app") {
        let other = model
            .relation(id)
            .other(context.unit.application())
            .to_owned();
        return print(request, &parsed, Format::Smart, &json!(other));
    }
    let members = context.members.get(&id).cloned().unwrap_or_default();
    let names: Vec<&str> = members.iter().map(UnitName::as_str).collect();
    print(request, &parsed, Format::Smart, &json!(names))
}

enum Whose {
    Unit(UnitName),
    Application(String),
}

/// Juju's `jujuc/relation-get.go` determineUnitOrAppName.
fn whose(context: &Context, app: bool, named: Option<&String>) -> Result<Whose, ToolError> {
    let Some(name) = named else {
        return match (&context.remote_unit, &context.remote_application) {
            (Some(unit), _) if !app => Ok(Whose::Unit(unit.clone())),
            (_, Some(application)) => Ok(Whose::Application(application.clone())),
            _ => Err(ToolError::usage("no unit or application specified")),
        };
    };
    let unit = UnitName::parse(name);
    match unit {
        Some(unit) if app => Ok(Whose::Application(unit.application().to_owned())),
        Some(unit) => Ok(Whose::Unit(unit)),
        None if app => Ok(Whose::Application(name.clone())),
        None if is_application_name(name) => Err(ToolError::usage(format!(
            "expected unit name, got application name {}",
            quote(name)
        ))),
        None => Err(ToolError::usage(format!(
            "invalid unit name {}",
            quote(name)
        ))),
    }
}

pub(super) fn get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, RELATION, switch(&["app"])])?;
    let id = wanted_relation(model, context, &parsed)?;
    let key = parsed.positional.first().filter(|key| *key != "-");
    let whose = whose(context, parsed.is_set("app"), parsed.positional.get(1))?;
    parsed.at_most(2)?;
    let data = match whose {
        Whose::Unit(unit) => unit_data(model, context, id, &unit)?,
        Whose::Application(application) => application_data(model, context, id, &application)?,
    };
    let result = match key {
        Some(key) => data.get(key).map_or(Value::Null, |value| json!(value)),
        None => json!(data),
    };
    print(request, &parsed, Format::Smart, &result)
}

type Data = BTreeMap<String, String>;

fn denied() -> ToolError {
    ToolError::run("permission denied")
}

/// Data with the hook's own writes over it.
fn overlay(mut data: Data, writes: Option<&BTreeMap<String, Option<String>>>) -> Data {
    for (key, value) in writes.into_iter().flatten() {
        match value {
            Some(value) => drop(data.insert(key.clone(), value.clone())),
            None => drop(data.remove(key)),
        }
    }
    data
}

/// What a relation that only the agent remembers answers (juju issue 23246).
fn gone(model: &Model) -> ToolError {
    match model.options.version {
        JujuVersion::V3_6 => denied(),
        JujuVersion::V4_0 => ToolError::run("relation not found"),
    }
}

fn unit_data(
    model: &mut Model,
    context: &mut Context,
    id: RelationId,
    unit: &UnitName,
) -> Result<Data, ToolError> {
    let relation = model.relation(id);
    if *unit == context.unit {
        if relation.gone {
            return Err(denied());
        }
        let data = relation
            .units
            .get(unit)
            .map(|bag| bag.data.clone())
            .unwrap_or_default();
        return Ok(overlay(data, context.pending.unit.get(&id)));
    }
    if relation.gone {
        return Err(gone(model));
    }
    if relation.other(context.unit.application()) != unit.application() {
        return Err(denied());
    }
    let fresh = relation.units.get(unit).map(|bag| bag.data.clone());
    let ends: Vec<String> = relation
        .ends
        .iter()
        .map(|end| format!("{}:{}", end.application, end.endpoint))
        .collect();
    let missing = move |unit: &UnitName| {
        let relation = ends.join(" ");
        ToolError::run(format!(
            "cannot read settings for unit \"{unit}\" in relation \"{relation}\": unit \"{unit}\": settings not found"
        ))
    };
    let local = model
        .unit_mut(&context.unit)
        .agent
        .relations
        .entry(id)
        .or_default();
    let member = context
        .members
        .get(&id)
        .is_some_and(|members| members.contains(unit));
    if member {
        if let Some(known) = local.cache.get(unit) {
            return Ok(known.clone());
        }
        let data = fresh.ok_or_else(|| missing(unit))?;
        local.cache.insert(unit.clone(), data.clone());
        return Ok(data);
    }
    let key = (id, unit.to_string());
    if let Some(known) = context.reads.get(&key) {
        return Ok(known.clone());
    }
    let data = fresh.ok_or_else(|| missing(unit))?;
    context.reads.insert(key, data.clone());
    Ok(data)
}

fn application_data(
    model: &mut Model,
    context: &mut Context,
    id: RelationId,
    application: &str,
) -> Result<Data, ToolError> {
    let own = application == context.unit.application();
    let leads = own && leads(model, context);
    let relation = model.relation(id);
    if relation.gone {
        return Err(if leads {
            ToolError::run("permission denied (unauthorized access)")
        } else {
            gone(model)
        });
    }
    if !relation.applications.contains_key(application) {
        return Err(denied());
    }
    let fresh = relation
        .applications
        .get(application)
        .map(|bag| bag.data.clone())
        .unwrap_or_default();
    if leads {
        return Ok(overlay(fresh, context.pending.application.get(&id)));
    }
    // Only the leader reads its own application's data, except from peers.
    if own && !relation.is_peer() {
        return Err(denied());
    }
    Ok(context
        .reads
        .entry((id, application.to_owned()))
        .or_insert(fresh)
        .clone())
}

pub(super) fn set(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(
        request,
        &[
            value(&["format"]),
            RELATION,
            switch(&["app"]),
            value(&["file"]),
        ],
    )?;
    let id = wanted_relation(model, context, &parsed)?;
    let pairs = key_values(&parsed.positional)?;
    let file = settings_file(request, &parsed)?;
    let app = parsed.is_set("app");
    if app && !leads(model, context) {
        return Err(ToolError::run("cannot write relation settings"));
    }
    let all = if app {
        &mut context.pending.application
    } else {
        &mut context.pending.unit
    };
    let writes = all.entry(id).or_default();
    for (key, value) in file.into_iter().chain(pairs) {
        writes.insert(key, (!value.is_empty()).then_some(value));
    }
    Ok(String::new())
}

pub(super) fn model_get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, RELATION])?;
    let id = wanted_relation(model, context, &parsed)?;
    parsed.at_most(0)?;
    let other = model.relation(id).other(context.unit.application());
    let uuid = json!({ "uuid": model.uuid_of(other) });
    print(request, &parsed, Format::Smart, &uuid)
}
