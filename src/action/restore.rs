//! `restore`: the cluster becomes what a snapshot says. See
//! [`crate::apply::recreate`] for how the old cluster ends and the new one
//! begins.

use std::path::{Path, PathBuf};

use super::parameters::{Parameters, wrong};
use super::{ActionError, snapshot};
use crate::apply::{self, ApplyError, Prepared};
use crate::connection;
use crate::context::Context;
use crate::etcd::{Client, EtcdError, Lock};
use crate::facts::{Bootstrap, Ledger, LockName, MemberName, Recreation};
use crate::juju::ActionResults;
use crate::observe::{self, Application};
use crate::plan::Wait;
use crate::plan::members::member_url;
use crate::reconcile;
use crate::workload::snapshot::{SnapshotFile, verify};
use crate::workload::{WorkloadError, data, package, snapshot_tool};

/// How long the lock is held at most: longer than a large snapshot takes, so that
/// nobody begins meanwhile, and gone by itself if the unit dies.
const LOCK_SECONDS: i64 = 1800;

/// Restores a snapshot.
///
/// # Errors
/// See [`ActionError`]; until the snapshot has proved itself in a restore check,
/// nothing was changed.
pub(crate) async fn restore(
    context: &mut Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let mut parameters = Parameters::read(context)?;
    let Some(name) = parameters.text("snapshot")? else {
        return Err(wrong("snapshot", "is missing: name the file to restore"));
    };
    let skip_backup = parameters.flag("skip-backup")?;
    let target = snapshot::directory(&mut parameters, context)?;
    parameters.finish()?;
    let preflight = Preflight::check(context).await?;
    let path = PathBuf::from(&name);
    let file = checked(context, &path)?;

    let client = match own_member(context, &preflight).await {
        Ok(client) => Some(client),
        Err(_) if skip_backup && !is_served(context, &preflight).await => None,
        Err(error) => return Err(error),
    };
    let lock = match &client {
        Some(client) => Some(lock(context, client).await?),
        None => None,
    };
    let bootstrap = preflight.bootstrap(context);
    let tried = attempt(
        context,
        &preflight,
        &file,
        &bootstrap,
        client.as_ref(),
        results,
    )
    .await;
    let tried = match (tried, &client) {
        (Ok(prepared), Some(client)) if !skip_backup => save(context, client, &target, results)
            .await
            .map(|()| prepared),
        (tried, _) => tried,
    };
    let prepared = match tried {
        Ok(prepared) => prepared,
        Err(error) => {
            if let (Some(client), Some(lock)) = (&client, lock) {
                // Where it cannot be given back, it ends by itself.
                let _ = client.unlock(lock).await;
            }
            return Err(error);
        }
    };
    let removes_members = client.is_some();
    // etcd waits for its clients before it stops.
    drop(client);
    preflight
        .put_in_place(context, bootstrap, removes_members, &prepared, results)
        .await?;
    results.set(&["restored", "path"], name);
    Ok(())
}

/// A connection to this unit's member, which has a vote in a cluster that
/// agrees: what the old cluster is taken apart into.
async fn own_member(context: &Context, preflight: &Preflight) -> Result<Client, ActionError> {
    let url = connection::own_url(context).ok_or_else(|| {
        ActionError::Refused("this unit has no address yet: wait until it is active".to_owned())
    })?;
    let client = connection::client_at(context, &url).await?;
    let agreed = async {
        let status = client.status().await?;
        client.revision().await?;
        Ok::<_, EtcdError>(status)
    };
    let error = match agreed.await {
        Ok(status) if !status.learner => return Ok(client),
        Ok(_) => "this unit's member has no vote yet".to_owned(),
        Err(error) => crate::log::chain(&error),
    };
    let advice = if is_served(context, preflight).await {
        "but others do: run it on a leader whose member is well, or remove this unit"
    } else {
        "and nobody else does, so nothing can be saved, and other members cannot be stopped in an \
         orderly way: bring the machines back, run `rebuild-cluster` if they are gone, or restore \
         with skip-backup=true if there is nothing worth saving"
    };
    Err(ActionError::Refused(format!(
        "this unit's member does not serve ({error}), {advice}"
    )))
}

