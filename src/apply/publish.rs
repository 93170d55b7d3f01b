//! What others may read. All of it is buffered by Juju until the hook has
//! succeeded, so a hook that fails publishes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::ApplyError;
use crate::context::Context;
use crate::etcd::Client;
use crate::juju::{Revision, SecretContent, SecretOwner};
use crate::model::{
    ClientRecord, LedgerWrite, MemberName, Relation, RequestKey, SecretId, SecretUri, Timestamp,
};
use crate::observe::{self, AUTHORITIES_LABEL};
use crate::plan::authorities::{Authorities, Rotation};
use crate::plan::publish::{
    Changes, Departure, EndedIdentities, OlderPublication, PlannedAnswer, PlannedSecret,
    Publication, RelationPublication,
};
use crate::relation::{self, ETCD_CLIENT, SecretGroup, fernet};
use crate::tls::Authority;

/// How long the authorities are valid: ten years, since every certificate has
/// to be made anew when one of them is replaced.
const AUTHORITY_VALIDITY_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// Publishes. `client` is there whenever something is to be noted in the
/// ledger. Returns what was published, in words for the log.
///
/// # Errors
/// See [`ApplyError`]; Juju then drops all of it, and the hook is run again.
pub async fn publish(
    context: &mut Context,
    client: Option<&Client>,
    publication: &Publication,
) -> Result<Vec<String>, ApplyError> {
    // Destructured whole, so that a field that is added cannot be forgotten.
    let Publication {
        founds,
        ledger,
        relations,
        obsolete_secrets,
        departed,
        older,
        ended,
        peer_app,
        peer_unit,
        authorities,
        version,
    } = publication;
    let mut log = Vec::new();
    let mut ledger = ledger.clone();
    write(client, &mut ledger).await?;
    let mut peer_app = peer_app.clone();
    if *founds {
        peer_app.extend(found(context)?);
    }
    for publication in relations {
        let verified = publish_relation(context, publication, &mut log)?;
        ledger.extend(verified);
    }
    // The databag and the labels may lead to the same secret, and Juju cannot
    // commit a hook that removes one twice.
    let mut removed = BTreeSet::new();
    for uri in obsolete_secrets {
        // A commit that failed half-way may have removed it and left the
        // databag that names it; to remove it again would fail every commit
        // from then on.
        if context.tools.secret_exists(uri)? {
            remove_secret(context, uri, &mut removed)?;
        }
    }
    for Departure { key, labels } in departed {
        if remove_labelled(context, labels, &mut removed)? {
            ledger.push(LedgerWrite::ForgetRecord(key.clone()));
        }
    }
    if let Some(authorities) = authorities {
        store_authorities(context, authorities)?;
        log.push("took a step in replacing the servers' authority".to_owned());
    }
    for OlderPublication { relation, changes } in older {
        let exposed = changes
            .iter()
            .map(|(key, value)| (key.clone(), Some(value.expose().clone())));
        let tools = &context.tools;
        tools.relation_set_unit(*relation, &exposed.collect())?;
        log.push(format!("{relation}: answered"));
    }
    for EndedIdentities { label, names } in ended {
        if remove_labelled(context, std::slice::from_ref(label), &mut removed)? {
            ledger.extend(names.iter().cloned().map(LedgerWrite::ForgetIssued));
        }
    }
    if !peer_app.is_empty() || !peer_unit.is_empty() {
        publish_to_peers(context, &peer_app, peer_unit)?;
    }
    if let Some(version) = version {
        context.tools.application_version_set(version)?;
    }
    write(client, &mut ledger).await?;
    Ok(log)
}

async fn write(client: Option<&Client>, ledger: &mut Vec<LedgerWrite>) -> Result<(), ApplyError> {
    if !ledger.is_empty() {
        let client = client.ok_or(ApplyError::Missing("a connection to etcd"))?;
        client.write_ledger(ledger).await?;
        ledger.clear();
    }
    Ok(())
}

