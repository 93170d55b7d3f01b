//! What Juju asks of this run, in terms of this charm's endpoints and storage.

use std::ffi::OsString;
use std::path::PathBuf;

pub use juju_hooks::{Environment, HookError, arguments, program};
use juju_hooks::{Lifecycle, RelationChange, RelationEvent};

use crate::facts::{AppName, LegacyInterface, ModelUuid, Relation, RelationId, SecretId, UnitName};
use crate::relation::{CERTIFICATES, CLIENT_CERTIFICATES, CLUSTER, ETCD_CLIENT, SEND_CA_CERT};

/// The storage that holds etcd's data, as `metadata.yaml` names it.
const DATA: &str = "data";

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
    /// The directory with the charm's own files (`JUJU_CHARM_DIR`).
    pub charm_dir: Option<PathBuf>,
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
    /// Something about a relation over which certificates are asked for
    /// (`certificates-relation-*`).
    Signing {
        /// The relation.
        relation: Relation,
        /// The application at the other end, as with [`Event::Client`].
        remote_app: Option<AppName>,
        /// Whether the relation is over, as with [`Event::Client`].
        broken: bool,
        /// The unit that is leaving the relation (`-relation-departed`).
        departing: Option<UnitName>,
    },
    /// Something about a relation of a legacy interface (`db-relation-*`,
    /// `proxy-relation-*`).
    Legacy {
        /// Which interface.
        interface: LegacyInterface,
        /// The relation.
        relation: RelationId,
        /// Whether the relation is over, as with [`Event::Client`].
        broken: bool,
        /// The unit that is leaving the relation (`-relation-departed`).
        departing: Option<UnitName>,
    },
    /// Something about a relation with whoever wants to know whom to trust
    /// (`send-ca-cert-relation-*`).
    Transfer {
        /// The relation.
        relation: Relation,
        /// The application at the other end, as with [`Event::Client`].
        remote_app: Option<AppName>,
        /// Whether the relation is over, as with [`Event::Client`].
        broken: bool,
        /// The unit that is leaving the relation (`-relation-departed`).
        departing: Option<UnitName>,
    },
    /// Something about the relation with whoever signs what members show to clients
    /// (`client-certificates-relation-*`). It concerns all clients, so it is not one
    /// relation's.
    Provider {
        /// The relation.
        relation: Relation,
        /// The application at the other end, as with [`Event::Client`].
        remote_app: Option<AppName>,
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
    /// own removal. It is gone right after this hook, so everything that the
    /// member has to do before it ends is done in here.
    StorageDetaching,
    /// This unit is going away (`stop`).
    Stop,
    /// This unit is gone but for this hook (`remove`).
    Remove,
    /// Nothing that concerns this charm.
    Ignored,
}

impl Event {
    /// Whether Juju may show another status than this unit has set last: it sets
    /// one itself when it installs a charm, and a unit that leads now did not set
    /// that of the application.
    pub fn may_have_changed_status(&self) -> bool {
        let proves_life = match self {
            Self::Lifecycle { proves_life, .. } => *proves_life,
            _ => true,
        };
        !proves_life
    }

    /// Whether this hook tells of a new leader, or comes once in a long time: what
    /// this unit noted while it led is not relied on.
    pub fn may_follow_another_leader(&self) -> bool {
        matches!(
            self,
            Self::Lifecycle {
                proves_life: false,
                ..
            }
        )
    }

    /// The relation over which somebody has access and that ends, where this hook may
    /// tell of that; and whether it is over, or a unit leaves it, which may be the last.
    pub fn end(&self) -> Option<(RelationId, bool)> {
        let (relation, broken, departing) = match self {
            Self::Client {
                relation,
                broken,
                departing,
                ..
            }
            | Self::Signing {
                relation,
                broken,
                departing,
                ..
            } => (relation.id, broken, departing),
            Self::Legacy {
                relation,
                broken,
                departing,
                ..
            } => (*relation, broken, departing),
            _ => return None,
        };
        (*broken || departing.is_some()).then_some((relation, *broken))
    }

    /// Whether what this unit noted of its own application's databags may stand for
    /// what Juju would say of them. Where an operator asks, Juju is asked.
    pub fn may_use_notes(&self) -> bool {
        let is_regular = matches!(self, Self::Peer { .. } | Self::Lifecycle { .. });
        is_regular && !self.may_follow_another_leader()
    }
}

