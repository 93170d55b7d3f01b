//! The relations of the legacy interfaces, and what they were given.

use super::one_relation::{is_over, living};
use super::{Application, ObserveError};
use crate::context::Context;
use crate::facts::observed::{Clients, HeldIdentity, LegacyRelation, Pass, Scope};
use crate::facts::{IssuedRecord, Ledger, LegacyInterface, Relation, Secret};
use crate::hook::Event;
use crate::relation;
use crate::tls::OwnCertificate;

/// Adds the relations of the legacy interfaces that this hook is about: one for
/// an event on one relation, all in a full pass. Other than with clients, every
/// unit looks, since every unit answers in a databag of its own.
///
/// # Errors
/// A hook tool failed.
pub fn legacy(
    context: &Context,
    application: &Application,
    ledger: &Ledger,
    clients: &mut Clients,
) -> Result<(), ObserveError> {
    if application.pass == Pass::Full {
        for interface in LegacyInterface::ALL {
            for relation in living(context, interface.endpoint(), ledger)? {
                let read = legacy_relation(context, interface, relation, ledger)?;
                clients.legacy.insert(relation.id, read);
            }
        }
        return Ok(());
    }
    let Event::Legacy {
        interface,
        relation,
        ..
    } = &context.hook.event
    else {
        return Ok(());
    };
    if application.leader {
        clients.scope = Scope::Only([*relation].into());
    }
    if !is_over(context, ledger) {
        let endpoint = interface.endpoint();
        let id = *relation;
        let read = legacy_relation(context, *interface, Relation { endpoint, id }, ledger)?;
        clients.legacy.insert(id, read);
    }
    Ok(())
}

fn legacy_relation(
    context: &Context,
    interface: LegacyInterface,
    relation: Relation,
    ledger: &Ledger,
) -> Result<LegacyRelation, ObserveError> {
    let mut read = LegacyRelation {
        interface,
        own: None,
        held: None,
    };
    let bag = match context
        .tools
        .relation_get_unit(relation, &context.hook.unit)
    {
        Ok(bag) => relation::legacy::read_unit(bag),
        // A relation that the agent remembers and the model does not have any
        // more, or that Juju has no answer for: nothing is known of it, and nothing
        // may be concluded.
        Err(error) if error.is_of_the_call() => return Ok(read),
        Err(error) => return Err(error.into()),
    };
    let published = relation::legacy::published_identity(&bag)
        .and_then(|(certificate, key)| held(certificate, key.clone()));
    read.held = match ledger.identities_of(relation.id).last() {
        // The secret is read only where it may say something else. A revision that was
        // replaced is not tracked any longer, so that Juju does not keep its key.
        Some((_, newest)) if !is(published.as_ref(), newest) => {
            let label = relation::legacy::identity_label(interface, relation.id);
            let content = match context.tools.secret_get_by_label(&label, context.latest()) {
                Ok(content) => content.ok(),
                Err(error) if error.is_of_the_call() => return Ok(read),
                Err(error) => return Err(error.into()),
            };
            let stored = content.and_then(|content| {
                let key = Secret::new(content.get("client-key")?.to_owned());
                held(content.get("client-cert")?, key)
            });
            stored.or(published)
        }
        _ => published,
    };
    read.own = Some(bag);
    Ok(read)
}

fn is(held: Option<&HeldIdentity>, record: &IssuedRecord) -> bool {
    held.is_some_and(|held| Some(&held.fingerprint) == record.fingerprint.as_ref())
}

/// What cannot be read is nothing that anybody was given.
fn held(certificate: &str, key: Secret<String>) -> Option<HeldIdentity> {
    Some(HeldIdentity {
        fingerprint: OwnCertificate::read(certificate).ok()?.fingerprint,
        certificate: certificate.to_owned(),
        key,
    })
}
