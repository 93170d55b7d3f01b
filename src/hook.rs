//! What Juju asks of this run: the typed event. The only reader of the
//! process environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use thiserror::Error;

use crate::model::{
    AppName, InvalidId, ModelUuid, OlderInterface, Relation, RelationId, SecretId, UnitName,
};
use crate::relation::{CLUSTER, ETCD_CLIENT};

/// One run of the charm: for whom, and why.
#[derive(Clone, Debug)]
pub struct Hook {
    /// What happened.
    pub event: Event,
    /// This unit (`JUJU_UNIT_NAME`, for example `etcd/0`).
    pub unit: UnitName,
    /// This model (`JUJU_MODEL_UUID`).
    pub model: ModelUuid,
    /// The directory below which this machine's files lie: `/` in production.
    /// `ETCD_CHARM_ROOT` moves it, for a chroot or a test; Juju builds the
    /// environment of a hook itself, so nobody else can set it.
    pub root: PathBuf,
    /// Where programs are found (`PATH`), hook tools first.
    pub search_path: OsString,
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// An operator runs an action (`JUJU_ACTION_NAME`).
    Action(String),
    /// Something about a relation with a client (`etcd-client-relation-*`).
    Client {
        /// The relation.
        relation: Relation,
        /// The application at the other end; Juju is known to leave it out at
        /// times (lp1960934), then hook tools tell it.
        remote_app: Option<AppName>,
        /// Whether the relation is over (`-relation-broken`), as far as this
        /// unit is concerned: Juju says the same to a unit that is going away
        /// itself.
        broken: bool,
        /// The unit that is leaving the relation (`-relation-departed`).
        departing: Option<UnitName>,
    },
    /// Something about a relation of an older interface (`db-relation-*`,
    /// `proxy-relation-*`).
    Older {
        /// Which interface.
        interface: OlderInterface,
        /// The relation.
        relation: RelationId,
        /// Whether the relation is over, as with [`Event::Client`].
        broken: bool,
        /// The unit that is leaving the relation (`-relation-departed`).
        departing: Option<UnitName>,
    },
    /// Something about the units of this application (`cluster-relation-*`).
    Peer {
        /// The relation.
        relation: RelationId,
        /// The unit that is leaving the application (`-relation-departed`).
        departing: Option<UnitName>,
    },
    /// A secret that this unit has read has a new revision.
    SecretChanged(SecretId),
    /// A revision of a secret of ours is read by nobody any more.
    SecretRemove(SecretId, u32),
    /// This unit or its machine is set up, changed, or looked after:
    /// `install`, `start`, `config-changed`, `leader-elected`,
    /// `upgrade-charm`, `update-status` and storage that was attached.
    Lifecycle {
        /// Whether a resource may have been attached since the last run: Juju
        /// sends `upgrade-charm` when that happens.
        resources: bool,
        /// Whether Juju sends this event only to units that are to stay.
        proves_life: bool,
    },
    /// The storage for etcd's data is being taken away
    /// (`data-storage-detaching`), which is the first that a unit hears of its
    /// own removal.
    StorageDetaching,
    /// This unit is going away (`stop`).
    Stop,
    /// Nothing that concerns this charm.
    Ignored,
}

/// An environment that is not a hook's.
#[derive(Debug, Error)]
pub enum HookError {
    /// The program was not started by Juju, or not as a charm.
    #[error("failed to read the hook: {0} is not set; this program is run by Juju as `dispatch`")]
    Missing(&'static str),
    /// A variable does not hold what Juju puts into it.
    #[error("failed to read the hook: {variable} is unusable")]
    Invalid {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        #[source]
        source: InvalidId,
    },
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

    fn get(&self, name: &'static str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn require(&self, name: &'static str) -> Result<&str, HookError> {
        self.get(name).ok_or(HookError::Missing(name))
    }

    fn parse<T: std::str::FromStr<Err = InvalidId>>(
        &self,
        variable: &'static str,
    ) -> Result<T, HookError> {
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
            root: environment.get("ETCD_CHARM_ROOT").unwrap_or("/").into(),
            search_path: environment.get("PATH").unwrap_or_default().into(),
        })
    }
}

