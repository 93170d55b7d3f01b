//! What stands in the databags of a relation: plain values as they are,
//! secrets by their names and the keys that they hold, certificates by what
//! they are called. Contents of keys are never shown.

use std::collections::BTreeMap;

use etcd_charm_world::{RelationId, World};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::show::{Outcome, Show, Stop};
use crate::table::Table;

/// Fields of version 1 that say nothing here: nulls are left out anyway.
const DULL: [&str; 2] = ["salt", "external-node-connectivity"];

/// Shows both sides of one relation.
pub(crate) fn show(show: &Show<'_>, relation: RelationId, app: &str, dialect: &str) {
    let model = &show.world.model;
    show.screen
        .show(&format!("relation {relation}, {dialect}:"));
    let mut table = Table::default();
    for (who, name) in [
        (format!("{app} asks"), app),
        ("etcd answers".to_owned(), "etcd"),
    ] {
        let mut who = Some(who);
        for (key, value) in model.app_bag(relation, name) {
            for value in values(&show.world, &key, &value) {
                let who = who.take().unwrap_or_default();
                table.row([who, key.clone(), value]);
            }
        }
    }
    table.show(show.screen);
}

/// A value in one line, or in one line for each request of version 1.
fn values(world: &World, key: &str, value: &str) -> Vec<String> {
    match (key, serde_json::from_str(value)) {
        ("requests", Ok(Value::Array(requests))) => requests
            .iter()
            .map(|request| fields(world, request))
            .collect(),
        ("data", Ok(Value::Object(echo))) => {
            vec![format!("echo of {} requests", echo.len())]
        }
        // What should be kept out of the databag: the same for every client.
        ("requested-secrets", Ok(Value::Array(names))) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            vec![names.join(" ")]
        }
        _ => vec![plain(world, value)],
    }
}

fn fields(world: &World, request: &Value) -> String {
    let fields: BTreeMap<&str, String> = request
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| !value.is_null() && !DULL.contains(&key.as_str()))
        .map(|(key, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (key.as_str(), plain(world, &text))
        })
        .collect();
    let fields: Vec<String> = fields
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    fields.join(" ")
}

/// A value; a secret with the keys that it holds.
fn plain(world: &World, value: &str) -> String {
    match secret_keys(world, value) {
        Some((id, keys)) => format!("secret:{id}{{{}}}", keys.join(",")),
        None => value.to_owned(),
    }
}

fn secret_keys(world: &World, uri: &str) -> Option<(String, Vec<String>)> {
    let id = uri
        .starts_with("secret:")
        .then(|| uri.rsplit([':', '/']).next())??;
    let model = &world.model;
    let all = ["etcd", "shop", "web"].map(|app| model.secrets(app));
    let secret = all.iter().flatten().find(|secret| secret.id == id)?;
    Some((id.to_owned(), secret.latest().keys().cloned().collect()))
}

/// Whose certificate this is, and its fingerprint.
pub(crate) fn certificate_name(pem: &str) -> Outcome<String> {
    let unreadable = |_| Stop::wrong("the certificate of the servers' authority is unreadable");
    let block = pem::parse(pem).map_err(|_| unreadable(()))?;
    let (_, certificate) =
        x509_parser::parse_x509_certificate(block.contents()).map_err(|_| unreadable(()))?;
    let digest = Sha256::digest(block.contents());
    let fingerprint: Vec<String> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Ok(format!(
        "{}, SHA-256 {}:…",
        certificate.subject(),
        fingerprint[..6].join(":")
    ))
}
