//! What Juju shows of this unit. Juju keeps each status that is set in a log, so one that
//! it shows already is not set again.

use juju_hooks::{StatusName, ToolError, Tools};
use serde::{Deserialize, Serialize};

use super::machine;
use crate::machine::{Paths, ensure_absent, read};

/// What is shown, or to be shown.
#[derive(Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Shown {
    unit: Option<(String, String)>,
    application: Option<(String, String)>,
    version: Option<String>,
}

/// Shows the status of this unit and, from the leader, the same as that of the
/// application with the version that runs. Where Juju may show something else than was
/// set last (`may_differ`), all of it is set.
///
/// # Errors
/// A hook tool failed.
pub fn show(
    tools: &Tools,
    paths: &Paths,
    (status, text): (StatusName, &str),
    of_application: Option<Option<&str>>,
    may_differ: bool,
) -> Result<(), ToolError> {
    let before = match may_differ {
        true => Shown::default(),
        false => noted(paths),
    };
    let both = (status.as_str().to_owned(), text.to_owned());
    let version = of_application.flatten().map(str::to_owned);
    let now = Shown {
        application: of_application.map(|_| both.clone()),
        // A server that does not answer takes no version away.
        version: version.or_else(|| before.version.clone().filter(|_| of_application.is_some())),
        unit: Some(both),
    };
    if now == before {
        return Ok(());
    }
    // First: what a hook was killed after is set again.
    let _ = ensure_absent(&paths.shown());
    if now.unit != before.unit {
        tools.status_set(status, text)?;
    }
    if now.application.is_some() && now.application != before.application {
        tools.status_set_application(status, text)?;
    }
    if let Some(version) = &now.version
        && now.version != before.version
    {
        tools.application_version_set(version)?;
    }
    if paths.base().exists()
        && let Ok(text) = serde_json::to_string(&now)
    {
        // Without it, the next hook sets it again.
        let _ = machine::put_for_root(paths, &paths.shown(), &text);
    }
    Ok(())
}

fn noted(paths: &Paths) -> Shown {
    let text = read(&paths.shown()).ok().flatten();
    text.and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default()
}
