//! `compact`: the history of keys is dropped, which bounds what etcd keeps.

use std::time::Duration;

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::context::Context;
use crate::facts::Compaction;
use crate::juju::ActionResults;
use crate::plan::refusal::ParameterFault;

/// How long a physical compaction is waited for: two minutes for a history of
/// gigabytes. etcd goes on with it by itself when nobody waits any more.
const LIMIT: Duration = Duration::from_secs(120);

/// Drops the history before a revision.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    let mut given = Parameters::read(context)?;
    let wanted = revision(given.text("revision")?.as_deref())?;
    let physical = given.flag("physical")?;
    given.finish()?;
    let session = Session::begin(context).await?;
    let client = session.client.with_limit(LIMIT);
    let latest = client.details().await?.revision;
    let revision = wanted.unwrap_or(latest);
    let output = match (client.compact(revision, physical).await?, wanted) {
        (Compaction::Done, _) => format!("compacted revision {revision}"),
        // The latest one is only compacted where nothing was written since.
        (Compaction::Already, None) => format!("nothing to compact since revision {revision}"),
        (Compaction::Already, Some(_)) => {
            return Err(wrong(
                "revision",
                ParameterFault::Compacted(revision, latest),
            ));
        }
        (Compaction::Future, _) => {
            return Err(wrong("revision", ParameterFault::Future(latest)));
        }
    };
    results.set(&["output"], output);
    results.set(&["revision"], revision.to_string());
    results.set(&["physical"], physical.to_string());
    Ok(())
}

/// The revision that is asked for; `None` for the latest.
fn revision(text: Option<&str>) -> Result<Option<u64>, ActionError> {
    let Some(text) = text else { return Ok(None) };
    match text.parse() {
        Ok(0) | Err(_) => Err(wrong("revision", ParameterFault::NotARevision)),
        Ok(number) => Ok(Some(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_a_number_from_1_on() {
        assert_eq!(revision(None).expect("the latest"), None);
        assert_eq!(revision(Some("7")).expect("a revision"), Some(7));
        for text in ["0", "-1", "7.5", "latest", "99999999999999999999"] {
            let error = revision(Some(text)).expect_err(text).to_string();
            assert!(
                error.starts_with("parameter `revision` is no revision"),
                "{error}"
            );
        }
    }
}
