//! action-get, action-set, action-fail, action-log.

use serde_json::{Map, Value};

use super::{FORMAT, OUTPUT, Printed, ToolError, print, read};
use crate::context::{ActionState, Context};
use crate::format::{Format, quote};
use crate::model::Model;
use crate::wire::Request;

fn running(context: &mut Context) -> Result<&mut ActionState, ToolError> {
    context
        .action
        .as_mut()
        .ok_or_else(|| ToolError::run("not running an action"))
}

pub(super) fn get(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    parsed.at_most(1)?;
    let params = &running(context)?.params;
    let result = match parsed.positional.first() {
        None => Some(params),
        Some(path) => path
            .split('.')
            .try_fold(params, |value, part| value.get(part)),
    };
    print(
        request,
        &parsed,
        Format::Smart,
        result.unwrap_or(&Value::Null),
    )
}

fn is_part(part: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().is_some_and(|b| alphanumeric(*b))
        && bytes.last().is_some_and(|b| alphanumeric(*b));
    ends && bytes
        .iter()
        .all(|byte| alphanumeric(*byte) || *byte == b'-')
}

pub(super) fn set(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    let mut pairs = Vec::new();
    for arg in &parsed.positional {
        let Some((key, value)) = arg.split_once('=') else {
            return Err(ToolError::usage(format!(
                "argument {} must be of the form key...=value",
                quote(arg)
            )));
        };
        for part in key.split('.') {
            if !is_part(part) {
                let rule = "must start and end with lowercase alphanumeric, and contain only lowercase alphanumeric, \
                            hyphens and periods";
                return Err(ToolError::usage(format!("key {} {rule}", quote(part))));
            }
        }
        if ["stdout", "stdout-encoding", "stderr", "stderr-encoding"].contains(&key) {
            return Err(ToolError::usage(format!(
                "cannot set reserved action key {}",
                quote(key)
            )));
        }
        pairs.push((key, value));
    }
    let state = running(context)?;
    for (key, value) in pairs {
        let parts: Vec<&str> = key.split('.').collect();
        insert(&mut state.results, &parts, value);
    }
    Ok(String::new())
}

/// Nested maps merge; a later value takes the place of an earlier one.
fn insert(results: &mut Map<String, Value>, path: &[&str], value: &str) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        results.insert((*first).to_owned(), value.into());
        return;
    }
    let entry = results.entry(*first).or_insert(Value::Null);
    if !entry.is_object() {
        *entry = Value::Object(Map::new());
    }
    if let Value::Object(inner) = entry {
        insert(inner, rest, value);
    }
}

pub(super) fn fail(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    parsed.at_most(1)?;
    let default = "action failed without reason given, check action for errors";
    let message = parsed.positional.first().map_or(default, String::as_str);
    running(context)?.failure = Some(message.to_owned());
    Ok(String::new())
}

pub(super) fn log(_model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    if parsed.positional.is_empty() {
        return Err(ToolError::usage("no message specified"));
    }
    running(context)?.log.push(parsed.positional.join(" "));
    Ok(String::new())
}
