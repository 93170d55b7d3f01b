//! What clients ask for, and the certificates that they point to.

use std::collections::{BTreeMap, BTreeSet};

use super::{Application, ObserveError};
use crate::context::Context;
use crate::hook::Event;
use crate::juju::{Revision, ToolError};
use crate::model::{AppName, Databag, Ledger, Relation, RelationId, Secret, SecretUri};
use crate::plan::observed::{Certificate, ClientRelation, Clients, Pass, Scope, request_key};
use crate::relation::{self, Asked, ETCD_CLIENT, OfferedCertificate, fernet};

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
    let mut clients = Clients::default();
    if !application.leader {
        return Ok(clients);
    }
    if application.pass == Pass::Full {
        clients.scope = Scope::All;
        clients.widened = true;
        for relation in context.tools.relation_ids(ETCD_CLIENT)? {
            let read = client_relation(context, relation, None)?;
            clients.relations.insert(relation.id, read);
        }
        return Ok(clients);
    }
    match &context.hook.event {
        Event::Client {
            relation,
            broken: true,
            ..
        } => {
            clients.scope = Scope::Only([relation.id].into());
            let own = own_databag(context, *relation)?;
            clients.broken.insert(relation.id, own);
        }
        Event::Client {
            relation,
            remote_app,
            ..
        } => {
            clients.scope = Scope::Only([relation.id].into());
            let read = client_relation(context, *relation, remote_app.clone())?;
            clients.relations.insert(relation.id, read);
        }
        Event::SecretChanged(secret) => {
            // A secret that no request points to is another's, or our own.
            if let Some(key) = ledger.request_of_secret(secret) {
                let relation = Relation {
                    endpoint: ETCD_CLIENT,
                    id: key.relation,
                };
                clients.scope = Scope::Only([relation.id].into());
                let read = client_relation(context, relation, None)?;
                clients.relations.insert(relation.id, read);
            }
        }
        _ => {}
    }
    Ok(clients)
}

/// Looks, before a restart, for requests on relations that nothing is on
/// record of yet: they would want the next restart. So what this costs grows
/// with the requests that wait, not with the relations that are served.
///
/// # Errors
/// A hook tool failed.
pub fn widen(
    context: &Context,
    clients: &mut Clients,
    ledger: &Ledger,
) -> Result<(), ObserveError> {
    clients.widened = true;
    let on_record: BTreeSet<RelationId> = ledger.clients.keys().map(|key| key.relation).collect();
    let Scope::Only(scope) = &mut clients.scope else {
        return Ok(());
    };
    for relation in context.tools.relation_ids(ETCD_CLIENT)? {
        let is_known = on_record.contains(&relation.id) || scope.contains(&relation.id);
        if is_known {
            continue;
        }
        scope.insert(relation.id);
        let read = client_relation(context, relation, None)?;
        clients.relations.insert(relation.id, read);
    }
    Ok(())
}

fn client_relation(
    context: &Context,
    relation: Relation,
    remote_app: Option<AppName>,
) -> Result<ClientRelation, ObserveError> {
    let tools = &context.tools;
    let remote_app = match remote_app {
        Some(name) => Ok(name),
        None => tools.remote_app(relation),
    };
    let read = remote_app.and_then(|name| {
        let bag = tools.relation_get_app(relation, &name)?;
        Ok((name, bag))
    });
    let (app, bag) = match read {
        Ok((app, bag)) => (Some(app), bag),
        // A relation that the agent remembers and the model does not have any
        // more: nothing is known of it, and nothing may be concluded.
        Err(error) if error.is_denied() || error.is_not_found() => {
            return Ok(ClientRelation {
                app: None,
                asked: Err("the relation cannot be read".to_owned()),
                own: Databag::new(),
                certificates: BTreeMap::new(),
                cross_model: false,
            });
        }
        Err(error) => return Err(error.into()),
    };
    let asked = relation::read(&bag).map_err(|refusal| refusal.to_string());
    let mut read = ClientRelation {
        app,
        own: own_databag(context, relation)?,
        certificates: BTreeMap::new(),
        cross_model: false,
        asked: Ok(None),
    };
    if let Ok(Some(asked)) = &asked {
        for entry in &asked.requests {
            if let Ok(request) = &entry.outcome {
                let certificate = certificate(context, asked, &request.certificate, &read.own)?;
                read.certificates
                    .insert(request_key(relation.id, entry), certificate);
            }
        }
        let is_incomplete = read
            .certificates
            .values()
            .any(|certificate| *certificate == Certificate::Absent);
        if is_incomplete && !read.own.contains_key(relation::ENCRYPTION_SECRET) {
            let model = tools.relation_model_uuid(relation)?;
            read.cross_model = model.is_some_and(|model| model != context.hook.model);
        }
    }
    read.asked = asked;
    Ok(read)
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
            match context.tools.secret_get(uri, context.latest())? {
                Ok(content) => match content.get(relation::CERTIFICATE) {
                    Some(text) => Certificate::Text(text.to_owned()),
                    None => Certificate::Unreadable(format!(
                        "its secret has no key `{}`",
                        relation::CERTIFICATE
                    )),
                },
                Err(unavailable) => Certificate::Unreadable(unavailable.to_string()),
            }
        }
        OfferedCertificate::Clear(text) => {
            // Version 0 would lose an answer that reaches it together with the
            // key, and will send the certificate anew under the key.
            let awaits_key =
                own.contains_key(relation::ENCRYPTION_SECRET) && !asked.encryption_secret_copied;
            if awaits_key {
                Certificate::Unreadable("it has not taken the encryption key yet".to_owned())
            } else {
                Certificate::Text(text.clone())
            }
        }
        OfferedCertificate::Encrypted(token) => match encryption_key(context, own)? {
            Some(key) => match fernet::decrypt(&key, token) {
                Ok(text) => Certificate::Text(text),
                Err(refusal) => Certificate::Unreadable(refusal.to_string()),
            },
            None => Certificate::Unreadable("its encryption key is not ours".to_owned()),
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
    let content = context.tools.secret_get(&uri, Revision::Peek)?;
    Ok(content
        .ok()
        .and_then(|content| content.get("encryption-key").map(str::to_owned))
        .map(Secret::new))
}
