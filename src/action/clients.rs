//! `list-clients`: who has access to what, and who waits for what.

use std::collections::BTreeSet;

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::context::Context;
use crate::explain::clients::list;
use crate::explain::identities::identities;
use crate::explain::show_clients;
use crate::juju::ActionResults;
use crate::observe;
use crate::plan::refusal::ParameterFault;

/// Lists every request for access. The ledger is every unit's to read, and so
/// are the relations, so it works on any.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    let mut given = Parameters::read(context)?;
    let only = given.number("relation")?;
    given.finish()?;
    let relations = observe::relations(context)?;
    let session = Session::begin(context).await?;
    let mut cluster = session.cluster(context).await?;
    let only = only
        .map(|number| relations.find(number, &cluster.ledger))
        .transpose()
        .map_err(|all| wrong("relation", ParameterFault::NotAClient(all)))?;
    let granted = cluster.ledger.grants();
    let granted = granted.map(|(_, grant)| grant.common_name.clone());
    let issued = cluster.ledger.issued.keys().cloned();
    let names: BTreeSet<_> = granted.chain(issued).collect();
    observe::access(&session.client, &mut cluster, names).await?;
    show_clients(
        results,
        &list(&relations.clients, &cluster, only),
        &identities(&relations.legacy, &cluster, only),
        &relations.apps,
    );
    Ok(())
}
