//! Who wants to know whom to trust, and what they were told.

use super::one_relation::of_relation;
use super::{Application, ObserveError};
use crate::context::Context;
use crate::facts::observed::{Clients, Pass, TransferRelation};
use crate::facts::{AppName, Relation};
use crate::hook::Event;
use crate::juju::ToolError;
use crate::relation::SEND_CA_CERT;

/// Adds the relations of `send-ca-cert`: the one that this hook is about, or all
/// in a full pass. What cannot be read is left out, and told nothing new. Every
/// unit looks: one that led before may have written what it has to take back.
///
/// # Errors
/// A hook tool failed.
pub fn transfers(
    context: &Context,
    application: &Application,
    clients: &mut Clients,
) -> Result<(), ObserveError> {
    let relations = match (&context.hook.event, application.pass) {
        (_, Pass::Full) => context.tools.relation_ids(SEND_CA_CERT)?,
        (
            Event::Transfer {
                relation,
                broken: false,
                ..
            },
            _,
        ) => vec![*relation],
        _ => Vec::new(),
    };
    for relation in relations {
        let remote_app = match &context.hook.event {
            Event::Transfer {
                relation: changed,
                remote_app,
                ..
            } if *changed == relation => remote_app.clone(),
            _ => None,
        };
        let read = of_relation(read(context, application.leader, relation, remote_app))?;
        clients
            .transfers
            .extend(read.map(|read| (relation.id, read)));
    }
    Ok(())
}

fn read(
    context: &Context,
    leads: bool,
    relation: Relation,
    remote_app: Option<AppName>,
) -> Result<TransferRelation, ToolError> {
    let tools = &context.tools;
    let own_unit = tools.relation_get_unit(relation, &context.hook.unit)?;
    if !leads {
        return Ok(TransferRelation {
            own_unit,
            ..TransferRelation::default()
        });
    }
    let app = match remote_app {
        Some(app) => app,
        None => tools.remote_app(relation)?,
    };
    let own = tools.relation_get_own_app(relation, context.hook.unit.app())?;
    Ok(TransferRelation {
        theirs: tools.relation_get_app(relation, &app)?,
        own_app: Some(own.unwrap_or_default()),
        own_unit,
    })
}
