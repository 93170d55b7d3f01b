//! What Juju asks of this run, read from the environment that it sets.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use crate::{AppName, InvalidId, ModelUuid, RelationId, SecretId, SecretUri, UnitName};

/// One run of a charm: for whom, and why.
#[derive(Clone, Debug)]
pub struct Hook {
    /// What happened.
    pub event: Event,
    /// This unit (`JUJU_UNIT_NAME`, for example `app/0`).
    pub unit: UnitName,
    /// This model (`JUJU_MODEL_UUID`).
    pub model: ModelUuid,
    /// Where programs are found (`PATH`), hook tools first.
    pub search_path: OsString,
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// An operator runs an action, by its name.
    Action(String),
    /// This unit or its machine is set up, changed, looked after or ended.
    Lifecycle(Lifecycle),
    /// A hook that is none of the others, by its name.
    Other(String),
    /// Something about a relation.
    Relation(RelationEvent),
    /// A secret that this unit has read has a new revision.
    SecretChanged(SecretId),
    /// A revision of a secret of ours is read by nobody any more.
    SecretRemove(SecretId, u32),
    /// Storage is there (`true`) or about to be taken away (`false`), by its
    /// name in the metadata.
    Storage(String, bool),
}

/// Which of the hooks that every unit has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "each is the hook of that name")]
pub enum Lifecycle {
    ConfigChanged,
    Install,
    LeaderElected,
    LeaderSettingsChanged,
    Remove,
    Start,
    Stop,
    UpdateStatus,
    UpgradeCharm,
}

/// Something about a relation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RelationEvent {
    /// The endpoint on our side, as the metadata names it.
    pub endpoint: String,
    /// The relation's number.
    pub id: RelationId,
    /// What happened to it.
    pub change: RelationChange,
    /// The application at the other end; Juju is known to leave it out at times
    /// (lp1960934), then [`crate::Tools::remote_app`] tells it.
    pub remote_app: Option<AppName>,
    /// The unit that is leaving the relation (`JUJU_DEPARTING_UNIT`), only with
    /// [`RelationChange::Departed`]. It is this unit itself when this unit is
    /// going away.
    pub departing: Option<UnitName>,
}

/// What happened to a relation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RelationChange {
    /// It is over as far as this unit is concerned: Juju says the same to a unit
    /// that is going away itself.
    Broken,
    /// Somebody at the other end wrote something.
    Changed,
    /// It exists now.
    Created,
    /// A unit is leaving it.
    Departed,
    /// A unit has joined it.
    Joined,
}

/// An environment that is not a hook's.
#[derive(Debug, Error)]
pub enum HookError {
    /// A variable does not hold what Juju puts into it.
    #[error("failed to read the hook: {variable} is unusable")]
    Invalid {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        #[source]
        source: InvalidId,
    },
    /// The program was not started by Juju, or not as a charm.
    #[error("failed to read the hook: {0} is not set; this program is run by Juju as `dispatch`")]
    Missing(&'static str),
}

/// What this program was called with. Juju gives nothing.
pub fn arguments() -> Vec<String> {
    let arguments = std::env::args_os().skip(1);
    arguments
        .filter_map(|argument| argument.into_string().ok())
        .collect()
}

/// Where this program is, for whoever is to call it as well.
///
/// # Errors
/// The system cannot tell.
pub fn program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// The variables of the environment; an empty one is an absent one, as Juju
/// leaves variables empty that do not apply.
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The environment of this process. Variables that are not UTF-8 are left
    /// out; none of Juju's can be.
    pub fn of_process() -> Self {
        Self::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// An environment of these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(
            variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }

    /// The value of a variable, if it has one.
    pub fn get(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn require(&self, name: &'static str) -> Result<&str, HookError> {
        self.get(name).ok_or(HookError::Missing(name))
    }

    fn parse<T: FromStr<Err = InvalidId>>(&self, variable: &'static str) -> Result<T, HookError> {
        self.require(variable)?
            .parse()
            .map_err(|source| HookError::Invalid { variable, source })
    }
}

impl Hook {
    /// Reads what Juju says of this run.
    ///
    /// # Errors
    /// The environment is not that of a hook.
    pub fn read(environment: &Environment) -> Result<Self, HookError> {
        Ok(Self {
            event: Event::read(environment)?,
            unit: environment.parse("JUJU_UNIT_NAME")?,
            model: environment.parse("JUJU_MODEL_UUID")?,
            search_path: environment.get("PATH").unwrap_or_default().into(),
        })
    }
}

impl Event {
    /// Whether Juju may show another status than this unit has set last: it sets one
    /// itself when it installs a charm or starts a unit, and a unit that leads now did not
    /// set that of the application.
    pub fn may_have_changed_status(&self) -> bool {
        matches!(self, Self::Lifecycle(lifecycle) if *lifecycle != Lifecycle::UpdateStatus)
    }

