//! is-leader, and in 3.6 leader-get and leader-set.

use serde_json::{Value, json};

use super::{FORMAT, OUTPUT, Printed, ToolError, leads, print, read};
use crate::args::key_values;
use crate::context::Context;
use crate::format::Format;
use crate::model::Model;
use crate::wire::Request;

pub(super) fn is_leader(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    parsed.at_most(0)?;
    print(
        request,
        &parsed,
        Format::Smart,
        &json!(leads(model, context)),
    )
}

pub(super) fn leader_get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    parsed.at_most(1)?;
    let settings = &model
        .application(context.unit.application())
        .leader_settings;
    let result = match parsed.positional.first().filter(|key| *key != "-") {
        Some(key) => settings.get(key).map_or(Value::Null, |value| json!(value)),
        None => json!(settings),
    };
    print(request, &parsed, Format::Smart, &result)
}

/// Takes effect at once, whatever becomes of the hook.
pub(super) fn leader_set(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    let pairs = key_values(&parsed.positional)?;
    if !leads(model, context) {
        return Err(ToolError::run(
            "cannot write leadership settings: cannot write settings: not the leader",
        ));
    }
    let application = model.application_mut(context.unit.application());
    let before = application.leader_settings.clone();
    for (key, value) in pairs {
        if value.is_empty() {
            application.leader_settings.remove(&key);
        } else {
            application.leader_settings.insert(key, value);
        }
    }
    if before != application.leader_settings {
        application.leader_settings_version += 1;
    }
    Ok(String::new())
}
