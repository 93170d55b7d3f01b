//! `rotate-client-password`: a new password beside the old one, which ends later.

use juju_hooks::{ActionResults, SecretContent, SecretUri};
use serde_json::{Map, Value};

use super::ActionFailure;
use crate::acl::password_hash;
use crate::explain::{chain, of_problem};
use crate::facts::OwnSecret;
use crate::machine::random_text;
use crate::reconcile::Run;
use crate::relation::ledger::{Ledger, Retiring};

/// How long the old password works, unless the operator says otherwise.
const GRACE_MINUTES: i64 = 60;
/// A week.
const MAX_GRACE_MINUTES: i64 = 7 * 24 * 60;

pub(super) async fn run(
    run: &mut Run,
    own: &OwnSecret,
    parameters: &Map<String, Value>,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    if !run.juju.leader {
        return Err(ActionFailure::NotLeader);
    }
    let wanted = parameters.get("user").and_then(Value::as_str).unwrap_or("");
    let grace = grace_minutes(parameters)?;
    let stopped = |error: &dyn std::error::Error| ActionFailure::Stopped(chain(error));
    let password = random_text().map_err(|error| stopped(&error))?;
    let until = run.juju.now.plus_seconds(grace * 60);
    let mut ledger = run.juju.ledger.clone();
    let mut found = None;
    for (relation, access) in &mut ledger.clients {
        for (request, granted) in &mut access.grants {
            if Ledger::user_name(*relation, request) == wanted {
                found = Some(granted);
            }
        }
    }
    let Some(granted) = found else {
        let problem = "there is no such user; list-clients names them".to_owned();
        return Err(ActionFailure::Parameter("user", problem));
    };
    // Of two that are there already, the older one ends now.
    if let Some(retiring) = granted.retiring.take() {
        granted.hashes.remove(&retiring.hash);
    }
    let old = granted.hashes.iter().next().cloned();
    granted.hashes.insert(password_hash(&password));
    granted.retiring = old.map(|hash| Retiring {
        hash,
        until: until.0,
    });
    let uri: SecretUri = granted.user.parse().map_err(|error| stopped(&error))?;
    ledger.revision += 1;
    run.juju.ledger = ledger;
    // First all nodes know it, then the client: it may use it at once.
    run.serve(own).await?;
    if let Some(problem) = run.report.problems.first() {
        return Err(ActionFailure::Stopped(of_problem(problem)));
    }
    let content = SecretContent::from_iter([("username", wanted), ("password", &password)]);
    let told = run.tools.secret_set(&uri, None, &content);
    told.map_err(|error| stopped(&error))?;
    results.set(&["user"], wanted);
    results.set(&["old-password-until"], until.to_string());
    Ok(())
}

/// How long what is replaced still works.
pub(super) fn grace_minutes(parameters: &Map<String, Value>) -> Result<i64, ActionFailure> {
    let grace = parameters
        .get("grace-minutes")
        .map_or(Some(GRACE_MINUTES), Value::as_i64);
    let grace = grace.filter(|grace| (0..=MAX_GRACE_MINUTES).contains(grace));
    grace.ok_or_else(|| {
        let problem = format!("it is not between 0 and {MAX_GRACE_MINUTES}");
        ActionFailure::Parameter("grace-minutes", problem)
    })
}
