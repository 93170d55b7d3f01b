//! `restore`: the cluster becomes what a snapshot says. See
//! [`crate::apply::recreate`] for how the old cluster ends and the new one
//! begins.

use std::path::{Path, PathBuf};

use super::parameters::{Parameters, wrong};
use super::recreation::{Preflight, refused};
use super::{ActionError, snapshot};
use crate::apply::{self, Prepared};
use crate::context::Context;
use crate::etcd::Client;
use crate::facts::{Bootstrap, Cause};
use crate::juju::ActionResults;
use crate::observe;
use crate::plan::recreate;
use crate::plan::refusal::{ParameterFault, RecreationRefusal};

/// What an operator asks for.
struct Request {
    /// The file, as it was named.
    snapshot: String,
    /// That what there is now is not saved.
    skip_backup: bool,
    /// Where it is saved otherwise.
    target: PathBuf,
}

/// Restores a snapshot.
///
/// # Errors
/// See [`ActionError`]; until the snapshot has proved itself in a restore check,
/// nothing was changed.
pub(crate) async fn restore(
    context: &mut Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let request = request(context)?;
    let preflight = Preflight::check(context).await?;
    let file = checked(context, Path::new(&request.snapshot))?;
    let client = match observe::own_voter(context).await {
        Ok(client) => Some(client),
        Err(fault) => {
            let peers = preflight.application.peers.read();
            let is_served = observe::is_served(context, peers).await;
            let skip_backup = request.skip_backup;
            recreate::without_own_member(fault, is_served, skip_backup).map_err(refused)?;
            None
        }
    };
    let lock = match &client {
        Some(client) => {
            let taken = apply::recovery_lock(context, client).await?;
            Some(taken.ok_or_else(|| refused(RecreationRefusal::Locked))?)
        }
        None => None,
    };
    let bootstrap = preflight.bootstrap(context);
    let mut tried = attempt(
        context,
        &preflight,
        &file,
        &bootstrap,
        client.as_ref(),
        results,
    )
    .await;
    if let (true, Some(client), false) = (tried.is_ok(), &client, request.skip_backup) {
        let saved = save(context, client, &request.target, results).await;
        tried = saved.and(tried);
    }
    if let (Err(_), Some(client), Some(lock)) = (&tried, &client, lock) {
        apply::give_recovery_back(client, lock).await;
    }
    let prepared = tried?;
    let removes_members = client.is_some();
    // etcd waits for its clients before it stops.
    drop(client);
    preflight
        .put_in_place(context, bootstrap, removes_members, &prepared, results)
        .await?;
    results.set(&["restored", "path"], request.snapshot);
    Ok(())
}

fn request(context: &Context) -> Result<Request, ActionError> {
    let mut parameters = Parameters::read(context)?;
    let Some(snapshot) = parameters.text("snapshot")? else {
        return Err(wrong("snapshot", ParameterFault::NoFile));
    };
    let request = Request {
        snapshot,
        skip_backup: parameters.flag("skip-backup")?,
        target: snapshot::directory(&mut parameters, context)?,
    };
    parameters.finish()?;
    Ok(request)
}

async fn attempt(
    context: &Context,
    preflight: &Preflight,
    file: &Path,
    bootstrap: &Bootstrap,
    client: Option<&Client>,
    results: &mut ActionResults,
) -> Result<Prepared, ActionError> {
    context.tools.action_log("trying the snapshot out")?;
    let before = match client {
        Some(client) => Some(observe::ledger_now(client).await?),
        None => None,
    };
    let prepared = preflight
        .prepare(context, file, bootstrap, before.as_ref())
        .await?;
    let kept = prepared.cleaned.kept.iter();
    let kept: Vec<_> = kept.map(|name| name.as_str()).collect();
    match client {
        Some(_) if kept.is_empty() => {}
        Some(_) => results.set(&["restored", "kept-names"], kept.join(",")),
        None => results.set(
            &["restored", "unknown-names"],
            "no member could tell what was issued since the snapshot: revoke the names of \
             credentials that it does not know, by revoke-client-certificates with reserve=true, \
             and run rotate-client-ca, which ends certificates of applications that are gone",
        ),
    }
    results.set(&["restored", "revision"], prepared.revision.to_string());
    Ok(prepared)
}

/// Saves what there is, so that there is a way back.
async fn save(
    context: &Context,
    client: &Client,
    target: &Path,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    context.tools.action_log("saving what is there now")?;
    let path = target.join(snapshot::file_name("before-restore", context.now));
    let backup = apply::snapshot(context, client, &context.paths.named(&path))
        .await
        .map_err(|error| snapshot::unusable(&path, error))?;
    // What the older charm called it.
    results.set(&["backup", "sha256sum"], backup.sha256.clone());
    snapshot::tell(context, results, "backup", &path, &backup)
}

/// The file that an operator named, if it is a whole snapshot.
fn checked(context: &Context, path: &Path) -> Result<PathBuf, ActionError> {
    if !path.is_absolute() {
        return Err(wrong("snapshot", ParameterFault::NotAbsolute));
    }
    let fault = match observe::snapshot_file(context, path) {
        Ok(Some(file)) => return Ok(file),
        Ok(None) => ParameterFault::NotAFile(context.hook.unit.clone()),
        Err(error) => ParameterFault::NotASnapshot(Cause::of(&error)),
    };
    Err(wrong("snapshot", fault))
}
