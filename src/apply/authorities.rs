//! The certificate authorities of the application, in the secret that holds them.

use super::peers::publish_to_peers;
use super::secrets::uri;
use super::{ApplyError, Missing};
use crate::context::Context;
use crate::facts::MemberName;
use crate::facts::authorities::Authorities;
use crate::juju::SecretOwner;
use crate::plan::authorities::rotation::RotationRequest;
use crate::plan::publish::Changes;
use crate::relation::authorities::{self as secret, AUTHORITIES_LABEL};
use crate::relation::fernet;
use crate::relation::peer::{ApplicationData, Generation};
use crate::tls::Authority;

/// How long the authorities are valid: ten years, since every certificate has
/// to be made anew when one of them is replaced.
const AUTHORITY_VALIDITY_SECONDS: i64 = 10 * 365 * 24 * 3600;

/// Makes the certificate authorities and says which unit bootstraps the cluster.
/// Nothing is done with them before this hook is committed and they exist.
pub(super) fn make_first_authorities(context: &Context) -> Result<Changes, ApplyError> {
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
pub(super) fn make_client_authority(
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
pub(super) fn store_authorities(
    context: &Context,
    authorities: &Authorities,
) -> Result<(), ApplyError> {
    let info = context.tools.secret_info(AUTHORITIES_LABEL)?;
    let info = info.ok_or(ApplyError::Missing(Missing::AuthoritiesSecret))?;
    let content = secret::content(authorities);
    context
        .tools
        .secret_set(&uri(context, &info.id), None, &content)?;
    Ok(())
}

/// Begins to replace an authority; hooks do the rest. Gives the new one.
///
/// # Errors
/// A hook tool failed, or there is no secret to write to.
pub fn rotate(
    context: &Context,
    authorities: &Authorities,
    request: RotationRequest,
) -> Result<Authority, ApplyError> {
    let next = next_authority(context, request.kind.called())?;
    announce(
        context,
        &request.begin(authorities, next.clone(), context.now),
    )?;
    Ok(next)
}

/// Makes the authority of these that takes the place of the present one, under another
/// name, for software that looks an authority up by its name alone.
fn next_authority(context: &Context, of: &str) -> Result<Authority, ApplyError> {
    let name = format!("{} {of} authority {}", context.hook.unit.app(), context.now);
    let next = Authority::create(&name, context.now, AUTHORITY_VALIDITY_SECONDS)?;
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
