//! state-get, state-set, state-delete.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{FORMAT, OUTPUT, Printed, ToolError, print, read, settings_file};
use crate::args::{key_values, switch, value};
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::Model;
use crate::wire::Request;

fn current(model: &Model, context: &Context) -> BTreeMap<String, String> {
    let mut state = model.unit(&context.unit).state.clone();
    for (key, value) in &context.pending.state {
        match value {
            Some(value) => drop(state.insert(key.clone(), value.clone())),
            None => drop(state.remove(key)),
        }
    }
    state
}

pub(super) fn get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, switch(&["strict"])])?;
    parsed.at_most(1)?;
    let state = current(model, context);
    let result = match parsed.positional.first().filter(|key| *key != "-") {
        // A nil map in Go, hence null and not an empty object.
        None if state.is_empty() => Value::Null,
        None => json!(state),
        Some(key) => match state.get(key) {
            Some(value) => json!(value),
            None if parsed.is_set("strict") => {
                return Err(ToolError::run(format!("{} not found", quote(key))));
            }
            None => json!(""),
        },
    };
    print(request, &parsed, Format::Smart, &result)
}

pub(super) fn set(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    const KEY: usize = 256;
    const VALUE: usize = 65536;
    let parsed = read(request, &[value(&["file"])])?;
    let pairs = key_values(&parsed.positional)?;
    let all: Vec<_> = settings_file(request, &parsed)?
        .into_iter()
        .chain(pairs)
        .collect();
    for (key, value) in &all {
        if key.len() > KEY {
            return Err(ToolError::run(format!(
                "max allowed key length ({KEY}) exceeded"
            )));
        }
        if value.len() > VALUE {
            return Err(ToolError::run(format!(
                "max allowed value length ({VALUE}) exceeded"
            )));
        }
    }
    context
        .pending
        .state
        .extend(all.into_iter().map(|(key, value)| (key, Some(value))));
    Ok(String::new())
}

pub(super) fn delete(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    let Some(key) = parsed.positional.first() else {
        return Err(ToolError::usage("missing key"));
    };
    parsed.at_most(1)?;
    context.pending.state.insert(key.clone(), None);
    Ok(String::new())
}
