//! network-get and unit-get. A unit has one address, which is its bind,
//! ingress and egress address in every binding.

use serde_json::{Value, json};

use super::{FORMAT, OUTPUT, Printed, RELATION, ToolError, print, read, relation};
use crate::args::switch;
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::{JujuVersion, Model};
use crate::wire::Request;

/// What can be asked for alone.
const PARTS: [&str; 4] = [
    "bind-address",
    "ingress-address",
    "egress-subnets",
    "primary-address",
];

pub(super) fn network_get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let flags = [
        FORMAT,
        OUTPUT,
        RELATION,
        switch(&["bind-address"]),
        switch(&["ingress-address"]),
        switch(&["egress-subnets"]),
        switch(&["primary-address"]),
    ];
    let parsed = read(request, &flags)?;
    let id = relation(model, context, &parsed)?;
    let Some(binding) = parsed
        .positional
        .first()
        .filter(|binding| !binding.is_empty())
    else {
        return Err(ToolError::usage("no arguments specified"));
    };
    parsed.at_most(1)?;
    if let Some(id) = id.filter(|_| parsed.flag("relation").is_some())
        && model.relation(id).gone
    {
        return Err(ToolError::run(match model.options.version {
            JujuVersion::V3_6 => format!("relation {id} not found"),
            JujuVersion::V4_0 => "permission denied".to_owned(),
        }));
    }
    let metadata = &model.application(context.unit.application()).charm.metadata;
    let known = metadata.endpoints.contains_key(binding)
        || metadata.bindings.contains(binding)
        || binding == "juju-info";
    if !known {
        return Err(ToolError::run(format!(
            "no network config found for binding {}",
            quote(binding)
        )));
    }
    let wanted: Vec<&str> = PARTS
        .into_iter()
        .filter(|part| parsed.is_set(part))
        .collect();
    let result = addresses(&model.unit(&context.unit).address, &wanted);
    print(request, &parsed, Format::Smart, &result)
}

/// What is told of the network of a unit with this address: all, or these parts.
fn addresses(address: &str, wanted: &[&str]) -> Value {
    let subnet = format!("{address}/32");
    let part = |name: &str| {
        if name == "egress-subnets" {
            json!([subnet])
        } else {
            json!(address)
        }
    };
    match wanted {
        [] => json!({
            "bind-addresses": [{
                "mac-address": "",
                "interface-name": "lo",
                "addresses": [{ "hostname": "", "value": address, "cidr": "127.0.0.0/8" }],
            }],
            "egress-subnets": [subnet],
            "ingress-addresses": [address],
        }),
        [one] => part(one),
        several => Value::Object(
            several
                .iter()
                .map(|name| ((*name).to_owned(), part(name)))
                .collect(),
        ),
    }
}

pub(super) fn unit_get(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT])?;
    let Some(setting) = parsed.positional.first() else {
        return Err(ToolError::usage("no setting specified"));
    };
    if !["private-address", "public-address"].contains(&setting.as_str()) {
        return Err(ToolError::usage(format!(
            "unknown setting {}",
            quote(setting)
        )));
    }
    parsed.at_most(1)?;
    let address = &model.unit(&context.unit).address;
    print(request, &parsed, Format::Smart, &json!(address))
}
