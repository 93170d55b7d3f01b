//! `rotate-server-ca` and `rotate-internal-passwords`: what the nodes show each
//! other is replaced; hooks do the rest.

use certificates::OwnCertificate;
use juju_hooks::ActionResults;
use serde_json::{Map, Value};

use super::ActionFailure;
use super::rotate::grace_minutes;
use crate::apply::own;
use crate::explain::chain;
use crate::facts::OwnSecret;
use crate::plan::rotation;
use crate::reconcile::Run;

pub(super) fn authority(
    run: &Run,
    own: &OwnSecret,
    parameters: &Map<String, Value>,
    results: &mut ActionResults,
) -> Result<(), ActionFailure> {
    let grace = grace_minutes(parameters)?;
    require_idle(run, own)?;
    let (tools, now) = (&run.tools, run.juju.now);
    let from = now.plus_seconds(grace * 60);
    let next = own::begin_with_authority(tools, &run.juju.unit, own, now, from)?;
    if let Ok(next) = OwnCertificate::read(&next.certificate) {
        results.set(&["fingerprint"], next.fingerprint.as_str());
        results.set(&["valid-until"], next.not_after.to_string());
    }
    results.set(&["signs-from"], from.to_string());
    run.ask_again();
    Ok(())
}

pub(super) fn passwords(run: &Run, own: &OwnSecret) -> Result<(), ActionFailure> {
    require_idle(run, own)?;
    own::begin_with_passwords(&run.tools, own)?;
    run.ask_again();
    Ok(())
}

fn require_idle(run: &Run, own: &OwnSecret) -> Result<(), ActionFailure> {
    if !run.juju.leader {
        return Err(ActionFailure::NotLeader);
    }
    match rotation::progress(&run.juju, own) {
        None => Ok(()),
        Some(progress) => Err(ActionFailure::Stopped(format!("already {progress}"))),
    }
}

impl From<own::OwnError> for ActionFailure {
    fn from(error: own::OwnError) -> Self {
        Self::Stopped(chain(&error))
    }
}
