//! `health`: who the server is, and what the credentials may do.

use juju_hooks::ActionResults;

use super::{ActionFailure, look};
use crate::explain;
use crate::facts::Juju;

pub(super) async fn run(juju: &Juju, results: &mut ActionResults) -> Result<(), ActionFailure> {
    let (outcome, lxd) = look(juju).await?;
    let server = &lxd.server;
    results.set(&["server", "name"], &server.name);
    results.set(&["server", "kind"], &server.kind);
    results.set(&["server", "version"], &server.version);
    results.set(&["server", "fingerprint"], &server.fingerprint);
    results.set(&["server", "clustered"], server.clustered.to_string());
    // Only such credentials get this far: others are told why they do not.
    results.set(&["credentials"], "trusted, with full access");
    if let Some(own) = &lxd.own {
        results.set(&["credentials-fingerprint"], own.as_str());
    }
    for member in &lxd.members {
        let state = if member.online { "online" } else { "offline" };
        results.set(
            &["members", &member.name],
            format!("{state} {}", member.url),
        );
    }
    if let Some(projects) = &outcome.projects {
        results.set(&["projects"], projects.join(", "));
    }
    let report = &outcome.plan.report;
    results.set(&["access"], explain::access(&report.projects));
    results.set(&["certificates"], report.registered.to_string());
    let output = format!(
        "{} {} on {}, {} certificates of this application, {}",
        server.kind,
        server.version,
        server.name,
        report.registered,
        explain::access(&report.projects)
    );
    results.set(&["output"], output);
    match &report.problem {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}
