//! Who signs for members instead of the charm, and what it has answered.

use tls_certificates::{answers, requests};

use super::ObserveError;
use super::one_relation::of_relation;
use crate::context::Context;
use crate::facts::provider::{Provider, ProviderUnknown};
use crate::facts::{Known, Relation};
use crate::hook::Event;
use crate::juju::ToolError;
use crate::relation::CLIENT_CERTIFICATES;

/// The relation over `client-certificates`, or that there is none. The endpoint
/// takes one; of more, the one that was made first counts.
///
/// # Errors
/// A hook tool failed.
pub(super) fn provider(
    context: &Context,
) -> Result<Known<Option<Provider>, ProviderUnknown>, ObserveError> {
    let relations = context.tools.relation_ids(CLIENT_CERTIFICATES)?;
    let Some(relation) = relations.first() else {
        return Ok(Known::Known(None));
    };
    Ok(match of_relation(read(context, *relation))? {
        Some(provider) => Known::Known(Some(provider)),
        None => Known::Unknown(ProviderUnknown::Relation),
    })
}

fn read(context: &Context, relation: Relation) -> Result<Provider, ToolError> {
    let tools = &context.tools;
    let told = match &context.hook.event {
        Event::Provider {
            relation: changed,
            remote_app,
            ..
        } if *changed == relation => remote_app.clone(),
        _ => None,
    };
    let app = match told {
        Some(app) => app,
        None => tools.remote_app(relation)?,
    };
    let own = tools.relation_get_unit(relation, &context.hook.unit)?;
    let answers = answers::read(&tools.relation_get_app(relation, &app)?);
    Ok(Provider {
        relation: relation.id,
        app,
        published: own.get(requests::KEY).cloned(),
        answers,
    })
}
