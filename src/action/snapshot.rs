//! `snapshot`: a copy of all data in one file.

use std::path::{Path, PathBuf};

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::apply::{self, ApplyError, Missing};
use crate::context::Context;
use crate::explain::operator_command;
use crate::facts::{Cause, Timestamp};
use crate::juju::ActionResults;
use crate::observe;
use crate::plan::refusal::{ParameterFault, Refusal};
use crate::workload::snapshot::{SnapshotError, SnapshotFile};

/// Where snapshots lie if nobody says otherwise: where the older charm put
/// them, and where `juju scp` may fetch them.
pub(super) const DIRECTORY: &str = "/home/ubuntu/etcd-snapshots";

/// Takes a snapshot, of this unit's member where it answers.
///
/// # Errors
/// See [`ActionError`]; then there is no file.
pub(crate) async fn take(
    context: &Context,
    results: &mut ActionResults,
) -> Result<(), ActionError> {
    let mut parameters = Parameters::read(context)?;
    let target = directory(&mut parameters, context)?;
    parameters.finish()?;
    let session = Session::begin(context).await?;
    // A copy is worth the more where the cluster does not agree.
    let source = observe::snapshot_source(&session.client).await?;
    let path = target.join(file_name("snapshot", context.now));
    let file = apply::snapshot(context, &session.client, &context.paths.named(&path))
        .await
        .map_err(|error| unusable(&path, error))?;
    tell(context, results, "snapshot", &path, &file)?;
    results.set(&["snapshot", "version"], source.version.to_string());
    if let Some(error) = source.disagreement {
        let note = format!(
            "the cluster could not agree ({error}), so it is one member's own copy, \
             and its latest writes may be missing"
        );
        results.set(&["snapshot", "note"], note);
    }
    let unit = &context.hook.unit;
    results.set(
        &["copy", "cmd"],
        operator_command(&format!("juju scp {unit}:{}", path.display()), "."),
    );
    Ok(())
}

/// The directory that the parameter `target` names.
pub(super) fn directory(
    parameters: &mut Parameters,
    context: &Context,
) -> Result<PathBuf, ActionError> {
    let target = parameters
        .text("target")?
        .unwrap_or_else(|| DIRECTORY.to_owned());
    let path = PathBuf::from(target);
    if !path.is_absolute() {
        return Err(wrong("target", ParameterFault::NotAbsolute));
    }
    if !observe::may_be_directory(context, &path) {
        return Err(wrong("target", ParameterFault::NotADirectory(path)));
    }
    Ok(path)
}

/// `etcd-snapshot-2026-01-04T06.29.46Z.db`: sorted by time, and without a colon,
/// which `scp` would take for the end of a machine's name. Before a change that
/// snapshots serve as well, the name tells of it.
pub(super) fn file_name(occasion: &str, now: Timestamp) -> String {
    format!("etcd-{occasion}-{}.db", now.to_string().replace(':', "."))
}

/// Tells what a snapshot is and holds, below `name`.
///
/// # Errors
/// etcd's own tool cannot read it.
pub(super) fn tell(
    context: &Context,
    results: &mut ActionResults,
    name: &str,
    path: &Path,
    file: &SnapshotFile,
) -> Result<(), ActionError> {
    results.set(&[name, "path"], path.display().to_string());
    results.set(&[name, "size"], file.size.to_string());
    results.set(&[name, "sha256"], file.sha256.clone());
    let content = observe::snapshot_content(context, &context.paths.named(path))?;
    let content = content.ok_or(ApplyError::Missing(Missing::Programs))?;
    results.set(&[name, "revision"], content.revision.to_string());
    results.set(&[name, "keys"], content.total_key.to_string());
    Ok(())
}

/// A file that cannot be written is a matter of the parameter.
pub(super) fn unusable(path: &Path, error: ApplyError) -> ActionError {
    match error {
        ApplyError::Snapshot(SnapshotError::Exists(_)) => Refusal::Exists(path.to_owned()).into(),
        ApplyError::Snapshot(SnapshotError::File { source, .. }) => {
            wrong("target", ParameterFault::Unwritable(Cause::of(&source)))
        }
        ApplyError::Snapshot(SnapshotError::Machine(error)) => wrong(
            "target",
            ParameterFault::Unusable(Cause::of(error.as_ref())),
        ),
        other => other.into(),
    }
}