impl Hook {
    /// Reads what Juju says of this run.
    ///
    /// # Errors
    /// The environment is not that of a hook.
    pub fn read(environment: &Environment) -> Result<Self, HookError> {
        let hook = juju_hooks::Hook::read(environment)?;
        Ok(Self {
            event: hook.event.into(),
            unit: hook.unit,
            model: hook.model,
            root: environment.get("ETCD_CHARM_ROOT").unwrap_or("/").into(),
            search_path: hook.search_path,
            charm_dir: environment.get("JUJU_CHARM_DIR").map(PathBuf::from),
        })
    }
}

impl From<juju_hooks::Event> for Event {
    fn from(event: juju_hooks::Event) -> Self {
        use juju_hooks::Event as Juju;
        match event {
            Juju::Action(name) => Self::Action(name),
            Juju::Lifecycle(event) => lifecycle(event),
            Juju::Relation(event) => relation(event),
            Juju::SecretChanged(secret) => Self::SecretChanged(secret),
            Juju::SecretRemove(secret, revision) => Self::SecretRemove(secret, revision),
            Juju::Storage(name, attached) if name == DATA => match attached {
                true => Self::Lifecycle {
                    resources: false,
                    proves_life: true,
                },
                false => Self::StorageDetaching,
            },
            Juju::Other(_) | Juju::Storage(..) => Self::Ignored,
        }
    }
}

fn lifecycle(event: Lifecycle) -> Event {
    match event {
        Lifecycle::Install | Lifecycle::UpgradeCharm => Event::Lifecycle {
            resources: true,
            proves_life: false,
        },
        Lifecycle::LeaderElected | Lifecycle::LeaderSettingsChanged => Event::Lifecycle {
            resources: false,
            proves_life: false,
        },
        Lifecycle::ConfigChanged | Lifecycle::Start | Lifecycle::UpdateStatus => Event::Lifecycle {
            resources: false,
            proves_life: true,
        },
        Lifecycle::Remove => Event::Remove,
        Lifecycle::Stop => Event::Stop,
    }
}

fn relation(event: RelationEvent) -> Event {
    let broken = event.change == RelationChange::Broken;
    let RelationEvent {
        endpoint,
        id,
        remote_app,
        departing,
        ..
    } = event;
    let of = |endpoint| Relation { endpoint, id };
    if endpoint == ETCD_CLIENT.0 {
        return Event::Client {
            relation: of(ETCD_CLIENT),
            remote_app,
            broken,
            departing,
        };
    }
    if endpoint == CERTIFICATES.0 {
        return Event::Signing {
            relation: of(CERTIFICATES),
            remote_app,
            broken,
            departing,
        };
    }
    if endpoint == SEND_CA_CERT.0 {
        return Event::Transfer {
            relation: of(SEND_CA_CERT),
            remote_app,
            broken,
            departing,
        };
    }
    if endpoint == CLIENT_CERTIFICATES.0 {
        return Event::Provider {
            relation: of(CLIENT_CERTIFICATES),
            remote_app,
            departing,
        };
    }
    if endpoint == CLUSTER.0 {
        return Event::Peer {
            relation: id,
            departing,
        };
    }
    match legacy_interface(&endpoint) {
        Some(interface) => Event::Legacy {
            interface,
            relation: id,
            broken,
            departing,
        },
        None => Event::Ignored,
    }
}

fn legacy_interface(endpoint: &str) -> Option<LegacyInterface> {
    let mut all = LegacyInterface::ALL.into_iter();
    all.find(|interface| interface.endpoint().0 == endpoint)
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
    fn relations_of_the_legacy_interfaces_are_told_apart() {
        for (endpoint, interface) in [
            ("db", LegacyInterface::Db),
            ("proxy", LegacyInterface::Proxy),
        ] {
            let event = read(&[
                (
                    "JUJU_DISPATCH_PATH",
                    &format!("hooks/{endpoint}-relation-departed"),
                ),
                ("JUJU_RELATION_ID", &format!("{endpoint}:7")),
                ("JUJU_DEPARTING_UNIT", "app/0"),
            ]);
            let expected = Event::Legacy {
                interface,
                relation: RelationId(7),
                broken: false,
                departing: Some("app/0".parse().expect("a unit")),
            };
            assert_eq!(event.expect("a hook"), expected);
        }
    }

    #[test]
    fn hooks_of_others_concern_nobody() {
        for path in [
            "hooks/collect-metrics",
            "hooks/grafana-relation-changed",
            "hooks/other-storage-detaching",
        ] {
            let event = read(&[
                ("JUJU_DISPATCH_PATH", path),
                ("JUJU_RELATION_ID", "grafana:3"),
            ]);
            assert_eq!(event.expect("a hook"), Event::Ignored, "{path}");
        }
    }
}
