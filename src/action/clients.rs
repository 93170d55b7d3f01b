//! `list-clients`: who has access to what, and who waits for what.

use std::collections::{BTreeMap, BTreeSet};

use super::parameters::{Parameters, wrong};
use super::table::table;
use super::{ActionError, Session, look};
use crate::context::Context;
use crate::juju::{ActionResults, ToolError};
use crate::model::{Relation, RelationId};
use crate::observe;
use crate::plan::listing::{Listed, Related, State, list};
use crate::relation::{self, ETCD_CLIENT};

/// Lists every request for access. The ledger is every unit's to read, and so
/// are the relations, so it works on any.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    let mut given = Parameters::read(context)?;
    let only = given.number("relation")?;
    given.finish()?;
    let related = related(context)?;
    let session = Session::begin(context).await?;
    let client = &session.client;
    let mut cluster = look(context, client).await?;
    let only = match only {
        None => None,
        Some(number) => Some(known(number, &related, &cluster.ledger.clients)?),
    };
    let names: BTreeSet<_> = cluster
        .ledger
        .grants()
        .filter(|(key, _)| only.is_none_or(|only| key.relation == only))
        .map(|(_, grant)| grant.common_name.clone())
        .collect();
    observe::access(client, &mut cluster, names).await?;
    show(results, &list(&related, &cluster, only));
    Ok(())
}

/// The relations with clients.
fn related(context: &Context) -> Result<BTreeMap<RelationId, Related>, ActionError> {
    let mut all = BTreeMap::new();
    for relation in context.tools.relation_ids(ETCD_CLIENT)? {
        let related = match read(context, relation) {
            Ok(related) => related,
            // One that is on its way out, of which Juju tells nothing any more.
            Err(error) if error.is_denied() || error.is_not_found() => Related::default(),
            Err(error) => return Err(error.into()),
        };
        all.insert(relation.id, related);
    }
    Ok(all)
}

fn read(context: &Context, relation: Relation) -> Result<Related, ToolError> {
    let app = context.tools.remote_app(relation)?;
    let bag = context.tools.relation_get_app(relation, &app)?;
    Ok(Related {
        app: Some(app),
        asked: relation::read(&bag).ok().flatten(),
    })
}

fn known<T>(
    number: u64,
    related: &BTreeMap<RelationId, Related>,
    on_record: &BTreeMap<crate::model::RequestKey, T>,
) -> Result<RelationId, ActionError> {
    let recorded = on_record.keys().map(|key| key.relation);
    let all: BTreeSet<_> = related.keys().copied().chain(recorded).collect();
    let found = all.iter().find(|id| u64::from(id.0) == number);
    found.copied().ok_or_else(|| {
        let all: Vec<_> = all.iter().map(RelationId::to_string).collect();
        let reason = match all.as_slice() {
            [] => "is no relation with a client; there is none".to_owned(),
            all => format!("is no relation with a client; there are {}", all.join(", ")),
        };
        wrong("relation", reason)
    })
}

fn show(results: &mut ActionResults, all: &[Listed]) {
    results.set(&["count"], all.len().to_string());
    if all.is_empty() {
        results.set(&["output"], "no application is related");
        return;
    }
    let heading = [
        "RELATION",
        "APPLICATION",
        "REQUEST",
        "STATE",
        "COMMON NAME",
        "PREFIX",
        "CERTIFICATE ENDS",
        "NOTE",
    ];
    let rows: Vec<_> = all.iter().map(row).collect();
    results.set(&["output"], table(&heading, &rows));
    for listed in all {
        let relation = listed.key.relation;
        let id = match &listed.key.request {
            Some(request) => format!("{relation}-{request}"),
            None => relation.to_string(),
        };
        for (key, text) in figures(listed) {
            results.set(&["clients", &id, key], text);
        }
    }
}

fn row(listed: &Listed) -> Vec<String> {
    let grant = listed.grant.as_ref();
    let shown = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let state = match listed.state {
        State::Ready(ready) => format!("ready on {ready} of {}", listed.voters),
        _ => word(listed.state).to_owned(),
    };
    let mut notes: Vec<_> = listed.reason.iter().cloned().collect();
    notes.extend(listed.faults.iter().cloned());
    vec![
        listed.key.relation.to_string(),
        shown(listed.app.as_ref().map(ToString::to_string)),
        shown(listed.key.request.as_ref().map(ToString::to_string)),
        state,
        shown(grant.map(|grant| grant.common_name.to_string())),
        shown(listed.prefix.as_ref().map(ToString::to_string)),
        shown(grant.map(|grant| grant.not_after.to_string())),
        notes.join("; "),
    ]
}

/// What is said of one request, by keys; what does not apply is left out.
fn figures(listed: &Listed) -> Vec<(&'static str, String)> {
    let mut figures = vec![
        ("relation", listed.key.relation.to_string()),
        ("state", word(listed.state).to_owned()),
    ];
    let mut add = |key, text: Option<String>| figures.extend(text.map(|text| (key, text)));
    add("application", listed.app.as_ref().map(ToString::to_string));
    let request = listed.key.request.as_ref();
    add("request", request.map(ToString::to_string));
    add("reason", listed.reason.clone());
    let prefix = listed.prefix.as_ref();
    add("prefix", prefix.map(ToString::to_string));
    add("range", prefix.map(|prefix| prefix.range().to_string()));
    if let Some(grant) = &listed.grant {
        let ready = match listed.state {
            State::Ready(ready) => ready,
            _ => 0,
        };
        add("ready-members", Some(ready.to_string()));
        add("members", Some(listed.voters.to_string()));
        add("common-name", Some(grant.common_name.to_string()));
        add("fingerprint", Some(grant.fingerprint.to_string()));
        add("certificate-ends", Some(grant.not_after.to_string()));
        add("granted", Some(grant.granted_at.to_string()));
        let in_etcd = match listed.faults.as_slice() {
            [] => "as it should be".to_owned(),
            faults => faults.join("; "),
        };
        add("in-etcd", Some(in_etcd));
    }
    figures
}

fn word(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Refused => "refused",
        State::Granted => "granted",
        State::Ready(_) => "ready",
        State::Leaving => "leaving",
    }
}
