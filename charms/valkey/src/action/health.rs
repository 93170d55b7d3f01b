//! `health`: what each server and sentinel says.

use juju_hooks::ActionResults;

use super::ActionFailure;
use crate::facts::Known;
use crate::plan::{advisory, cluster};
use crate::reconcile::Run;
use crate::valkey::{Link, Role};

pub(super) fn run(run: &Run, results: &mut ActionResults) -> Result<(), ActionFailure> {
    let mut away = Vec::new();
    for (unit, node) in &run.nodes {
        let name = unit.to_string();
        match &node.server {
            Known::Unknown(reason) => {
                away.push(name.clone());
                results.set(&[&name, "server"], reason);
            }
            Known::Known(server) => {
                let (role, offset) = match &server.role {
                    Role::Primary { offset, .. } => ("primary", offset),
                    Role::Replica { link, offset, .. } => match link {
                        Link::Up => ("replica", offset),
                        Link::Syncing => ("replica, copying", offset),
                        Link::Down => ("replica, not connected", offset),
                    },
                };
                results.set(&[&name, "server"], role);
                results.set(&[&name, "offset"], offset.to_string());
                results.set(&[&name, "version"], &server.version);
                if let Some(known) = advisory::of(&server.version) {
                    results.set(&[&name, "advisory"], known);
                }
            }
        }
        let text = match &node.sentinel {
            Known::Unknown(reason) => {
                away.push(name.clone());
                reason.clone()
            }
            Known::Known(None) => "it looks after nothing".to_owned(),
            Known::Known(Some(monitored)) => format!(
                "primary {}, quorum {}, {} other sentinels, {} replicas",
                monitored.primary,
                monitored.quorum,
                monitored.sentinels.len(),
                monitored.replicas.len()
            ),
        };
        results.set(&[&name, "sentinel"], text);
    }
    let primary = cluster::primary(&run.juju, &run.nodes);
    match &primary {
        Known::Known(unit) => results.set(&["primary"], unit.to_string()),
        Known::Unknown(reason) => results.set(&["primary"], format!("unknown: {reason}")),
    }
    away.dedup();
    match (primary, away.is_empty()) {
        (Known::Known(_), true) => Ok(()),
        (Known::Unknown(reason), _) => Err(ActionFailure::Stopped(format!(
            "nobody knows which server is the primary: {reason}"
        ))),
        (_, false) => Err(ActionFailure::Stopped(format!(
            "{} does not answer",
            away.join(", ")
        ))),
    }
}
