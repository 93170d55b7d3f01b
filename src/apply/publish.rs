//! What others may read. All of it is buffered by Juju until the hook has
//! succeeded, so a hook that fails publishes nothing.

use std::collections::BTreeSet;

use tls_certificates::requests::KEY;

use super::answer::{answer, for_one};
use super::authorities::{make_client_authority, make_first_authorities, store_authorities};
use super::peers::publish_to_peers;
use super::secrets::{remove_if_there, remove_labelled};
use super::sign::sign;
use super::{ApplyError, Missing};
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::authorities::Authorities;
use crate::facts::{Condition, LedgerWrite, Requirer, SecretId};
use crate::log::chain;
use crate::plan::publish::{
    Changes, DepartedRequest, EndedIdentities, LegacyPublication, Publication, TransferPublication,
};

/// What was published.
#[derive(Debug)]
pub struct Published {
    /// In words for the log.
    pub log: Vec<String>,
    /// The requests that Juju did not let us answer, and why.
    pub failed: Vec<(Requirer, Condition)>,
}

/// Publishes. `client` is there whenever something is to be noted in the
/// ledger, and `known_authorities` are there whenever the publication needs them,
/// see [`Publication::needs_authorities`].
///
/// # Errors
/// See [`ApplyError`]; Juju then drops all of it, and the hook is run again.
pub async fn publish(
    context: &mut Context,
    client: Option<&Client>,
    known_authorities: Option<&Authorities>,
    publication: &Publication,
) -> Result<Published, ApplyError> {
    // Destructured whole, so that a field that is added cannot be forgotten.
    let Publication {
        // Of `make_authorities`.
        makes_authorities: _,
        makes_client_authority: _,
        ledger,
        // Of `answer`.
        relations: _,
        // Of `remove_secrets`.
        obsolete_secrets: _,
        departed: _,
        ended: _,
        // Of `tell_relations`.
        legacy: _,
        transfers: _,
        request: _,
        peer_app,
        peer_unit,
        authorities,
        signing,
        version,
    } = publication;
    let mut log = Vec::new();
    let mut ledger = ledger.clone();
    write(client, &mut ledger).await?;
    let mut peer_app = peer_app.clone();
    peer_app.extend(make_authorities(
        context,
        known_authorities,
        publication,
        &mut log,
    )?);
    for publication in signing {
        let signed = tolerate(&mut log, sign(context, known_authorities, publication))?;
        log.extend(signed);
    }
    let failed = answer_all(context, publication, &mut log, &mut ledger)?;
    if let Some(authorities) = authorities {
        store_authorities(context, authorities)?;
        log.push("took a step in replacing an authority".to_owned());
    }
    tell_relations(context, publication, &mut log)?;
    if !peer_app.is_empty() || !peer_unit.is_empty() {
        publish_to_peers(context, &peer_app, peer_unit)?;
    }
    if let Some(version) = version {
        context.tools.application_version_set(version)?;
    }
    write(client, &mut ledger).await?;
    Ok(Published { log, failed })
}

/// Answers the relations and removes the secrets that nobody needs any more. The requests
/// that could not be answered, and why.
fn answer_all(
    context: &mut Context,
    publication: &Publication,
    log: &mut Vec<String>,
    ledger: &mut Vec<LedgerWrite>,
) -> Result<Vec<(Requirer, Condition)>, ApplyError> {
    // The databag and the labels may lead to the same secret, and Juju cannot
    // commit a hook that removes one twice.
    let mut removed = BTreeSet::new();
    let answered = answer(context, publication, &mut removed)?;
    ledger.extend(answered.ledger);
    log.extend(answered.log);
    remove_secrets(context, publication, &mut removed, log, ledger)?;
    Ok(answered.failed)
}