/// Makes the certificate authorities and says which unit founds the cluster.
/// Nothing is done with them before this hook is committed and they exist.
fn found(context: &Context) -> Result<Changes, ApplyError> {
    let tools = &context.tools;
    let secret = match tools.secret_info(AUTHORITIES_LABEL)? {
        // A commit that failed half-way may have kept the secret alone.
        Some(info) => uri(context, &info.id),
        None => {
            let app = context.hook.unit.app();
            let create = |name: &str| {
                let name = format!("{app} {name} authority");
                Authority::create(&name, context.now, AUTHORITY_VALIDITY_SECONDS)
            };
            let authorities = Authorities {
                server: create("server")?,
                admin: create("admin")?,
                rotation: None,
            };
            tools.secret_add(
                AUTHORITIES_LABEL,
                "Certificate authorities of this etcd cluster",
                &observe::authorities_content(&authorities),
                SecretOwner::Application,
            )?
        }
    };
    let token = new_token();
    let member = MemberName::of(&context.hook.unit);
    let changes = [
        ("pki", secret.as_str()),
        ("seed", member.as_str()),
        ("token", token.as_str()),
    ];
    Ok(changes
        .map(|(key, value)| (key.to_owned(), Some(value.to_owned())))
        .into())
}

/// Replaces the authorities of this application.
///
/// # Errors
/// A hook tool failed, or there is no secret to write to.
fn store_authorities(context: &Context, authorities: &Authorities) -> Result<(), ApplyError> {
    let info = context.tools.secret_info(AUTHORITIES_LABEL)?;
    let info = info.ok_or(ApplyError::Missing("the secret with the authorities"))?;
    let content = observe::authorities_content(authorities);
    context
        .tools
        .secret_set(&uri(context, &info.id), &content)?;
    Ok(())
}

/// Begins to replace the authority of the servers; `from` is when the new one
/// may begin to sign. Gives the new one.
///
/// # Errors
/// As [`publish`].
pub fn rotate_server_authority(
    context: &Context,
    authorities: &Authorities,
    from: Timestamp,
) -> Result<Authority, ApplyError> {
    // Another name than that of the one before, for software that looks an
    // authority up by its name alone.
    let name = format!(
        "{} server authority {}",
        context.hook.unit.app(),
        context.now
    );
    let next = Authority::create(&name, context.now, AUTHORITY_VALIDITY_SECONDS)?;
    let authorities = Authorities {
        rotation: Some(Rotation::Next {
            authority: next.clone(),
            from,
        }),
        ..authorities.clone()
    };
    store_authorities(context, &authorities)?;
    let (key, told) = authorities.announcement();
    let changes = [(key, Some(told))].into();
    publish_to_peers(context, &changes, &Changes::new())?;
    Ok(next)
}

/// A token for a new cluster: random, and different in every one; 32 of a key's
/// characters.
pub fn new_token() -> String {
    fernet::new_key().expose().chars().take(32).collect()
}

fn publish_relation(
    context: &Context,
    publication: &RelationPublication,
    log: &mut Vec<String>,
) -> Result<Vec<LedgerWrite>, ApplyError> {
    let relation = Relation {
        endpoint: ETCD_CLIENT,
        id: publication.relation,
    };
    let mut made = BTreeMap::new();
    let mut verified = Vec::new();
    for answer in &publication.answers {
        if answer.is_verified() {
            continue;
        }
        let user = ensure_secret(context, relation, &answer.user, &mut made)?;
        let tls = ensure_secret(context, relation, &answer.tls, &mut made)?;
        if user == Ensured::Stood && tls == Ensured::Stood {
            verified.push(verified_record(answer));
        }
    }
    let mut changes = publication.changes(&made);
    if publication.makes_encryption_key {
        let uri = encryption_key(context, relation)?;
        changes.insert(
            relation::ENCRYPTION_SECRET.to_owned(),
            Some(uri.as_str().to_owned()),
        );
    }
    if !changes.is_empty() {
        context.tools.relation_set_app(relation, &changes)?;
        log.push(match publication.answers.len() {
            0 => format!("{relation}: no answer any more"),
            _ => format!("{relation}: answered"),
        });
    }
    Ok(verified)
}

fn verified_record(answer: &PlannedAnswer) -> LedgerWrite {
    let record = ClientRecord {
        answer: Some(answer.digest.clone()),
        ..answer.record.clone()
    };
    LedgerWrite::Record(answer.key.clone(), record)
}

