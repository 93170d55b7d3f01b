//! Over which relations somebody may have access, as any unit can see them.

use super::ObserveError;
use crate::context::Context;
use crate::facts::{LegacyInterface, Related, Relation, Relations};
use crate::juju::ToolError;
use crate::relation::{self, ETCD_CLIENT};

/// The relations over which somebody may have access.
///
/// # Errors
/// A hook tool failed.
pub fn relations(context: &Context) -> Result<Relations, ObserveError> {
    let mut all = Relations::default();
    for relation in context.tools.relation_ids(ETCD_CLIENT)? {
        let related = seen(read(context, relation))?.unwrap_or_default();
        all.clients.insert(relation.id, related);
    }
    for interface in LegacyInterface::ALL {
        for relation in context.tools.relation_ids(interface.endpoint())? {
            all.legacy.insert(relation.id, interface);
            if let Some(app) = seen(context.tools.remote_app(relation))? {
                all.apps.insert(relation.id, app);
            }
        }
    }
    Ok(all)
}

/// What was read of a relation; `None` of one that is on its way out, of which
/// Juju tells nothing any more.
fn seen<T>(read: Result<T, ToolError>) -> Result<Option<T>, ToolError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) if error.is_denied() || error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn read(context: &Context, relation: Relation) -> Result<Related, ToolError> {
    let app = context.tools.remote_app(relation)?;
    let bag = context.tools.relation_get_app(relation, &app)?;
    Ok(Related {
        app: Some(app),
        asked: relation::read(&bag).ok().flatten(),
    })
}
