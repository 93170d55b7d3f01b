//! What the operator has configured, and whether it can be had here.

use std::net::IpAddr;

use super::ObserveError;
use crate::connection::served_ports;
use crate::context::Context;
use crate::facts::options::{OptionRefusal, Options};
use crate::plan::options::{Configured, new_ports};
use crate::workload;

/// What Juju has now. If that cannot be taken, what it had before stays.
///
/// # Errors
/// A hook tool failed, or a file could not be read.
pub(super) fn configured(
    context: &Context,
    address: Option<IpAddr>,
) -> Result<Configured, ObserveError> {
    let config = context.tools.config_get()?;
    let before = remembered(context);
    let set = match (Options::parse(&config), address) {
        (Ok(options), Some(address)) => {
            let taken = taken_port(context, &options, &before, address)?;
            taken.map_or(Ok(options), Err)
        }
        (parsed, _) => parsed,
    };
    Ok(Configured::choose(config, set, before))
}

/// What the last hook that read the options found.
pub(super) fn remembered(context: &Context) -> Configured {
    let unit_state = &context.unit_state;
    Configured::before(
        unit_state.options.as_ref(),
        unit_state.refused_option.as_ref(),
    )
}

/// A port that something else on this machine has.
fn taken_port(
    context: &Context,
    options: &Options,
    before: &Configured,
    address: IpAddr,
) -> Result<Option<OptionRefusal>, ObserveError> {
    let ports = new_ports(options, served_ports(context)?, before);
    let mut ports = ports.into_iter();
    let found = ports.find(|(_, port)| workload::is_port_taken(address, *port));
    Ok(found.map(|(option, port)| OptionRefusal::of_taken_port(option, port, address)))
}
