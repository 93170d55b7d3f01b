//! storage-get, storage-list, storage-add, resource-get.

use serde_json::json;

use super::{FORMAT, OUTPUT, Printed, ToolError, print, read};
use crate::args::value;
use crate::context::{Context, Kind};
use crate::format::{Format, quote};
use crate::hook::{Hook, storage_name};
use crate::model::Model;
use crate::unit::StorageState;
use crate::wire::Request;

pub(super) fn get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, value(&["storage", "s"])])?;
    parsed.at_most(1)?;
    let of_hook = match &context.kind {
        Kind::Hook(Hook::StorageAttached { storage } | Hook::StorageDetaching { storage }) => {
            Some(storage.as_str())
        }
        _ => None,
    };
    let (flag, id) = match parsed.spelled("storage") {
        Some((flag, id)) => (flag, Some(id)),
        None => ("-s", of_hook),
    };
    let Some(id) = id else {
        return Err(ToolError::usage("no storage instance specified"));
    };
    let Some(storage) = model.unit(&context.unit).storage.get(id) else {
        let text = format!(
            "invalid value {} for option {flag}: storage not found",
            quote(id)
        );
        return Err(ToolError::usage(text));
    };
    let all = json!({ "kind": "filesystem", "location": storage.location });
    let result = match parsed.positional.first() {
        None => &all,
        Some(key) => all
            .get(key)
            .ok_or_else(|| ToolError::run(format!("invalid storage attribute {}", quote(key))))?,
    };
    print(request, &parsed, Format::Smart, result)
}

pub(super) fn list(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    parsed.at_most(1)?;
    let wanted = parsed.positional.first();
    let attached = model
        .unit(&context.unit)
        .storage
        .iter()
        .filter(|(_, storage)| storage.state != StorageState::Detached);
    let ids: Vec<&String> = attached
        .map(|(id, _)| id)
        .filter(|id| wanted.is_none_or(|wanted| wanted == storage_name(id)))
        .collect();
    print(request, &parsed, Format::Smart, &json!(ids))
}

pub(super) fn add(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    if parsed.positional.is_empty() {
        return Err(ToolError::usage("storage add requires a storage directive"));
    }
    let metadata = &model.application(context.unit.application()).charm.metadata;
    for arg in &parsed.positional {
        let (name, count) = arg.split_once('=').unwrap_or((arg, "1"));
        if !metadata.storage.contains_key(name) {
            return Err(ToolError::run(format!(
                "charm storage {} not found",
                quote(name)
            )));
        }
        let count = count
            .parse()
            .map_err(|_| ToolError::usage(format!("cannot parse count {}", quote(count))))?;
        context.pending.storage.push((name.to_owned(), count));
    }
    Ok(String::new())
}

/// Prints the path without a newline.
pub(super) fn resource_get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[])?;
    let Some(name) = parsed.positional.first() else {
        return Err(ToolError::usage("missing required resource name"));
    };
    parsed.at_most(1)?;
    let application = model.application(context.unit.application());
    if !application.charm.metadata.resources.contains(name) {
        return Err(ToolError::run(format!(
            "could not download resource: resource \"{name}\" not found"
        )));
    }
    let Some(file) = application.resources.get(name) else {
        let owner = &application.name;
        return Err(ToolError::run(format!(
            "could not download resource: resource \"{owner}/{name}\" not found"
        )));
    };
    Ok(file.display().to_string())
}
