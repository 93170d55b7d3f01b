//! status-set, status-get, application-version-set. All take effect at once and
//! stay when the hook fails.

use serde_json::{Map, Value, json};

use super::{FORMAT, OUTPUT, Printed, ToolError, leads, print, read};
use crate::args::switch;
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::Model;
use crate::unit::Status;
use crate::wire::Request;

pub(super) fn set(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[switch(&["application"])])?;
    let Some(status) = parsed.positional.first() else {
        return Err(ToolError::usage("invalid args, require <status> [message]"));
    };
    if !["maintenance", "blocked", "waiting", "active"].contains(&status.as_str()) {
        let expected = "expected one of [maintenance blocked waiting active]";
        return Err(ToolError::usage(format!(
            "invalid status {}, {expected}",
            quote(status)
        )));
    }
    parsed.at_most(2)?;
    let status = Status::new(status, parsed.positional.get(1).map_or("", String::as_str));
    if parsed.is_set("application") {
        if !leads(model, context) {
            return Err(ToolError::run("this unit is not the leader"));
        }
        model.application_mut(context.unit.application()).status = status;
    } else {
        let unit = model.unit_mut(&context.unit);
        unit.status = status.clone();
        unit.agent.status_was_set = true;
        // The context remembers what it last read or set.
        context.status = Some(status);
    }
    Ok(String::new())
}

fn full(status: &Status) -> Value {
    json!({ "status": status.status, "message": status.message, "status-data": {} })
}

pub(super) fn get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(
        request,
        &[
            FORMAT,
            OUTPUT,
            switch(&["include-data"]),
            switch(&["application"]),
        ],
    )?;
    parsed.at_most(0)?;
    if !parsed.is_set("application") {
        let status = context
            .status
            .get_or_insert_with(|| model.unit(&context.unit).status.clone());
        let result = if parsed.is_set("include-data") {
            full(status)
        } else {
            json!({ "status": status.status })
        };
        return match (parsed.flag("format"), parsed.is_set("include-data")) {
            // Without data the smart format is the bare word.
            (None | Some("smart"), false) => {
                print(request, &parsed, Format::Smart, &json!(status.status))
            }
            _ => print(request, &parsed, Format::Smart, &result),
        };
    }
    if !leads(model, context) {
        return Err(ToolError::run(
            "finding application status: this unit is not the leader",
        ));
    }
    let application = context.unit.application();
    let units = model.units_of(application).into_iter();
    let units: Map<String, Value> = units
        .map(|name| (name.to_string(), full(&model.unit(&name).status)))
        .collect();
    let mut status = full(&model.application(application).status);
    status["units"] = Value::Object(units);
    print(
        request,
        &parsed,
        Format::Smart,
        &json!({ "application-status": status }),
    )
}

pub(super) fn version_set(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    let Some(version) = parsed.positional.first() else {
        return Err(ToolError::usage("no version specified"));
    };
    parsed.at_most(1)?;
    model
        .application_mut(context.unit.application())
        .version
        .clone_from(version);
    Ok(String::new())
}
