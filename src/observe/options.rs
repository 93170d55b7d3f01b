//! What the operator has configured, and whether it can be had here.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::ObserveError;
use crate::connection::served_ports;
use crate::context::Context;
use crate::facts::options::{OptionRefusal, Options};
use crate::workload::configuration::etcd_config::Ports;
use crate::workload::{self, WorkloadError};

/// Options, and where they come from.
#[derive(Debug)]
pub(super) struct Configured {
    /// Those that are in force.
    pub(super) options: Options,
    /// The same as Juju has them; `None` if there never were valid ones.
    pub(super) config: Option<Map<String, Value>>,
    /// Why these are not the ones that are set now.
    pub(super) refused: Option<String>,
    /// The same, with a sentence for each option that is wrong.
    pub(super) refused_each: Vec<String>,
}

/// What Juju has now. If that cannot be taken, what it had before stays.
///
/// # Errors
/// A hook tool failed, or a file could not be read.
pub(super) fn configured(
    context: &Context,
    address: Option<IpAddr>,
) -> Result<Configured, ObserveError> {
    let config = context.tools.config_get()?;
    let parsed = Options::parse(&config);
    let refused = match &parsed {
        Err(refusal) => Some(refusal.clone()),
        Ok(options) => taken_port(context, options, address)?,
    };
    Ok(match (parsed, refused) {
        (Ok(options), None) => Configured {
            options,
            config: Some(config),
            refused: None,
            refused_each: Vec::new(),
        },
        (_, refusal) => Configured {
            refused: refusal.as_ref().map(OptionRefusal::to_string),
            refused_each: refusal
                .as_ref()
                .map(OptionRefusal::each)
                .unwrap_or_default(),
            ..remembered(context)
        },
    })
}

/// What the last hook that read the options found.
pub(super) fn remembered(context: &Context) -> Configured {
    let unit_state = &context.unit_state;
    let options = unit_state.options.as_ref().map(Options::parse);
    Configured {
        // They were valid once. A revision of the charm that refuses them is
        // told so by Juju's word, and serves with its defaults until then.
        options: options.and_then(Result::ok).unwrap_or_default(),
        config: unit_state.options.clone(),
        refused: unit_state.refused_option.clone(),
        refused_each: unit_state.refused_option.iter().cloned().collect(),
    }
}

/// A port that something else on this machine has. etcd would not start with
/// it, and nothing would serve until an operator chooses another port.
fn taken_port(
    context: &Context,
    options: &Options,
    address: Option<IpAddr>,
) -> Result<Option<OptionRefusal>, WorkloadError> {
    let Some(address) = address else {
        return Ok(None);
    };
    // Our own etcd has those that it serves at, and no other had those that it
    // is about to serve at when they were looked at first.
    let mut own = Vec::new();
    if let Some(Ports { client, peer }) = served_ports(context)? {
        own.extend([client, peer]);
    }
    if context.unit_state.options.is_some() {
        let Options {
            client_port,
            peer_port,
            ..
        } = remembered(context).options;
        own.extend([client_port, peer_port]);
    }
    let wanted = [
        ("client-port", options.client_port),
        ("peer-port", options.peer_port),
    ];
    let taken = wanted
        .into_iter()
        .find(|(_, port)| !own.contains(port) && workload::is_port_taken(address, *port));
    Ok(taken.map(|(option, port)| OptionRefusal {
        option,
        allowed: format!("a port that is free on this machine ({address})"),
        value: port.to_string(),
        others: Vec::new(),
    }))
}
