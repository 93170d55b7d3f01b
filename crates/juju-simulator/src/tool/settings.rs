//! config-get, goal-state, credential-get.

use serde_json::{Map, Value, json};

use super::{FORMAT, OUTPUT, Printed, ToolError, print, read};
use crate::args::switch;
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::Model;
use crate::wire::Request;

pub(super) fn config_get(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, switch(&["all", "a"])])?;
    let key = parsed.positional.first().filter(|key| *key != "-");
    if let Some(key) = key
        && parsed.is_set("all")
    {
        return Err(ToolError::usage(format!(
            "cannot use argument --all together with key {}",
            quote(key)
        )));
    }
    parsed.at_most(1)?;
    let result = match key {
        Some(key) => context.config.get(key).cloned().unwrap_or(Value::Null),
        None => {
            let shown = context
                .config
                .iter()
                .filter(|(_, value)| parsed.is_set("all") || !value.is_null());
            Value::Object(
                shown
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect::<Map<_, _>>(),
            )
        }
    };
    print(request, &parsed, Format::Smart, &result)
}

/// Juju's answer has times in it; time stands still here, so it is always the same.
pub(super) fn goal_state(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    const SINCE: &str = "2026-01-04 06:29:46Z";
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    if parsed.flag("format") == Some("smart") {
        let text = "invalid value \"smart\" for option --format: unknown format \"smart\"";
        return Err(ToolError::usage(text));
    }
    parsed.at_most(0)?;
    let application = context.unit.application();
    let mut units = Map::new();
    for name in model.units_of(application) {
        let unit = model.unit(&name);
        let status = if unit.dying {
            "dying"
        } else {
            unit.status.status.as_str()
        };
        units.insert(
            name.to_string(),
            json!({ "status": status, "since": SINCE }),
        );
    }
    let mut relations = Map::new();
    for relation in model
        .relations
        .values()
        .filter(|relation| !relation.is_peer() && !relation.gone)
    {
        let Some(end) = relation.end(application) else {
            continue;
        };
        let other = relation.other(application);
        let entry = relations
            .entry(end.endpoint.clone())
            .or_insert_with(|| json!({}));
        let status = if relation.dying { "dying" } else { "joined" };
        entry[other] = json!({ "status": status, "since": SINCE });
        for unit in model.units_of(other) {
            let unit = model.unit(&unit);
            let status = if unit.dying {
                "dying"
            } else {
                unit.status.status.as_str()
            };
            entry[unit.name.as_str()] = json!({ "status": status, "since": SINCE });
        }
    }
    print(
        request,
        &parsed,
        Format::Yaml,
        &json!({ "units": units, "relations": relations }),
    )
}

pub(super) fn credential_get(
    model: &mut Model,
    context: &mut Context,
    request: &Request,
) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    parsed.at_most(0)?;
    let application = model.application(context.unit.application());
    match &model.cloud {
        Some(spec) if application.trusted => print(request, &parsed, Format::Smart, spec),
        _ => Err(ToolError::run(
            "cannot access cloud credentials: permission denied",
        )),
    }
}