    /// `JUJU_DISPATCH_PATH` is `hooks/<name>` or `actions/<name>` whichever way
    /// Juju starts the charm (`internal/worker/uniter/runner`).
    fn read(environment: &Environment) -> Result<Self, HookError> {
        let path = environment.require("JUJU_DISPATCH_PATH")?;
        if let Some(action) = path.strip_prefix("actions/") {
            return Ok(Self::Action(action.to_owned()));
        }
        let name = path.strip_prefix("hooks/").unwrap_or(path);
        if let Some(lifecycle) = Lifecycle::named(name) {
            return Ok(Self::Lifecycle(lifecycle));
        }
        match name {
            "secret-changed" => return Ok(Self::SecretChanged(secret(environment)?)),
            "secret-remove" => {
                let revision = environment.require("JUJU_SECRET_REVISION")?;
                if let Ok(revision) = revision.parse() {
                    return Ok(Self::SecretRemove(secret(environment)?, revision));
                }
            }
            _ => {}
        }
        if let Some(storage) = name.strip_suffix("-storage-attached") {
            return Ok(Self::Storage(storage.to_owned(), true));
        }
        if let Some(storage) = name.strip_suffix("-storage-detaching") {
            return Ok(Self::Storage(storage.to_owned(), false));
        }
        Ok(match RelationEvent::read(name, environment)? {
            Some(event) => Self::Relation(event),
            None => Self::Other(name.to_owned()),
        })
    }
}

impl Lifecycle {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "config-changed" => Self::ConfigChanged,
            "install" => Self::Install,
            "leader-elected" => Self::LeaderElected,
            "leader-settings-changed" => Self::LeaderSettingsChanged,
            "remove" => Self::Remove,
            "start" => Self::Start,
            "stop" => Self::Stop,
            "update-status" => Self::UpdateStatus,
            "upgrade-charm" => Self::UpgradeCharm,
            _ => return None,
        })
    }
}

impl RelationEvent {
    fn read(name: &str, environment: &Environment) -> Result<Option<Self>, HookError> {
        let Some((endpoint, change)) = name.rsplit_once("-relation-") else {
            return Ok(None);
        };
        let change = match change {
            "broken" => RelationChange::Broken,
            "changed" => RelationChange::Changed,
            "created" => RelationChange::Created,
            "departed" => RelationChange::Departed,
            "joined" => RelationChange::Joined,
            _ => return Ok(None),
        };
        let parsed = |variable| environment.get(variable).map(str::to_owned);
        Ok(Some(Self {
            endpoint: endpoint.to_owned(),
            id: relation_id(environment)?,
            change,
            remote_app: parsed("JUJU_REMOTE_APP").and_then(|name| name.parse().ok()),
            departing: parsed("JUJU_DEPARTING_UNIT").and_then(|name| name.parse().ok()),
        }))
    }
}

/// `JUJU_RELATION_ID` is `endpoint:id`; the number alone identifies it.
fn relation_id(environment: &Environment) -> Result<RelationId, HookError> {
    let variable = "JUJU_RELATION_ID";
    let text = environment.require(variable)?;
    let number = text.rsplit_once(':').map_or(text, |(_, number)| number);
    number
        .parse()
        .map_err(|source| HookError::Invalid { variable, source })
}

fn secret(environment: &Environment) -> Result<SecretId, HookError> {
    let uri: SecretUri = environment.parse("JUJU_SECRET_ID")?;
    Ok(uri.id().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "9d39bbbe-d95a-405d-8573-6835864daf92";

    fn read(variables: &[(&str, &str)]) -> Result<Event, HookError> {
        let common = [("JUJU_UNIT_NAME", "app/0"), ("JUJU_MODEL_UUID", MODEL)];
        let variables = common
            .iter()
            .chain(variables)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Hook::read(&Environment::new(variables)).map(|hook| hook.event)
    }

    #[test]
    fn a_relation_is_told_by_its_whole_number() {
        let event = read(&[
            ("JUJU_DISPATCH_PATH", "hooks/db-client-relation-departed"),
            ("JUJU_RELATION_ID", "db-client:10"),
            ("JUJU_REMOTE_APP", ""),
            ("JUJU_DEPARTING_UNIT", "other/3"),
        ]);
        let expected = RelationEvent {
            endpoint: "db-client".to_owned(),
            id: "10".parse().expect("a number"),
            change: RelationChange::Departed,
            remote_app: None,
            departing: Some("other/3".parse().expect("a unit")),
        };
        assert_eq!(event.expect("a hook"), Event::Relation(expected));
    }

    #[test]
    fn a_secret_is_told_by_its_id_in_either_form() {
        let id = "cuvbv6p34trs48a10a2g";
        for uri in [format!("secret:{id}"), format!("secret://{MODEL}/{id}")] {
            let event = read(&[
                ("JUJU_DISPATCH_PATH", "hooks/secret-changed"),
                ("JUJU_SECRET_ID", &uri),
            ]);
            let expected = Event::SecretChanged(id.parse().expect("an id"));
            assert_eq!(event.expect("a hook"), expected);
        }
    }

    #[test]
    fn in_an_action_the_hook_name_is_empty() {
        let event = read(&[
            ("JUJU_DISPATCH_PATH", "actions/health"),
            ("JUJU_HOOK_NAME", ""),
        ]);
        assert_eq!(
            event.expect("an action"),
            Event::Action("health".to_owned())
        );
    }

    #[test]
    fn every_other_hook_keeps_its_name() {
        for (name, expected) in [
            ("data-storage-attached", Event::Storage("data".into(), true)),
            (
                "data-storage-detaching",
                Event::Storage("data".into(), false),
            ),
            ("leader-elected", Event::Lifecycle(Lifecycle::LeaderElected)),
            ("collect-metrics", Event::Other("collect-metrics".into())),
            (
                "a-relation-mended",
                Event::Other("a-relation-mended".into()),
            ),
        ] {
            let path = format!("hooks/{name}");
            let event = read(&[("JUJU_DISPATCH_PATH", &path)]);
            assert_eq!(event.expect("a hook"), expected, "{name}");
        }
    }

    #[test]
    fn outside_juju_the_missing_variable_is_named() {
        let error = Hook::read(&Environment::new([])).expect_err("no hook");
        assert!(error.to_string().contains("JUJU_DISPATCH_PATH"));
    }
}
