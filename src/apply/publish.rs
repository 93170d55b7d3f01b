//! What others may read. All of it is buffered by Juju until the hook has
//! succeeded, so a hook that fails publishes nothing.

use std::collections::BTreeSet;

use tls_certificates::requests::KEY;

use super::ApplyError;
use super::answer::{answer, for_one, uri};
use super::sign::sign;
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::authorities::{AdminRotation, Authorities, ClientRotation, Rotation};
use crate::facts::{Condition, LedgerWrite, MemberName, Requirer, SecretId, SecretUri, Timestamp};
use crate::juju::SecretOwner;
use crate::log::chain;
use crate::plan::publish::{
    Changes, DepartedRequest, EndedIdentities, LegacyPublication, Publication, TransferPublication,
};
use crate::relation::authorities::{self as secret, AUTHORITIES_LABEL};
use crate::relation::fernet;
use crate::relation::peer::{ApplicationData, Generation};
use crate::tls::Authority;

/// How long the authorities are valid: ten years, since every certificate has
/// to be made anew when one of them is replaced.
const AUTHORITY_VALIDITY_SECONDS: i64 = 10 * 365 * 24 * 3600;

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
        founds,
        ledger,
        relations: _,
        obsolete_secrets,
        departed,
        legacy,
        ended,
        peer_app,
        peer_unit,
        authorities,
        makes_client_authority,
        signing,
        transfers,
        request,
        version,
    } = publication;
    let mut log = Vec::new();
    let mut ledger = ledger.clone();
    write(client, &mut ledger).await?;
    let mut peer_app = peer_app.clone();
    if *founds {
        peer_app.extend(found(context)?);
    }
    if *makes_client_authority {
        let known = known_authorities.ok_or(ApplyError::Missing("the authorities"))?;
        peer_app.extend(make_client_authority(context, known)?);
        log.push("made the authority of clients".to_owned());
    }
    for publication in signing {
        let signed = tolerate(&mut log, sign(context, known_authorities, publication))?;
        log.extend(signed);
    }
    let answered = answer(context, publication)?;
    ledger.extend(answered.ledger);
    log.extend(answered.log);
    // The databag and the labels may lead to the same secret, and Juju cannot
    // commit a hook that removes one twice.
    let mut removed = BTreeSet::new();
    for uri in obsolete_secrets {
        // A commit that failed half-way may have removed it and left the
        // databag that names it; to remove it again would fail every commit
        // from then on.
        tolerate(&mut log, remove_if_there(context, uri, &mut removed))?;
    }
    for DepartedRequest { key, labels } in departed {
        let is_clean = remove_labelled(context, labels, &mut removed);
        if tolerate(&mut log, is_clean)? == Some(true) {
            ledger.push(LedgerWrite::ForgetRecord(key.clone()));
        }
    }
    if let Some(authorities) = authorities {
        store_authorities(context, authorities)?;
        log.push("took a step in replacing an authority".to_owned());
    }
    for LegacyPublication { relation, changes } in legacy {
        let exposed = changes
            .iter()
            .map(|(key, value)| (key.clone(), Some(value.expose().clone())));
        let tools = &context.tools;
        let set = tools.relation_set_unit(*relation, &exposed.collect());
        if tolerate(&mut log, set.map_err(ApplyError::from))?.is_some() {
            log.push(format!("{relation}: answered"));
        }
    }
    for publication in transfers {
        let told = tell_authorities(context, publication);
        if tolerate(&mut log, told)?.is_some() {
            log.push(format!("{}: told whom to trust", publication.relation));
        }
    }
    if let Some((relation, text)) = request {
        let changes = [(KEY.to_owned(), Some(text.clone()))].into();
        let set = context.tools.relation_set_unit(*relation, &changes);
        if tolerate(&mut log, set.map_err(ApplyError::from))?.is_some() {
            log.push(format!("{relation}: asked for a certificate"));
        }
    }
    for EndedIdentities { label, names } in ended {
        let is_clean = remove_labelled(context, std::slice::from_ref(label), &mut removed);
        if tolerate(&mut log, is_clean)? == Some(true) {
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
    Ok(Published {
        log,
        failed: answered.failed,
    })
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
        let client = client.ok_or(ApplyError::Missing("a connection to etcd"))?;
        client.write_ledger(ledger).await?;
        ledger.clear();
    }
    Ok(())
}