/// Whether the cluster agrees on anything, whoever is asked.
async fn is_served(context: &Context, preflight: &Preflight) -> bool {
    match observe::connect(context, preflight.application.peers.as_ref()).await {
        Ok((client, _)) => client.revision().await.is_ok(),
        Err(_) => false,
    }
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
        Some(client) => Some(client.ledger().await?),
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

/// What both ways to found a cluster anew rest on.
pub(super) struct Preflight {
    pub(super) application: Application,
    storage: PathBuf,
    address: String,
}

impl Preflight {
    /// Looks whether this unit can found a cluster anew.
    ///
    /// # Errors
    /// It cannot, and why.
    pub(super) async fn check(context: &mut Context) -> Result<Self, ActionError> {
        let application = observe::application(context)?;
        if !application.leader {
            return Err(super::not_leader(context));
        }
        if context.unit_state.recreation.is_some() {
            let report = reconcile::pass(context).await.map_err(Box::new)?;
            return Err(ActionError::Refused(format!(
                "an earlier restore was cut short, and was gone on with instead (now: {}); run \
                 this again if it is still wanted",
                crate::explain::status::of_unit(&report).message
            )));
        }
        let unready = || {
            ActionError::Refused(
                "this unit is not set up yet: wait until `juju status` says more".to_owned(),
            )
        };
        let is_equipped = package::installed(&context.paths)?.is_some()
            && context.paths.server_certificate().exists()
            && context.paths.admin_certificate().exists();
        if !is_equipped {
            return Err(unready());
        }
        Ok(Self {
            storage: application.storage.clone().ok_or_else(unready)?,
            address: application.address.ok_or_else(unready)?.to_string(),
            application,
        })
    }

    /// Where the member of the new cluster will be reached.
    fn peer_url(&self) -> String {
        member_url(&self.address, self.application.options.peer_port)
    }

    /// The words of a new cluster that counts from now on.
    pub(super) fn bootstrap(&self, context: &Context) -> Bootstrap {
        let own = context.unit_state.bootstrap.as_ref();
        let own = own.map_or(0, |bootstrap| bootstrap.generation);
        let peers = self.application.peers.as_ref();
        let newest = peers.map_or(0, |peers| peers.generation()).max(own);
        let now = u64::try_from(context.now.0).unwrap_or(0);
        let member = MemberName::of(&context.hook.unit);
        Bootstrap {
            initial_cluster: format!("{member}={}", self.peer_url()),
            existing: false,
            token: apply::new_token(),
            generation: now.max(newest + 1),
        }
    }

    /// Tries a snapshot out.
    ///
    /// # Errors
    /// It is of no use; nothing has changed.
    pub(super) async fn prepare(
        &self,
        context: &Context,
        file: &Path,
        bootstrap: &Bootstrap,
        before: Option<&Ledger>,
    ) -> Result<Prepared, ActionError> {
        let peer_url = self.peer_url();
        let answered = observe::answered(context)?;
        let prepared = apply::prepare(
            context,
            &self.storage,
            &peer_url,
            file,
            bootstrap,
            before,
            &answered,
        )
        .await;
        prepared.map_err(|error| {
            // The reason is worth more than the space, which the next run takes
            // back.
            let _ = data::discard_prepared(&self.storage);
            match error {
                ApplyError::RestoreCheck(_)
                | ApplyError::Workload(WorkloadError::Command { .. }) => {
                    ActionError::Refused(format!(
                        "the snapshot was tried out and is of no use, so nothing was changed: {}",
                        crate::log::chain(&error)
                    ))
                }
                other => other.into(),
            }
        })
    }

    /// A snapshot of the data that this unit's member has on its disk, where no
    /// member answers: one that was restarted without a majority answers nobody.
    /// Its service is stopped for it and stays stopped until the next hook.
    ///
    /// # Errors
    /// There is no data, or etcd does not run on it.
    pub(super) async fn own_data(
        &self,
        context: &Context,
        path: &Path,
    ) -> Result<SnapshotFile, ActionError> {
        if !data::current(&self.storage).join("member").is_dir() {
            return Err(ActionError::Refused(
                "this unit has no data of a member: make a unit leader that has".to_owned(),
            ));
        }
        let path = context.paths.named(path);
        let file = apply::snapshot_at_rest(context, &self.storage, &self.peer_url(), &path).await;
        let _ = data::discard_prepared(&self.storage);
        Ok(file?)
    }

    /// Ends the old cluster and begins the new one.
    ///
    /// # Errors
    /// Something failed on the way; the next hook goes on.
    pub(super) async fn put_in_place(
        &self,
        context: &mut Context,
        bootstrap: Bootstrap,
        removes_members: bool,
        prepared: &Prepared,
        results: &mut ActionResults,
    ) -> Result<(), ActionError> {
        let generation = bootstrap.generation;
        context.unit_state.data_dir = Some(self.storage.clone());
        context.unit_state.address = self.application.address;
        context.unit_state.recreation = Some(Recreation {
            bootstrap,
            removes_members,
        });
        context.unit_state.write(&context.paths)?;
        context.tools.action_log("replacing the cluster")?;
        let report = reconcile::pass(context).await.map_err(Box::new)?;
        if let Some(wait @ (Wait::Recreation | Wait::Majority(_) | Wait::Etcd(_))) = &report.wait {
            let text = crate::explain::status::of_unit(&report).message;
            tracing::debug!(?wait, "not yet");
            return Err(ActionError::Refused(format!(
                "the new cluster is not there yet, and every hook goes on with it: {text}"
            )));
        }
        results.set(&["restored", "generation"], generation.to_string());
        let cleaned = &prepared.cleaned;
        if cleaned.foreign_ledgers > 0 {
            let names: Vec<_> = cleaned
                .foreign_names
                .iter()
                .map(|name| name.as_str())
                .collect();
            results.set(&["restored", "removed-users"], names.join(","));
        }
        let programs = package::installed(&context.paths)?;
        let raised =
            programs.map(|programs| snapshot_tool::raises_revisions(&context.commands, &programs));
        if !matches!(raised, Some(Ok(true))) {
            let note =
                "this version of etcd cannot raise revisions: restart clients that watch keys";
            results.set(&["restored", "note"], note);
        }
        let quarantined = data::quarantined(&self.storage, generation);
        if quarantined.exists() {
            results.set(&["previous", "data"], quarantined.display().to_string());
        }
        Ok(())
    }
}

/// The file that an operator named, if it is a whole snapshot.
fn checked(context: &Context, path: &Path) -> Result<PathBuf, ActionError> {
    if !path.is_absolute() {
        return Err(wrong("snapshot", "is no absolute path"));
    }
    let file = context.paths.named(path);
    if !file.is_file() {
        let unit = &context.hook.unit;
        return Err(wrong(
            "snapshot",
            format!("names no file: copy it to the unit with `juju scp <file> {unit}:`"),
        ));
    }
    match verify(&file) {
        Ok(_) => Ok(file),
        Err(error) => Err(wrong(
            "snapshot",
            format!("cannot be used: {}", crate::log::chain(&error)),
        )),
    }
}

async fn lock(context: &Context, client: &Client) -> Result<Lock, ActionError> {
    let holder = context.hook.unit.to_string();
    let taken = client
        .try_lock(LockName::Recovery, &holder, LOCK_SECONDS)
        .await?;
    taken.ok_or_else(|| {
        ActionError::Refused(
            "another restore is running: wait until it has ended; one that was cut short gives \
             way within half an hour"
                .to_owned(),
        )
    })
}
