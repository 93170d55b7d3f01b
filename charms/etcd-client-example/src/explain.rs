//! Every text that an operator reads.

use data_requirer::Missing;
use juju_hooks::{AppName, StatusName};

use crate::options::InvalidOption;

/// Longest status, in characters.
const MAX_CHARS: usize = 100;

/// How this unit stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// An option has to be set right.
    InvalidOption(InvalidOption),
    /// There is no relation.
    Unrelated,
    /// The provider has not answered in full.
    Pending(AppName, Missing),
    /// The leader has made no certificate yet.
    NoCertificate,
    /// The client certificate is not signed yet, or not for a reason.
    Unsigned(AppName, Option<String>),
    /// The provider has answered, and etcd cannot be used.
    Unusable(AppName, String),
    /// A key was written, read and watched.
    Usable {
        /// The provider.
        app: AppName,
        /// The prefix.
        prefix: String,
        /// Since when it works.
        since: String,
    },
}

/// The status of a unit.
pub(crate) fn status(state: &State) -> (StatusName, String) {
    let (name, text) = match state {
        State::InvalidOption(reason) => (StatusName::Blocked, reason.to_string()),
        State::Unrelated => (
            StatusName::Blocked,
            "missing relation: integrate etcd with this application".to_owned(),
        ),
        State::Pending(app, missing) => {
            (StatusName::Waiting, format!("waiting for {app}: {missing}"))
        }
        State::NoCertificate => (
            StatusName::Waiting,
            "waiting for the leader to make a client certificate".to_owned(),
        ),
        State::Unsigned(app, None) => (
            StatusName::Waiting,
            format!("waiting for {app} to sign the client certificate"),
        ),
        State::Unsigned(app, Some(reason)) => (
            StatusName::Blocked,
            format!("{app} signs no client certificate: {reason}"),
        ),
        State::Unusable(app, reason) => {
            (StatusName::Waiting, format!("cannot use {app}: {reason}"))
        }
        State::Usable { app, prefix, since } => {
            let prefix: String = prefix.escape_debug().take(30).collect();
            (
                StatusName::Active,
                format!("using {prefix} in {app} since {since}"),
            )
        }
    };
    (name, text.chars().take(MAX_CHARS).collect())
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    juju_hooks::chain(error).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_short_line() {
        let app: AppName = "e".repeat(60).parse().expect("a name");
        for state in [
            State::Unusable(app.clone(), "x".repeat(500)),
            State::Unsigned(app.clone(), Some("x".repeat(500))),
            State::Usable {
                app,
                prefix: "\n\u{1}".repeat(500),
                since: "2026-01-04T06:29:46Z".to_owned(),
            },
        ] {
            let (_, text) = status(&state);
            assert!(
                text.chars().count() <= MAX_CHARS && !text.contains('\n'),
                "{text}"
            );
        }
    }
}
