//! open-port, close-port, opened-ports.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{FORMAT, OUTPUT, Printed, ToolError, print, read};
use crate::args::{switch, value};
use crate::context::Context;
use crate::format::{Format, quote};
use crate::model::Model;
use crate::unit::PortRange;
use crate::wire::Request;

fn parse(text: &str) -> Result<PortRange, ToolError> {
    if text == "icmp" {
        return Ok(PortRange {
            protocol: "icmp".to_owned(),
            from: 0,
            to: 0,
        });
    }
    let refuse = || {
        let expected = "expected <port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp";
        ToolError::usage(format!("{expected}; got {}", quote(text)))
    };
    let (range, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    if !["tcp", "udp"].contains(&protocol) {
        return Err(ToolError::usage(format!(
            "invalid protocol {}, expected \"tcp\", \"udp\", or \"icmp\"",
            quote(protocol)
        )));
    }
    let (from, to) = range.split_once('-').unwrap_or((range, range));
    let [from, to] = [from, to].map(|port| port.parse::<u16>().ok().filter(|port| *port > 0));
    match (from, to) {
        (Some(from), Some(to)) if from <= to => Ok(PortRange {
            protocol: protocol.to_owned(),
            from,
            to,
        }),
        _ => Err(refuse()),
    }
}

fn change(model: &Model, context: &mut Context, request: &Request, open: bool) -> Printed {
    let parsed = read(request, &[value(&["endpoints"]), value(&["format"])])?;
    let Some(text) = parsed.positional.first() else {
        return Err(ToolError::usage("no port or range specified"));
    };
    let range = parse(text)?;
    parsed.at_most(1)?;
    let unit = model.unit(&context.unit);
    if open {
        let waiting = context
            .pending
            .ports
            .iter()
            .filter(|(open, _, _)| *open)
            .map(|(_, _, range)| range);
        let other = unit
            .ports
            .iter()
            .map(|(_, range)| range)
            .chain(waiting)
            .find(|other| {
                **other != range
                    && other.protocol == range.protocol
                    && other.from <= range.to
                    && range.from <= other.to
            });
        if let Some(other) = other {
            let name = &context.unit;
            let text = format!(
                "cannot open {range} (unit \"{name}\"): port range conflicts with {other} (unit \"{name}\")"
            );
            return Err(ToolError::run(text));
        }
        let mut neighbours = unit.ports_of_neighbours.iter();
        let taken = neighbours.find(|port| (range.from..=range.to).contains(port));
        if let (Some(port), "tcp") = (taken, range.protocol.as_str()) {
            let name = &context.unit;
            return Err(ToolError::run(format!(
                "cannot open {range} (unit \"{name}\"): port range conflicts with {port}/tcp (unit \"neighbour/0\")"
            )));
        }
    }
    for endpoint in parsed.flag("endpoints").unwrap_or_default().split(',') {
        context
            .pending
            .ports
            .push((open, endpoint.trim().to_owned(), range.clone()));
    }
    Ok(String::new())
}

pub(super) fn open(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    change(model, context, request, true)
}

pub(super) fn close(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    change(model, context, request, false)
}

/// Shows what is committed, as the documentation says. Newer sources merge the
/// hook's own changes, so a charm must not depend on either.
pub(super) fn opened(model: &mut Model, context: &mut Context, request: &Request) -> Printed {
    let parsed = read(request, &[FORMAT, OUTPUT, switch(&["endpoints"])])?;
    parsed.at_most(0)?;
    let mut ranges: BTreeMap<&PortRange, BTreeSet<&str>> = BTreeMap::new();
    for (endpoint, range) in &model.unit(&context.unit).ports {
        ranges
            .entry(range)
            .or_default()
            .insert(if endpoint.is_empty() { "*" } else { endpoint });
    }
    let shown: Vec<String> = ranges
        .iter()
        .map(|(range, endpoints)| {
            let endpoints: Vec<&str> = endpoints.iter().copied().collect();
            if parsed.is_set("endpoints") {
                format!("{range} ({})", endpoints.join(", "))
            } else {
                range.to_string()
            }
        })
        .collect();
    print(request, &parsed, Format::Smart, &json!(shown))
}
