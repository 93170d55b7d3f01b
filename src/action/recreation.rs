//! What `restore` and `rebuild-cluster` share: looking whether this unit can
//! recreate the cluster, trying the new data out, and putting it in place. See
//! [`crate::apply::recreate`] for how the old cluster ends and the new one begins.

use std::path::{Path, PathBuf};

use super::ActionError;
use super::session::not_leader;
use crate::apply::{self, Prepared};
use crate::context::Context;
use crate::facts::{Bootstrap, Cause, Ledger, MemberName, Recreation};
use crate::juju::ActionResults;
use crate::observe::{self, Application};
use crate::plan::Wait;
use crate::plan::members::member_url;
use crate::plan::recreate;
use crate::plan::refusal::{RecreationRefusal, Refusal};
use crate::reconcile;
use crate::workload::snapshot::SnapshotFile;

/// What both ways to recreate a cluster rest on.
pub(super) struct Preflight {
    pub(super) application: Application,
    storage: PathBuf,
    address: String,
}

impl Preflight {
    /// Looks whether this unit can recreate the cluster.
    ///
    /// # Errors
    /// It cannot, and why.
    pub(super) async fn check(context: &mut Context) -> Result<Self, ActionError> {
        let application = observe::application(context)?;
        if !application.leader {
            return Err(not_leader(context, &application));
        }
        if context.unit_state.recreation.is_some() {
            let report = reconcile::pass(context).await?;
            return Err(refused(RecreationRefusal::Resumed(Box::new(report))));
        }
        let unready = || refused(RecreationRefusal::NotSetUp);
        if !observe::is_equipped(context)? {
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
        let peers = self.application.peers.read();
        let newest = peers.map_or(0, |peers| peers.generation()).max(own);
        let member = MemberName::of(&context.hook.unit);
        let token = apply::new_token();
        recreate::bootstrap(&member, &self.peer_url(), newest, context.now, token)
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
        let snapshot = apply::Snapshot {
            file,
            bootstrap,
            peer_url: &self.peer_url(),
            before,
            answered: &observe::answered(context)?,
        };
        let prepared = apply::prepare(context, &self.storage, &snapshot).await;
        prepared.map_err(|error| match error.is_of_snapshot() {
            true => refused(RecreationRefusal::Useless(Cause::of(&error))),
            false => error.into(),
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
        if !observe::has_data(&self.storage) {
            return Err(refused(RecreationRefusal::NoData));
        }
        let path = context.paths.named(path);
        Ok(apply::snapshot_at_rest(context, &self.storage, &self.peer_url(), &path).await?)
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
        apply::begin_recreation(
            context,
            &self.storage,
            self.application.address,
            Recreation {
                bootstrap,
                removes_members,
            },
        )?;
        context.tools.action_log("replacing the cluster")?;
        let report = reconcile::pass(context).await?;
        if let Some(wait @ (Wait::Recreation | Wait::Majority(_) | Wait::Etcd(_))) = &report.wait {
            tracing::debug!(?wait, "not yet");
            return Err(refused(RecreationRefusal::Unfinished(Box::new(report))));
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
        if !observe::raises_revisions(context)? {
            let note =
                "this version of etcd cannot raise revisions: restart clients that watch keys";
            results.set(&["restored", "note"], note);
        }
        if let Some(quarantined) = observe::quarantined(&self.storage, generation) {
            results.set(&["previous", "data"], quarantined.display().to_string());
        }
        Ok(())
    }
}

pub(super) fn refused(refusal: RecreationRefusal) -> ActionError {
    Refusal::from(refusal).into()
}
