//! `rebuild-cluster`: a new cluster from what the survivors of the old one have,
//! when too few of them are left to agree on anything.

use std::path::{Path, PathBuf};

use super::parameters::Parameters;
use super::recreation::{Preflight, refused};
use super::{ActionError, snapshot};
use crate::apply;
use crate::context::Context;
use crate::facts::Member;
use crate::juju::ActionResults;
use crate::observe::{self, Survivor};
use crate::plan::recreate::{self, RebuildRequest, Source};
use crate::plan::refusal::RecreationRefusal;

/// Rebuilds the cluster from the member with the newest data.
///
/// # Errors
/// See [`ActionError`]; until the new cluster is ready to take its place,
/// nothing was changed.
pub(crate) async fn rebuild(
    context: &mut Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let request = request(context)?;
    let preflight = Preflight::check(context).await?;
    let survivors = observe::survivors(context, preflight.application.peers.read()).await;
    if observe::any_agrees(&survivors).await {
        return Err(refused(RecreationRefusal::HasMajority));
    }
    let members = observe::members_of(&survivors).await?;
    let newest = recreate::newest(survivors.iter().map(|survivor| &survivor.raft_progress));
    tell(results, &survivors, &members, newest);
    let source = recreate::source(request, newest).map_err(refused)?;
    let path =
        Path::new(snapshot::DIRECTORY).join(snapshot::file_name("before-rebuild", context.now));
    context.tools.action_log("saving the newest data")?;
    let file = match source {
        Source::Member(at) => {
            let client = &survivors[at].client;
            apply::snapshot(context, client, &context.paths.named(&path)).await?
        }
        Source::OwnData => preflight.own_data(context, &path).await?,
    };
    snapshot::tell(context, results, "snapshot", &path, &file)?;
    // etcd waits for its clients before it stops.
    drop(survivors);
    let bootstrap = preflight.bootstrap(context);
    context.tools.action_log("trying it out")?;
    let file: PathBuf = context.paths.named(&path);
    // It is the newest data that there is, so it knows whom it has issued what.
    let prepared = preflight.prepare(context, &file, &bootstrap, None).await?;
    results.set(&["restored", "revision"], prepared.revision.to_string());
    preflight
        .put_in_place(context, bootstrap, false, &prepared, results)
        .await
}

fn request(context: &Context) -> Result<RebuildRequest, ActionError> {
    let mut parameters = Parameters::read(context)?;
    let request = RebuildRequest {
        confirm: parameters.flag("confirm")?,
        use_own_data: parameters.flag("use-own-data")?,
    };
    parameters.finish()?;
    Ok(request)
}

/// The table that the decision rests on.
fn tell(
    results: &mut ActionResults,
    survivors: &[Survivor],
    members: &[Member],
    newest: Option<usize>,
) {
    for member in members {
        let name = match &member.name {
            Some(name) => name.to_string(),
            None => member.id.to_string(),
        };
        let mut set = |key: &str, text: String| results.set(&["members", &name, key], text);
        let address = member.client_urls.first();
        let address = address.or_else(|| member.peer_urls.first());
        set("address", address.cloned().unwrap_or_default());
        let answer = survivors.iter().position(|survivor| {
            survivor.raft_progress.member == member.id || member.client_urls.contains(&survivor.url)
        });
        set("answers", answer.is_some().to_string());
        if let Some(at) = answer {
            let raft_progress = &survivors[at].raft_progress;
            set("term", raft_progress.term.to_string());
            set("index", raft_progress.index.to_string());
            set("revision", raft_progress.revision.to_string());
            set("votes", (!raft_progress.learner).to_string());
        }
        let is_chosen = answer.is_some() && answer == newest;
        set("chosen", is_chosen.to_string());
    }
}
