//! `list-clients`: who has access to what, and who waits for what.

use std::collections::{BTreeMap, BTreeSet};

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::context::Context;
use crate::explain::clients::{Related, list};
use crate::explain::identities::identities;
use crate::explain::show_clients;
use crate::facts::{AppName, Cluster, LegacyInterface, Purpose, Relation, RelationId};
use crate::juju::{ActionResults, ToolError};
use crate::observe;
use crate::plan::refusal::ParameterFault;
use crate::relation::{self, ETCD_CLIENT};

/// The relations over which somebody may have access.
#[derive(Default)]
struct Relations {
    /// Those whose requirers ask for what they want.
    clients: BTreeMap<RelationId, Related>,
    /// Those of the legacy interfaces.
    legacy: BTreeMap<RelationId, LegacyInterface>,
    /// The applications at the other ends of those.
    apps: BTreeMap<RelationId, AppName>,
}

/// Lists every request for access. The ledger is every unit's to read, and so
/// are the relations, so it works on any.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    let mut given = Parameters::read(context)?;
    let only = given.number("relation")?;
    given.finish()?;
    let relations = relations(context)?;
    let session = Session::begin(context).await?;
    let client = &session.client;
    let mut cluster = session.cluster(context).await?;
    let only = match only {
        None => None,
        Some(number) => Some(known(number, &relations, &cluster)?),
    };
    let granted = cluster.ledger.grants();
    let granted = granted.map(|(_, grant)| grant.common_name.clone());
    let issued = cluster.ledger.issued.keys().cloned();
    let names: BTreeSet<_> = granted.chain(issued).collect();
    observe::access(client, &mut cluster, names).await?;
    show_clients(
        results,
        &list(&relations.clients, &cluster, only),
        &identities(&relations.legacy, &cluster, only),
        &relations.apps,
    );
    Ok(())
}

fn relations(context: &Context) -> Result<Relations, ActionError> {
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

/// The relation with this number, if somebody has or had access over it.
fn known(number: u64, relations: &Relations, cluster: &Cluster) -> Result<RelationId, ActionError> {
    let ledger = &cluster.ledger;
    let recorded = ledger.clients.keys().map(|key| key.relation);
    let recorded = recorded.chain(ledger.unsigned.keys().copied());
    let issued = ledger.issued.values();
    let issued = issued.filter_map(|record| match record.purpose {
        Purpose::Relation(_, relation) => Some(relation),
        Purpose::Operator => None,
    });
    let related = relations.clients.keys().chain(relations.legacy.keys());
    let all: BTreeSet<_> = related.copied().chain(recorded).chain(issued).collect();
    let found = all.iter().find(|id| u64::from(id.0) == number);
    found.copied().ok_or_else(|| {
        let all = all.iter().copied().collect();
        wrong("relation", ParameterFault::NotAClient(all))
    })
}
