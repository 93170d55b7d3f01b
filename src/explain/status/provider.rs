//! What a unit says of whoever signs for its member instead of the charm.

use super::line::Line;
use crate::facts::provider::{ProviderNote, ProviderState};

/// Says what somebody has to do first; nothing where all is well.
pub(super) fn say(note: &ProviderNote, line: &mut Line) {
    let ProviderNote { app, state, ending } = note;
    match state {
        ProviderState::Refused(reason) => {
            line.say(format!("see {app}: no certificate for this unit: {reason}"));
        }
        ProviderState::Unfit(reason) => line.say(format!("correct {app}: {reason}")),
        _ => {}
    }
    if let Some(end) = ending {
        let end = end.date();
        line.say(format!("see {app}: this unit's certificate ends {end}"));
    }
    match state {
        ProviderState::Asked => line.say(format!("waiting for a certificate from {app}")),
        ProviderState::Revoked => line.say(format!("{app} revoked the certificate in use")),
        ProviderState::Learned(reason) => line.say(format!("the CA of {app} comes: {reason}")),
        ProviderState::Refused(_) | ProviderState::Unfit(_) | ProviderState::Shown(_) => {}
    }
}
