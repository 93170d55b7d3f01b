//! Secrets of ours: how they are named, and how they go.

use std::collections::BTreeSet;

use super::ApplyError;
use crate::context::Context;
use crate::facts::{SecretId, SecretUri};

/// The whole URI of a secret of ours that was found by its label, of which Juju
/// tells only the id. In another model a URI without ours would name a secret
/// there, so every one that is published has it.
pub(super) fn uri(context: &Context, id: &SecretId) -> SecretUri {
    let text = format!("secret://{}/{id}", context.hook.model);
    text.parse().expect("a model and a secret's id make a URI")
}

/// Removes a secret of ours unless it is gone already: a commit that failed half-way
/// may have removed it and left the databag that names it, and to remove it again would
/// fail every commit from then on.
///
/// # Errors
/// Juju refuses it.
pub(super) fn remove_if_there(
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
    if removed.contains(uri.id()) {
        return Ok(());
    }
    match context.tools.secret_remove(uri, None) {
        Err(error) if error.is_not_found() => {}
        outcome => outcome?,
    }
    removed.insert(uri.id().clone());
    Ok(())
}

/// Removes the secrets with these labels. `true` once none is left that a
/// commit could have kept.
pub(super) fn remove_labelled(
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
