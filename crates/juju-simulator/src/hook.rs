//! The hooks of a charm, by what they are about.

use crate::name::{RelationId, UnitName};

/// A hook and what it is about. `secret` is the 20 characters of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    missing_docs,
    reason = "the names are Juju's own hook names and variables"
)]
pub enum Hook {
    Install,
    Start,
    Stop,
    Remove,
    UpgradeCharm,
    ConfigChanged,
    UpdateStatus,
    LeaderElected,
    /// Juju 3.6 only.
    LeaderSettingsChanged,
    StorageAttached {
        storage: String,
    },
    StorageDetaching {
        storage: String,
    },
    RelationCreated {
        relation: RelationId,
    },
    RelationJoined {
        relation: RelationId,
        unit: UnitName,
    },
    /// `unit` is `None` when the remote application's own data changed.
    RelationChanged {
        relation: RelationId,
        unit: Option<UnitName>,
    },
    RelationDeparted {
        relation: RelationId,
        unit: UnitName,
        departing: UnitName,
    },
    RelationBroken {
        relation: RelationId,
    },
    SecretChanged {
        secret: String,
    },
    SecretRotate {
        secret: String,
    },
    SecretExpired {
        secret: String,
        revision: u32,
    },
    SecretRemove {
        secret: String,
        revision: u32,
    },
}

impl Hook {
    /// The relation that the hook is about, if any.
    #[must_use]
    pub const fn relation(&self) -> Option<RelationId> {
        match self {
            Self::RelationCreated { relation }
            | Self::RelationJoined { relation, .. }
            | Self::RelationChanged { relation, .. }
            | Self::RelationDeparted { relation, .. }
            | Self::RelationBroken { relation } => Some(*relation),
            _ => None,
        }
    }

    /// The remote unit that the hook is about, if any.
    #[must_use]
    pub const fn remote_unit(&self) -> Option<&UnitName> {
        match self {
            Self::RelationJoined { unit, .. } | Self::RelationDeparted { unit, .. } => Some(unit),
            Self::RelationChanged { unit, .. } => unit.as_ref(),
            _ => None,
        }
    }

    /// The secret that the hook is about, if any.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::SecretChanged { secret }
            | Self::SecretRotate { secret }
            | Self::SecretExpired { secret, .. }
            | Self::SecretRemove { secret, .. } => Some(secret),
            _ => None,
        }
    }

    /// The full name, given the endpoint of the hook's relation (or nothing).
    pub(crate) fn name(&self, endpoint: &str) -> String {
        let fixed = match self {
            Self::Install => "install",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Remove => "remove",
            Self::UpgradeCharm => "upgrade-charm",
            Self::ConfigChanged => "config-changed",
            Self::UpdateStatus => "update-status",
            Self::LeaderElected => "leader-elected",
            Self::LeaderSettingsChanged => "leader-settings-changed",
            Self::SecretChanged { .. } => "secret-changed",
            Self::SecretRotate { .. } => "secret-rotate",
            Self::SecretExpired { .. } => "secret-expired",
            Self::SecretRemove { .. } => "secret-remove",
            Self::StorageAttached { storage } => {
                return format!("{}-storage-attached", storage_name(storage));
            }
            Self::StorageDetaching { storage } => {
                return format!("{}-storage-detaching", storage_name(storage));
            }
            Self::RelationCreated { .. } => return format!("{endpoint}-relation-created"),
            Self::RelationJoined { .. } => return format!("{endpoint}-relation-joined"),
            Self::RelationChanged { .. } => return format!("{endpoint}-relation-changed"),
            Self::RelationDeparted { .. } => return format!("{endpoint}-relation-departed"),
            Self::RelationBroken { .. } => return format!("{endpoint}-relation-broken"),
        };
        fixed.to_owned()
    }
}

pub(crate) fn storage_name(storage: &str) -> &str {
    storage.split_once('/').map_or(storage, |(name, _)| name)
}
