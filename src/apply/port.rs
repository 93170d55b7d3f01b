//! The port that is reached where an operator exposes the application.

use super::ApplyError;
use crate::context::Context;
use crate::juju::{TcpPort, ToolError, Tools};
use crate::log;

/// Lets clients in at this port where the operator exposes the application. Every unit has
/// its own ports; one that served clients before is closed. What Juju refuses,
/// for a neighbour on the same machine that has the port, is remembered and said:
/// etcd serves all the same.
///
/// # Errors
/// There is no such tool.
pub fn open_port(context: &mut Context, client_port: u16) -> Result<(), ApplyError> {
    let wanted = TcpPort(client_port);
    context.unit_state.refused_port = match open_only(&context.tools, wanted) {
        Ok(()) => None,
        Err(error @ (ToolError::Failed { .. } | ToolError::Hung { .. })) => {
            tracing::warn!("{}", log::chain(&error));
            Some(wanted.0)
        }
        Err(error) => return Err(error.into()),
    };
    Ok(())
}

fn open_only(tools: &Tools, wanted: TcpPort) -> Result<(), ToolError> {
    let opened = tools.opened_ports()?;
    for port in opened.iter().filter(|port| **port != wanted) {
        tools.close_port(*port)?;
    }
    if !opened.contains(&wanted) {
        tools.open_port(wanted)?;
    }
    Ok(())
}
