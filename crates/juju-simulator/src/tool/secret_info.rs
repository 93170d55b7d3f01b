//! secret-info-get.

use serde_json::{Map, Value, json};

use super::secret_read::sees;
use super::{FORMAT, OUTPUT, Printed, ToolError, leads, print, read};
use crate::Grant;
use crate::args::value;
use crate::context::{Context, SecretCreate};
use crate::format::{Format, quote};
use crate::model::Model;
use crate::secret::{Owner, Subject};
use crate::wire::Request;

pub(super) fn info_get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, value(&["label"])])?;
    let label = parsed.flag("label").filter(|label| !label.is_empty());
    let given = parsed.positional.first();
    if given.is_some() == label.is_some() {
        return Err(ToolError::usage(if given.is_some() {
            "specify either a secret URI or label but not both"
        } else {
            "require either a secret URI or label"
        }));
    }
    let uri = given
        .map(|text| super::secret::uri(Some(text)))
        .transpose()?;
    parsed.at_most(1)?;
    let shown = uri.as_ref().map_or_else(
        || label.unwrap_or_default().to_owned(),
        |uri| uri.id.clone(),
    );
    let fits = |id: &str, other: &str| match &uri {
        Some(uri) => uri.id == id,
        None => label == Some(other),
    };
    let create = context
        .pending
        .creates
        .iter()
        .find(|create| fits(&create.id, &create.label))
        .cloned();
    let result = match create {
        Some(create) => pending_info(&create),
        None => {
            let leads = leads(model, context);
            let found = model.secrets.values().find(|secret| {
                fits(&secret.id, &secret.label) && sees(model, leads, context, &secret.owner)
            });
            let Some(secret) = found else {
                return Err(ToolError::run(format!(
                    "secret {} not found",
                    quote(&shown)
                )));
            };
            let mut info = info(secret.latest, &secret.label, &secret.owner, &secret.rotate);
            add_texts(&mut info, &secret.description, &secret.expire);
            let grants = secret.grants.iter();
            let access: Vec<Value> = grants.map(|grant| access(model, grant)).collect();
            if !access.is_empty() {
                info.insert("access".to_owned(), json!(access));
            }
            json!({ secret.id.clone(): info })
        }
    };
    print(request, &parsed, Format::Yaml, &result)
}

/// A grant as Juju tells of it.
fn access(model: &Model, grant: &Grant) -> Value {
    let target = match &grant.subject {
        Subject::Application(name) => format!("application-{name}"),
        Subject::Unit(unit) => format!("unit-{}", unit.with_dash()),
    };
    let relation = model.relations.get(&grant.relation);
    let scope = relation.map(crate::relation::Relation::tag);
    json!({ "target": target, "scope": scope.unwrap_or_default(), "role": "view" })
}

fn info(revision: u32, label: &str, owner: &Owner, rotate: &str) -> Map<String, Value> {
    let owner = match owner {
        Owner::Application(_) => "application",
        Owner::Unit(_) => "unit",
    };
    let fields = [
        ("revision", json!(revision)),
        ("label", json!(label)),
        ("owner", json!(owner)),
        (
            "rotation",
            json!(if rotate.is_empty() { "never" } else { rotate }),
        ),
    ];
    fields
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn add_texts(info: &mut Map<String, Value>, description: &str, expire: &str) {
    for (key, text) in [("description", description), ("expiry", expire)] {
        if !text.is_empty() {
            info.insert(key.to_owned(), json!(text));
        }
    }
}

fn pending_info(create: &SecretCreate) -> Value {
    let mut info = info(1, &create.label, &create.owner, &create.rotate);
    add_texts(&mut info, &create.description, &create.expire);
    json!({ create.id.clone(): info })
}
