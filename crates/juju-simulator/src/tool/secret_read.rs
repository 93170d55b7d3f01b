//! secret-get and secret-ids.

use serde_json::{Value, json};

use super::{FORMAT, OUTPUT, Printed, ToolError, leads, print, read};
use crate::args::{switch, value};
use crate::base64::encode;
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::{JujuVersion, Model};
use crate::run::lossy;
use crate::secret::{Content, Owner, Reading, SecretUri};
use crate::wire::Request;

pub(super) fn get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let flags = [
        FORMAT,
        OUTPUT,
        value(&["label"]),
        switch(&["peek"]),
        switch(&["refresh"]),
    ];
    let parsed = read(request, &flags)?;
    let given = parsed.positional.first();
    let uri = given
        .map(|text| super::secret::uri(Some(text)))
        .transpose()?;
    let label = parsed.flag("label").filter(|label| !label.is_empty());
    if uri.is_none() && label.is_none() {
        return Err(ToolError::usage("require either a secret URI or label"));
    }
    let reading = match (parsed.is_set("peek"), parsed.is_set("refresh")) {
        (true, true) => {
            return Err(ToolError::usage(
                "specify one of --peek or --refresh but not both",
            ));
        }
        (true, false) => Reading::Peek,
        (false, true) => Reading::Refresh,
        (false, false) => Reading::Tracked,
    };
    parsed.at_most(2)?;
    let content = find_content(model, context, uri, given, label, reading)?;
    let result = match parsed.positional.get(1) {
        None => json!(
            content
                .iter()
                .map(|(key, value)| (key, lossy(value)))
                .collect::<std::collections::BTreeMap<_, _>>()
        ),
        Some(key) => {
            let (name, base64) = key
                .strip_suffix("#base64")
                .map_or((key.as_str(), false), |name| (name, true));
            let Some(value) = content.get(name) else {
                return Err(ToolError::run(format!(
                    "secret key value {} not found",
                    quote(name)
                )));
            };
            json!(if base64 { encode(value) } else { lossy(value) })
        }
    };
    print(request, &parsed, Format::Yaml, &result)
}

fn find_content(
    model: &mut Model,
    context: &mut Context,
    uri: Option<SecretUri>,
    given: Option<&String>,
    label: Option<&str>,
    reading: Reading,
) -> Result<Content, ToolError> {
    // A secret that this hook makes is there for the hook itself at once.
    let pending = context
        .pending
        .creates
        .iter_mut()
        .find(|create| match &uri {
            Some(uri) => create.id == uri.id,
            None => label == Some(create.label.as_str()),
        });
    if let Some(create) = pending {
        if let (Some(_), Some(label)) = (&uri, label) {
            create.label = label.to_owned();
        }
        return Ok(create.content.clone());
    }
    let (id, shown) = match (uri, label) {
        (Some(uri), _) => {
            let shown = given.cloned().unwrap_or_default();
            let found = model.find_secret(&context.unit, &uri);
            (
                found
                    .ok_or_else(|| ToolError::run(format!("secret {} not found", quote(&shown))))?,
                Some(shown),
            )
        }
        (None, label) => (by_label(model, context, label.unwrap_or_default())?, None),
    };
    // An update of this hook shows with --peek and --refresh only, and the
    // record of what is tracked then moves at commit.
    let update = context
        .pending
        .updates
        .iter()
        .find(|update| update.uri.id == id);
    let waiting = update
        .and_then(|update| update.content.clone())
        .filter(|_| reading != Reading::Tracked);
    let content = model
        .consume(&context.unit, &id, reading, waiting.is_none())
        .map_err(ToolError::run)?;
    if let (Some(_), Some(label)) = (shown, label) {
        set_label(model, context, &id, label);
    }
    if waiting.is_some() && reading == Reading::Refresh {
        context.pending.track_latest.insert(id);
    }
    Ok(waiting.unwrap_or(content))
}

/// For the owning application it is the owner's label, for others their own.
fn by_label(model: &Model, context: &Context, label: &str) -> Result<String, ToolError> {
    let unit = &context.unit;
    let owned = model
        .secrets
        .values()
        .find(|secret| secret.label == label && model.owns(unit, &secret.id));
    let consumed = || {
        let has = |id: &&crate::secret::Secret| {
            id.consumers
                .get(unit)
                .is_some_and(|c| c.label.as_deref() == Some(label))
        };
        model.secrets.values().find(has)
    };
    owned
        .or_else(consumed)
        .map(|secret| secret.id.clone())
        .ok_or_else(|| {
            let label = quote(label);
            ToolError::run(match model.options.version {
                JujuVersion::V3_6 => format!("consumer label {label} not found"),
                JujuVersion::V4_0 => format!("secret URI for consumer label {label} not found"),
            })
        })
}

/// Takes effect at once: for the owner it changes the owner's label.
fn set_label(model: &mut Model, context: &Context, id: &str, label: &str) {
    let owns = model.owns(&context.unit, id);
    let Some(secret) = model.secrets.get_mut(id) else {
        return;
    };
    if owns {
        label.clone_into(&mut secret.label);
    } else if let Some(consumer) = secret.consumers.get_mut(&context.unit) {
        consumer.label = Some(label.to_owned());
    }
}

/// Whether the unit sees the metadata of a secret: unit-owned ones are the
/// unit's, application-owned ones the leader's.
pub(super) fn sees(model: &Model, leads: bool, context: &Context, owner: &Owner) -> bool {
    match owner {
        Owner::Unit(unit) => *unit == context.unit,
        Owner::Application(application) => {
            leads && application == context.unit.application() && model.has_application(application)
        }
    }
}

/// Bare ids in no order; null if there is none, because Go's slice is nil.
pub(super) fn ids(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    parsed.at_most(0)?;
    let leads = leads(model, context);
    let removed = |id: &String| {
        context
            .pending
            .removes
            .iter()
            .any(|(uri, revision)| uri.id == *id && revision.is_none())
    };
    let mut ids: Vec<String> = model
        .secrets
        .values()
        .filter(|secret| sees(model, leads, context, &secret.owner))
        .map(|secret| secret.id.clone())
        .filter(|id| !removed(id))
        .chain(
            context
                .pending
                .creates
                .iter()
                .map(|create| create.id.clone()),
        )
        .collect();
    for index in (1..ids.len()).rev() {
        let other = model.random.below(index + 1);
        ids.swap(index, other);
    }
    let result = if ids.is_empty() {
        Value::Null
    } else {
        json!(ids)
    };
    print(request, &parsed, Format::Smart, &result)
}
