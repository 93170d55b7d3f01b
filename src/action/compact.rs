//! `compact`: the history of keys is dropped, which bounds what etcd keeps.

use super::ActionError;
use super::parameters::{Parameters, wrong};
use super::session::Session;
use crate::context::Context;
use crate::juju::ActionResults;
use crate::plan::compact::CompactRequest;
use crate::plan::refusal::ParameterFault;
use crate::{apply, observe};

/// Drops the history before a revision.
///
/// # Errors
/// See [`ActionError`].
pub(crate) async fn run(context: &Context, results: &mut ActionResults) -> Result<(), ActionError> {
    let mut given = Parameters::read(context)?;
    let request = CompactRequest {
        revision: revision(given.text("revision")?.as_deref())?,
        physical: given.flag("physical")?,
    };
    given.finish()?;
    let client = Session::begin(context).await?.client;
    let latest = observe::latest_revision(&client).await?;
    let step = request.step(latest);
    let answer = apply::compact(client, step).await?;
    let outcome = request.outcome(answer, latest);
    let revision = step.revision;
    let output = match outcome.map_err(|fault| wrong("revision", fault))? {
        true => format!("compacted revision {revision}"),
        false => format!("nothing to compact since revision {revision}"),
    };
    results.set(&["output"], output);
    results.set(&["revision"], revision.to_string());
    results.set(&["physical"], step.physical.to_string());
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
