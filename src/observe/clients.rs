//! What clients ask for, and the certificates that they point to.

use std::collections::{BTreeMap, BTreeSet};

use super::one_relation::{has_ended, is_over, living, of_relation};
use super::{Application, ObserveError};
use crate::context::Context;
use crate::facts::observed::{
    AcrossModels, Certificate, ClientRelation, Clients, Pass, Scope, request_key,
};
use crate::facts::reason::{CertificateFault, Reason};
use crate::facts::{AppName, Databag, Ledger, Relation, RelationId, Secret, SecretUri};
use crate::hook::Event;
use crate::juju::{Revision, SecretUnavailable, ToolError};
use crate::plan::sharing;
use crate::relation::{self, Asked, ETCD_CLIENT, OfferedCertificate, fernet};
use crate::workload::relation_notes::RelationNote;

/// Reads the relations that this hook is about: one for an event on one
/// relation, all in a full pass. Only the leader looks at what clients ask for.
///
/// # Errors
/// A hook tool failed.
pub fn clients(
    context: &Context,
    application: &Application,
    ledger: &Ledger,
) -> Result<Clients, ObserveError> {
    match (application.leader, application.pass) {
        (false, _) => Ok(Clients::default()),
        (true, Pass::Full) => all_clients(context, ledger),
        (true, Pass::Event) => clients_of_event(context, ledger),
    }
}

fn all_clients(context: &Context, ledger: &Ledger) -> Result<Clients, ObserveError> {
    let mut clients = Clients {
        scope: Scope::All,
        pending_is_read: true,
        ..Clients::default()
    };
    let uses_notes = context.hook.event.may_use_notes();
    for relation in living(context, ETCD_CLIENT, ledger)? {
        let noted =
            uses_notes.then(|| RelationNote::read(&context.paths, relation.id, context.now));
        let read = client_relation(context, relation, None, noted.flatten())?;
        clients.relations.insert(relation.id, read);
    }
    Ok(clients)
}

fn clients_of_event(context: &Context, ledger: &Ledger) -> Result<Clients, ObserveError> {
    let mut clients = Clients::default();
    match &context.hook.event {
        Event::Client {
            relation,
            broken: true,
            ..
        } => {
            clients.scope = Scope::Only([relation.id].into());
            // What cannot be read is found by the labels of its secrets later.
            let own = of_relation(own_databag(context, *relation))?;
            clients.broken.insert(relation.id, own.unwrap_or_default());
        }
        Event::Client { relation, .. } if is_over(context, ledger) => {
            clients.scope = Scope::Only([relation.id].into());
        }
        Event::Client {
            relation,
            remote_app,
            ..
        } => {
            clients.scope = Scope::Only([relation.id].into());
            let read = client_relation(context, *relation, remote_app.clone(), None)?;
            clients.relations.insert(relation.id, read);
        }
        Event::SecretChanged(secret) => {
            // A secret that no request points to is another's, or our own.
            let related = ledger.relations_of_secret(secret);
            clients.relations = read_each(context, &related, ledger)?;
            clients.scope = Scope::Only(related);
        }
        Event::Signing { relation, .. } => {
            let mut related = named_by(ledger, relation.id);
            clients.relations = read_each(context, &related, ledger)?;
            related.insert(relation.id);
            clients.scope = Scope::Only(related);
        }
        _ => {}
    }
    Ok(clients)
}

/// The relations with access in names that certificates are signed in for this
/// relation: who has access in a name loses it with the name, and gets it back.
fn named_by(ledger: &Ledger, relation: RelationId) -> BTreeSet<RelationId> {
    let names = ledger.signed.iter();
    names
        .filter(|(_, record)| record.relation == relation)
        .filter_map(|(name, _)| Some(ledger.names.get(name)?.holder.relation))
        .collect()
}

fn read_each(
    context: &Context,
    relations: &BTreeSet<RelationId>,
    ledger: &Ledger,
) -> Result<BTreeMap<RelationId, ClientRelation>, ObserveError> {
    let read = |id: &RelationId| {
        let endpoint = ETCD_CLIENT;
        let relation = Relation { endpoint, id: *id };
        Ok((*id, client_relation(context, relation, None, None)?))
    };
    let living = relations.iter();
    let living = living.filter(|id| !has_ended(context, ledger, **id));
    living.map(read).collect()
}

/// Looks, before a restart, for requests on relations that nothing is on
/// record of yet: they would want the next restart. So what this costs grows
/// with the requests that wait, not with the relations that are served.
///
/// # Errors
/// A hook tool failed.
pub fn read_pending(
    context: &Context,
    clients: &mut Clients,
    ledger: &Ledger,
) -> Result<(), ObserveError> {
    clients.pending_is_read = true;
    let on_record: BTreeSet<RelationId> = ledger
        .clients
        .entries()
        .map(|entry| entry.relation())
        .collect();
    let Scope::Only(scope) = &mut clients.scope else {
        return Ok(());
    };
    for relation in living(context, ETCD_CLIENT, ledger)? {
        let is_known = on_record.contains(&relation.id) || scope.contains(&relation.id);
        if is_known {
            continue;
        }
        scope.insert(relation.id);
        let read = client_relation(context, relation, None, None)?;
        clients.relations.insert(relation.id, read);
    }
    Ok(())
}