impl Event {
    /// `JUJU_DISPATCH_PATH` is `hooks/<name>` or `actions/<name>` whichever way
    /// Juju starts the charm (`internal/worker/uniter/runner`).
    fn read(environment: &Environment) -> Result<Self, HookError> {
        let path = environment.require("JUJU_DISPATCH_PATH")?;
        if let Some(action) = path.strip_prefix("actions/") {
            return Ok(Self::Action(action.to_owned()));
        }
        let name = path.strip_prefix("hooks/").unwrap_or(path);
        Ok(match name {
            "install" | "upgrade-charm" => Self::Lifecycle {
                resources: true,
                proves_life: false,
            },
            "leader-elected" | "leader-settings-changed" => Self::Lifecycle {
                resources: false,
                proves_life: false,
            },
            "start" | "config-changed" | "update-status" | "data-storage-attached" => {
                Self::Lifecycle {
                    resources: false,
                    proves_life: true,
                }
            }
            "data-storage-detaching" => Self::StorageDetaching,
            "stop" => Self::Stop,
            "secret-changed" => Self::SecretChanged(secret(environment)?),
            "secret-remove" => {
                let revision = environment.require("JUJU_SECRET_REVISION")?;
                match revision.parse() {
                    Ok(revision) => Self::SecretRemove(secret(environment)?, revision),
                    Err(_) => Self::Ignored,
                }
            }
            _ => match name.rsplit_once("-relation-") {
                Some((endpoint, event)) if endpoint == ETCD_CLIENT.0 => Self::Client {
                    relation: Relation {
                        endpoint: ETCD_CLIENT,
                        id: relation_id(environment)?,
                    },
                    remote_app: environment
                        .get("JUJU_REMOTE_APP")
                        .and_then(|name| name.parse().ok()),
                    broken: event == "broken",
                    departing: departing(environment),
                },
                Some((endpoint, _)) if endpoint == CLUSTER.0 => Self::Peer {
                    relation: relation_id(environment)?,
                    departing: departing(environment),
                },
                Some((endpoint, event)) => match older_interface(endpoint) {
                    Some(interface) => Self::Older {
                        interface,
                        relation: relation_id(environment)?,
                        broken: event == "broken",
                        departing: departing(environment),
                    },
                    None => Self::Ignored,
                },
                None => Self::Ignored,
            },
        })
    }
}

fn older_interface(endpoint: &str) -> Option<OlderInterface> {
    let mut all = OlderInterface::ALL.into_iter();
    all.find(|interface| interface.endpoint().0 == endpoint)
}

/// `JUJU_DEPARTING_UNIT` is set in departed hooks only. It is this unit itself
/// when this unit is going away.
fn departing(environment: &Environment) -> Option<UnitName> {
    environment.get("JUJU_DEPARTING_UNIT")?.parse().ok()
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
    let variable = "JUJU_SECRET_ID";
    let uri: crate::model::SecretUri = environment.parse(variable)?;
    Ok(uri.id().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = "9d39bbbe-d95a-405d-8573-6835864daf92";

    fn read(variables: &[(&str, &str)]) -> Result<Event, HookError> {
        let common = [("JUJU_UNIT_NAME", "etcd/0"), ("JUJU_MODEL_UUID", MODEL)];
        let variables = common
            .iter()
            .chain(variables)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Hook::read(&Environment::new(variables)).map(|hook| hook.event)
    }

    #[test]
    fn a_broken_relation_is_told_by_its_whole_number() {
        let event = read(&[
            ("JUJU_DISPATCH_PATH", "hooks/etcd-client-relation-broken"),
            ("JUJU_RELATION_ID", "etcd-client:10"),
            ("JUJU_REMOTE_APP", "app"),
            ("JUJU_REMOTE_UNIT", ""),
        ]);
        let expected = Event::Client {
            relation: Relation {
                endpoint: ETCD_CLIENT,
                id: RelationId(10),
            },
            remote_app: Some("app".parse().expect("a name")),
            broken: true,
            departing: None,
        };
        assert_eq!(event.expect("a hook"), expected);
    }

    #[test]
    fn relations_of_the_older_interfaces_are_told_apart() {
        for (endpoint, interface) in [("db", OlderInterface::Db), ("proxy", OlderInterface::Proxy)]
        {
            let event = read(&[
                (
                    "JUJU_DISPATCH_PATH",
                    &format!("hooks/{endpoint}-relation-departed"),
                ),
                ("JUJU_RELATION_ID", &format!("{endpoint}:7")),
                ("JUJU_DEPARTING_UNIT", "app/0"),
            ]);
            let expected = Event::Older {
                interface,
                relation: RelationId(7),
                broken: false,
                departing: Some("app/0".parse().expect("a unit")),
            };
            assert_eq!(event.expect("a hook"), expected);
        }
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
    fn hooks_of_others_concern_nobody() {
        for path in [
            "hooks/collect-metrics",
            "hooks/grafana-relation-changed",
            "hooks/remove",
        ] {
            let event = read(&[("JUJU_DISPATCH_PATH", path)]);
            assert_eq!(event.expect("a hook"), Event::Ignored, "{path}");
        }
    }

    #[test]
    fn outside_juju_the_missing_variable_is_named() {
        let error = Hook::read(&Environment::new([])).expect_err("no hook");
        assert!(error.to_string().contains("JUJU_DISPATCH_PATH"));
    }
}