/// What was done to make a secret as it should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Ensured {
    /// Nothing: a committed revision holds just this.
    Stood,
    /// It was written; whether that is committed, only a later hook can see.
    Written,
}

/// Makes a secret of ours as planned: found by its published URI or by its
/// label, else made and granted.
fn ensure_secret(
    context: &Context,
    relation: Relation,
    secret: &PlannedSecret,
    made: &mut BTreeMap<String, SecretUri>,
) -> Result<Ensured, ApplyError> {
    let tools = &context.tools;
    let content: SecretContent = secret.content.clone().into();
    let found = match &secret.uri {
        Some(uri) => Some(uri.clone()),
        None if secret.may_exist => tools
            .secret_info(&secret.label)?
            .map(|info| uri(context, &info.id)),
        None => None,
    };
    // One that was removed behind our back is replaced by a new one.
    if let Some(uri) = found
        && let Ok(current) = tools.secret_get(&uri, Revision::Peek)?
    {
        made.insert(secret.label.clone(), uri.clone());
        if current == content && secret.uri.is_some() {
            return Ok(Ensured::Stood);
        }
        if current != content {
            tools.secret_set(&uri, &content)?;
        }
        // What was never published may never have been granted.
        if secret.uri.is_none() {
            tools.secret_grant(&uri, relation)?;
        }
        return Ok(Ensured::Written);
    }
    let description = format!("Access to etcd over {relation}");
    let uri = tools.secret_add(
        &secret.label,
        &description,
        &content,
        SecretOwner::Application,
    )?;
    tools.secret_grant(&uri, relation)?;
    made.insert(secret.label.clone(), uri);
    Ok(Ensured::Written)
}

fn encryption_key(context: &Context, relation: Relation) -> Result<SecretUri, ApplyError> {
    let key = RequestKey {
        relation: relation.id,
        request: None,
    };
    let secret = PlannedSecret {
        label: relation::secret_label(ETCD_CLIENT, &key, SecretGroup::Encryption),
        content: relation::encryption_secret(&fernet::new_key()),
        uri: None,
        may_exist: true,
    };
    let mut made = BTreeMap::new();
    let label = secret.label.clone();
    ensure_secret(context, relation, &secret, &mut made)?;
    made.remove(&label)
        .ok_or(ApplyError::Missing("the encryption key"))
}

/// Removes a secret of ours unless this hook has done so; that it is gone
/// already is success.
fn remove_secret(
    context: &Context,
    uri: &SecretUri,
    removed: &mut BTreeSet<SecretId>,
) -> Result<(), ApplyError> {
    if !removed.insert(uri.id().clone()) {
        return Ok(());
    }
    match context.tools.secret_remove(uri, None) {
        Err(error) if error.is_not_found() => Ok(()),
        removed => Ok(removed?),
    }
}

/// Removes the secrets with these labels. `true` once none is left that a
/// commit could have kept.
fn remove_labelled(
    context: &Context,
    labels: &[String],
    removed: &mut BTreeSet<SecretId>,
) -> Result<bool, ApplyError> {
    let mut is_clean = true;
    for label in labels {
        if let Some(info) = context.tools.secret_info(label)? {
            is_clean = false;
            remove_secret(context, &uri(context, &info.id), removed)?;
        }
    }
    Ok(is_clean)
}

fn publish_to_peers(context: &Context, app: &Changes, unit: &Changes) -> Result<(), ApplyError> {
    let relation = observe::peer_relation(context)
        .map_err(|_| ApplyError::Missing("the peer relation"))?
        .ok_or(ApplyError::Missing("the peer relation"))?;
    context.tools.relation_set_app(relation, app)?;
    context.tools.relation_set_unit(relation, unit)?;
    Ok(())
}

/// The whole URI of a secret of ours that was found by its label, of which Juju
/// tells only the id. In another model a URI without ours would name a secret
/// there, so every one that is published has it.
pub(super) fn uri(context: &Context, id: &SecretId) -> SecretUri {
    let text = format!("secret://{}/{id}", context.hook.model);
    text.parse().expect("a model and a secret's id make a URI")
}