fn client_relation(
    context: &Context,
    relation: Relation,
    remote_app: Option<AppName>,
    noted: Option<RelationNote>,
) -> Result<ClientRelation, ObserveError> {
    let mut read = ClientRelation {
        app: remote_app.clone(),
        asked: Err(Reason::UnreadableRelation),
        own: Databag::new(),
        is_noted: noted.is_some(),
        certificates: BTreeMap::new(),
        across_models: None,
        is_ending: is_ending(context, relation),
        refused_share: None,
    };
    // A relation that the agent remembers and the model does not have any more:
    // nothing is known of it, and nothing may be concluded. Nor may anything be
    // where Juju has no answer.
    let Some((remote_app, bag, own)) = of_relation(bags(context, relation, remote_app, noted))?
    else {
        return Ok(read);
    };
    read.app = Some(remote_app.clone());
    read.own = own;
    let share = context.unit_state.shares.get(&relation.id);
    read.refused_share = share.filter(|share| share.was_refused(&read.own)).cloned();
    let asked = relation::read(&bag);
    let mut is_new = false;
    if let Ok(Some(asked)) = &asked {
        for entry in &asked.requests {
            let Ok(request) = &entry.outcome else {
                continue;
            };
            let key = request_key(relation.id, entry);
            let certificate = certificate(context, asked, &request.certificate, &read.own)?;
            let may_be_granted = !matches!(certificate, Certificate::Unreadable(_));
            is_new |= may_be_granted && !sharing::is_answered(&read, &key);
            read.certificates.insert(key, certificate);
        }
        if is_new && !read.own.contains_key(relation::ENCRYPTION_SECRET) {
            read.across_models = across_models(context, relation, &remote_app)?;
        }
    }
    read.asked = asked.map_err(Reason::Relation);
    Ok(read)
}

/// The application at the other end, its databag and our own.
fn bags(
    context: &Context,
    relation: Relation,
    remote_app: Option<AppName>,
    noted: Option<RelationNote>,
) -> Result<(AppName, Databag, Databag), ToolError> {
    let tools = &context.tools;
    if let Some(RelationNote {
        remote_app, own, ..
    }) = noted
    {
        let bag = tools.relation_get_app(relation, &remote_app)?;
        return Ok((remote_app, bag, own));
    }
    let remote_app = match remote_app {
        Some(name) => name,
        None => tools.remote_app(relation)?,
    };
    let bag = tools.relation_get_app(relation, &remote_app)?;
    Ok((remote_app, bag, own_databag(context, relation)?))
}

/// Whether this hook tells that a unit leaves this relation. With the last one the
/// relation ends, and Juju does not tell which is the last before it is gone.
fn is_ending(context: &Context, relation: Relation) -> bool {
    matches!(
        &context.hook.event,
        Event::Client { relation: left, departing: Some(_), .. } if *left == relation
    )
}

/// How the other side is related, if it is of another model and Juju says so.
fn across_models(
    context: &Context,
    relation: Relation,
    remote_app: &AppName,
) -> Result<Option<AcrossModels>, ToolError> {
    let model = of_relation(context.tools.relation_model_uuid(relation))?.flatten();
    let is_elsewhere = model.is_some_and(|model| model != context.hook.model);
    Ok(
        is_elsewhere.then(|| match remote_app.is_of_another_model() {
            true => AcrossModels::Offered,
            false => AcrossModels::Consumed,
        }),
    )
}

fn own_databag(context: &Context, relation: Relation) -> Result<Databag, ToolError> {
    let app = context.hook.unit.app();
    let bag = context.tools.relation_get_own_app(relation, app)?;
    Ok(bag.unwrap_or_default())
}

fn certificate(
    context: &Context,
    asked: &Asked,
    offered: &OfferedCertificate,
    own: &Databag,
) -> Result<Certificate, ObserveError> {
    Ok(match offered {
        OfferedCertificate::None => Certificate::Absent,
        OfferedCertificate::Secret(uri) => {
            // The latest revision, and from now on this one: certificates are
            // rotated in place, and only `secret-changed` tells.
            let read = of_relation(context.tools.secret_get(uri, context.latest()))?;
            match read.unwrap_or(Err(SecretUnavailable::NoAnswer)) {
                Ok(content) => match content.get(relation::CERTIFICATE) {
                    Some(text) => Certificate::Text(text.to_owned()),
                    None => Certificate::Unreadable(CertificateFault::NoKey),
                },
                Err(unavailable) => Certificate::Unreadable(CertificateFault::Secret(unavailable)),
            }
        }
        OfferedCertificate::Clear(text) => {
            // Version 0 would lose an answer that reaches it together with the
            // key, and will send the certificate anew under the key.
            let awaits_key =
                own.contains_key(relation::ENCRYPTION_SECRET) && !asked.encryption_secret_copied;
            if awaits_key {
                Certificate::Unreadable(CertificateFault::KeyNotTaken)
            } else {
                Certificate::Text(text.clone())
            }
        }
        OfferedCertificate::Encrypted(token) => match encryption_key(context, own)? {
            Some(key) => match fernet::decrypt(&key, token) {
                Ok(text) => Certificate::Text(text),
                Err(refusal) => Certificate::Unreadable(CertificateFault::Token(refusal)),
            },
            None => Certificate::Unreadable(CertificateFault::ForeignKey),
        },
    })
}

fn encryption_key(
    context: &Context,
    own: &Databag,
) -> Result<Option<Secret<String>>, ObserveError> {
    let uri = own.get(relation::ENCRYPTION_SECRET);
    let Some(uri) = uri.and_then(|uri| uri.parse::<SecretUri>().ok()) else {
        return Ok(None);
    };
    let content = of_relation(context.tools.secret_get(&uri, Revision::Peek))?;
    Ok(content
        .and_then(Result::ok)
        .and_then(|content| content.get(relation::ENCRYPTION_KEY).map(str::to_owned))
        .map(Secret::new))
}
