//! What applications ask to have signed, and what they were answered.

use std::collections::{BTreeMap, BTreeSet};

use tls_certificates::answers::{self, Answers};
use tls_certificates::requests::{self, EntryRefusal, Request};

use super::one_relation::{is_over, living, of_relation};
use super::{Application, ObserveError};
use crate::context::Context;
use crate::facts::observed::{Clients, Pass, SigningRelation};
use crate::facts::reason::UnknownRequests;
use crate::facts::{AppName, CommonName, Databag, Ledger, Relation, SignedName, UnitName};
use crate::hook::Event;
use crate::juju::ToolError;
use crate::relation::CERTIFICATES;
use crate::tls::ClientCertificate;
use crate::workload::relation_notes::RelationNote;

/// Adds the relations over which certificates are asked for: the one that this
/// hook is about, or all in a full pass. Only the leader looks at them.
///
/// # Errors
/// A hook tool failed.
pub fn signing(
    context: &Context,
    application: &Application,
    ledger: &Ledger,
    clients: &mut Clients,
) -> Result<(), ObserveError> {
    if !application.leader {
        return Ok(());
    }
    if application.pass == Pass::Full {
        let uses_notes = context.hook.event.may_use_notes();
        for relation in living(context, CERTIFICATES, ledger)? {
            let noted =
                uses_notes.then(|| RelationNote::read(&context.paths, relation.id, context.now));
            let read = signing_relation(context, relation, None, noted.flatten())?;
            clients.signing.insert(relation.id, read);
        }
        return Ok(());
    }
    if let Event::Signing {
        relation,
        remote_app,
        ..
    } = &context.hook.event
        && !is_over(context, ledger)
    {
        let read = signing_relation(context, *relation, remote_app.clone(), None)?;
        clients.signing.insert(relation.id, read);
    }
    Ok(())
}

/// In which names applications have certificates, as far as their relations say:
/// for a ledger that may not know of all of them. Only the leader can tell.
///
/// # Errors
/// A hook tool failed.
pub fn answered(context: &Context) -> Result<BTreeMap<CommonName, SignedName>, ObserveError> {
    let mut all = BTreeMap::new();
    for relation in context.tools.relation_ids(CERTIFICATES)? {
        let read = of_relation(own_answers(context, relation))?;
        let Some((app, answers)) = read else {
            continue;
        };
        for answer in answers.certificates {
            let Ok(leaf) = ClientCertificate::read_back(&answer.certificate) else {
                continue;
            };
            let record = SignedName {
                relation: relation.id,
                app: app.clone(),
                not_after: leaf.not_after,
                ended_at: None,
                is_revoked: false,
            };
            // Of several in one name, the one that lasts longest.
            let known = all.entry(leaf.common_name).or_insert(record);
            known.not_after = known.not_after.max(leaf.not_after);
        }
    }
    Ok(all)
}

fn own_answers(context: &Context, relation: Relation) -> Result<(AppName, Answers), ToolError> {
    let app = context.tools.remote_app(relation)?;
    let own = context
        .tools
        .relation_get_own_app(relation, context.hook.unit.app())?;
    Ok((
        app,
        answers::read(&own.unwrap_or_default()).unwrap_or_default(),
    ))
}

fn signing_relation(
    context: &Context,
    relation: Relation,
    remote_app: Option<AppName>,
    noted: Option<RelationNote>,
) -> Result<SigningRelation, ObserveError> {
    let unreadable = |app| SigningRelation {
        app,
        asked: Err(UnknownRequests::Relation),
        refused: Vec::new(),
        own: Databag::new(),
        units: BTreeSet::new(),
        is_noted: false,
    };
    let read = of_relation(read(context, relation, remote_app.clone(), noted))?;
    Ok(read.unwrap_or_else(|| unreadable(remote_app)))
}

fn read(
    context: &Context,
    relation: Relation,
    remote_app: Option<AppName>,
    noted: Option<RelationNote>,
) -> Result<SigningRelation, ToolError> {
    let is_noted = noted.is_some();
    let noted = match noted {
        Some(noted) => noted,
        None => ends(context, relation, remote_app)?,
    };
    let RelationNote {
        remote_app: app,
        own,
        units,
        ..
    } = noted;
    let tools = &context.tools;
    let mut bags = vec![tools.relation_get_app(relation, &app)?];
    for unit in &units {
        bags.push(tools.relation_get_unit(relation, unit)?);
    }
    let mut refused = Vec::new();
    let asked = match requests_in(&bags, &mut refused) {
        Ok(asked)
            if is_missing_one(&asked, &own)
                && !sees_all_units(context, relation, &app, &units)? =>
        {
            Err(UnknownRequests::Units)
        }
        asked => asked,
    };
    Ok(SigningRelation {
        app: Some(app),
        asked,
        refused,
        own,
        units,
        is_noted,
    })
}

/// Who is at the two ends of a relation, and what ours has written.
fn ends(
    context: &Context,
    relation: Relation,
    remote_app: Option<AppName>,
) -> Result<RelationNote, ToolError> {
    let tools = &context.tools;
    let app = match remote_app {
        Some(app) => app,
        None => tools.remote_app(relation)?,
    };
    let own = tools.relation_get_own_app(relation, context.hook.unit.app())?;
    let units = tools.relation_list(relation)?.into_iter().collect();
    Ok(RelationNote::new(
        app,
        own.unwrap_or_default(),
        units,
        context.now,
    ))
}

/// What is asked for in these databags, each once.
fn requests_in(
    bags: &[Databag],
    refused: &mut Vec<(usize, EntryRefusal)>,
) -> Result<Vec<Request>, UnknownRequests> {
    let mut asked = BTreeSet::new();
    for bag in bags {
        let read = requests::read(bag).map_err(UnknownRequests::Databag)?;
        asked.extend(read.requests);
        refused.extend(read.refused);
    }
    Ok(asked.into_iter().collect())
}

/// Whether something was answered that nobody asks for any more.
fn is_missing_one(asked: &[Request], own: &Databag) -> bool {
    let answered = answers::read(own).unwrap_or_default();
    let mut answered = answered.certificates.iter();
    answered.any(|answer| !asked.iter().any(|request| request.csr == answer.csr))
}

/// Whether this unit sees all units of the application: one that leads since a
/// moment ago may not have met all of them yet, and what it does not see is not
/// withdrawn. It is asked only where something would be.
fn sees_all_units(
    context: &Context,
    relation: Relation,
    app: &AppName,
    seen: &BTreeSet<UnitName>,
) -> Result<bool, ToolError> {
    let leaving = match &context.hook.event {
        Event::Signing { departing, .. } => departing.as_ref(),
        _ => None,
    };
    let there = context.tools.related_unit_goals(relation.endpoint)?;
    let mut there = there
        .into_iter()
        .filter(|(unit, is_dying)| unit.app() == app && !is_dying)
        .map(|(unit, _)| unit);
    Ok(there.all(|unit| seen.contains(&unit) || Some(&unit) == leaving))
}