/// Makes authorities that there are none of yet. What all units are told of them.
fn make_authorities(
    context: &Context,
    known_authorities: Option<&Authorities>,
    publication: &Publication,
    log: &mut Vec<String>,
) -> Result<Changes, ApplyError> {
    let mut told = Changes::new();
    if publication.makes_authorities {
        told.extend(make_first_authorities(context)?);
    }
    if publication.makes_client_authority {
        let known = known_authorities.ok_or(ApplyError::Missing(Missing::Authorities))?;
        told.extend(make_client_authority(context, known)?);
        log.push("made the authority of clients".to_owned());
    }
    Ok(told)
}

/// Removes the secrets that nobody needs any more. A record is forgotten once none is
/// left of it.
fn remove_secrets(
    context: &Context,
    publication: &Publication,
    removed: &mut BTreeSet<SecretId>,
    log: &mut Vec<String>,
    ledger: &mut Vec<LedgerWrite>,
) -> Result<(), ApplyError> {
    for uri in &publication.obsolete_secrets {
        tolerate(log, remove_if_there(context, uri, removed))?;
    }
    for DepartedRequest { key, labels } in &publication.departed {
        let is_clean = remove_labelled(context, labels, removed);
        if tolerate(log, is_clean)? == Some(true) {
            ledger.push(LedgerWrite::ForgetRecord(key.clone()));
        }
    }
    for EndedIdentities { label, names } in &publication.ended {
        let is_clean = remove_labelled(context, std::slice::from_ref(label), removed);
        if tolerate(log, is_clean)? == Some(true) {
            ledger.extend(names.iter().cloned().map(LedgerWrite::ForgetIssued));
        }
    }
    Ok(())
}

/// Tells relations what has no secret of its own in it: those of the legacy interfaces,
/// those who want to know whom to trust, and whoever signs for members.
fn tell_relations(
    context: &Context,
    publication: &Publication,
    log: &mut Vec<String>,
) -> Result<(), ApplyError> {
    let tools = &context.tools;
    for LegacyPublication { relation, changes } in &publication.legacy {
        let exposed = changes
            .iter()
            .map(|(key, value)| (key.clone(), Some(value.expose().clone())));
        let set = tools.relation_set_unit(*relation, &exposed.collect());
        if tolerate(log, set.map_err(ApplyError::from))?.is_some() {
            log.push(format!("{relation}: answered"));
        }
    }
    for publication in &publication.transfers {
        let told = tell_authorities(context, publication);
        if tolerate(log, told)?.is_some() {
            log.push(format!("{}: told whom to trust", publication.relation));
        }
    }
    if let Some((relation, text)) = &publication.request {
        let changes = [(KEY.to_owned(), Some(text.clone()))].into();
        let set = tools.relation_set_unit(*relation, &changes);
        if tolerate(log, set.map_err(ApplyError::from))?.is_some() {
            log.push(format!("{relation}: asked for a certificate"));
        }
    }
    Ok(())
}

fn tell_authorities(context: &Context, told: &TransferPublication) -> Result<(), ApplyError> {
    let tools = &context.tools;
    tools.relation_set_app(told.relation, &told.app)?;
    Ok(tools.relation_set_unit(told.relation, &told.unit)?)
}

/// What is done for one relation, or `None` where Juju refused it: that is left to
/// a later pass, and the others do not suffer for it.
fn tolerate<T>(
    log: &mut Vec<String>,
    outcome: Result<T, ApplyError>,
) -> Result<Option<T>, ApplyError> {
    match outcome {
        Ok(done) => Ok(Some(done)),
        Err(error) => {
            log.push(chain(&for_one(error)?));
            Ok(None)
        }
    }
}

async fn write(client: Option<&Client>, ledger: &mut Vec<LedgerWrite>) -> Result<(), ApplyError> {
    if !ledger.is_empty() {
        let client = client.ok_or(ApplyError::Missing(Missing::Connection))?;
        client.write_ledger(ledger).await?;
        ledger.clear();
    }
    Ok(())
}