/// Makes the certificate authorities and says which unit bootstraps the cluster.
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
                client: Some(create("client")?),
                rotation: None,
                admin_rotation: None,
                client_rotation: None,
            };
            tools.secret_add(
                AUTHORITIES_LABEL,
                "Certificate authorities of this etcd cluster",
                &secret::content(&authorities),
                SecretOwner::Application,
            )?
        }
    };
    let data = ApplicationData {
        authorities_secret: Some(secret.as_str().to_owned()),
        generation: Generation {
            token: Some(new_token()),
            initial_member: Some(MemberName::of(&context.hook.unit)),
            ..Generation::default()
        },
        ..ApplicationData::default()
    };
    Ok(data.changes(&ApplicationData::default()))
}

/// Makes the authority of clients and says that there is one; nobody does anything
/// with it before this hook is committed and it exists.
fn make_client_authority(
    context: &Context,
    authorities: &Authorities,
) -> Result<Changes, ApplyError> {
    let name = format!("{} client authority", context.hook.unit.app());
    let client = Authority::create(&name, context.now, AUTHORITY_VALIDITY_SECONDS)?;
    let authorities = Authorities {
        client: Some(client),
        ..authorities.clone()
    };
    store_authorities(context, &authorities)?;
    Ok(announced(&authorities))
}

/// Replaces the authorities of this application.
///
/// # Errors
/// A hook tool failed, or there is no secret to write to.
fn store_authorities(context: &Context, authorities: &Authorities) -> Result<(), ApplyError> {
    let info = context.tools.secret_info(AUTHORITIES_LABEL)?;
    let info = info.ok_or(ApplyError::Missing("the secret with the authorities"))?;
    let content = secret::content(authorities);
    context
        .tools
        .secret_set(&uri(context, &info.id), None, &content)?;
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
    announce(context, &authorities)?;
    Ok(next)
}

/// Begins to replace the authority of the administrators; what the present one
/// has signed is let in for so long once the new one signs. Gives the new one.
///
/// # Errors
/// As [`publish`].
pub fn rotate_admin_authority(
    context: &Context,
    authorities: &Authorities,
    grace_seconds: i64,
) -> Result<Authority, ApplyError> {
    let app = context.hook.unit.app();
    let name = format!("{app} admin authority {}", context.now);
    let next = Authority::create(&name, context.now, AUTHORITY_VALIDITY_SECONDS)?;
    let authorities = Authorities {
        admin_rotation: Some(AdminRotation::Next {
            authority: next.clone(),
            grace_seconds,
        }),
        ..authorities.clone()
    };
    announce(context, &authorities)?;
    Ok(next)
}

/// Begins to replace the authority of clients; what the present one has signed is
/// let in for so long at least once the new one signs. Gives the new one.
///
/// # Errors
/// As [`publish`].
pub fn rotate_client_authority(
    context: &Context,
    authorities: &Authorities,
    grace_seconds: i64,
) -> Result<Authority, ApplyError> {
    let app = context.hook.unit.app();
    let name = format!("{app} client authority {}", context.now);
    let next = Authority::create(&name, context.now, AUTHORITY_VALIDITY_SECONDS)?;
    let authorities = Authorities {
        client_rotation: Some(ClientRotation::Next {
            authority: next.clone(),
            grace_seconds,
        }),
        ..authorities.clone()
    };
    announce(context, &authorities)?;
    Ok(next)
}

/// Stores authorities, and makes every unit look at them.
fn announce(context: &Context, authorities: &Authorities) -> Result<(), ApplyError> {
    store_authorities(context, authorities)?;
    publish_to_peers(context, &announced(authorities), &Changes::new())
}

/// What makes every unit look at these authorities.
fn announced(authorities: &Authorities) -> Changes {
    let data = ApplicationData {
        authorities: Some(authorities.announcement()),
        ..ApplicationData::default()
    };
    data.changes(&ApplicationData::default())
}

/// A token for a new cluster: random, and different in every one; 32 of a key's
/// characters.
pub fn new_token() -> String {
    fernet::new_key().expose().chars().take(32).collect()
}

fn remove_if_there(
    context: &Context,
    uri: &SecretUri,
    removed: &mut BTreeSet<SecretId>,
) -> Result<(), ApplyError> {
    match context.tools.secret_exists(uri)? {
        true => remove_secret(context, uri, removed),
        false => Ok(()),
    }
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
    let relation = context
        .peer_relation()?
        .ok_or(ApplyError::Missing("the peer relation"))?;
    context.tools.relation_set_app(relation, app)?;
    context.tools.relation_set_unit(relation, unit)?;
    Ok(())
}
