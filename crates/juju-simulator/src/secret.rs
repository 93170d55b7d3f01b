//! Secrets: revisions, owners, grants, and which revision each consumer tracks.

use std::collections::BTreeMap;

use crate::model::Model;
use crate::name::{RelationId, UnitName};

/// Who owns a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An application; its leader manages the secret.
    Application(String),
    /// One unit.
    Unit(UnitName),
}

/// Who a secret is shared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// All units of an application.
    Application(String),
    /// One unit.
    Unit(UnitName),
}

/// A grant, which lives no longer than its relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who may read.
    pub subject: Subject,
    /// The relation it is scoped to.
    pub relation: RelationId,
}

pub(crate) type Content = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Consumer {
    pub(crate) label: Option<String>,
    pub(crate) pin: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Secret {
    pub(crate) id: String,
    pub(crate) model_uuid: String,
    pub(crate) owner: Owner,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) rotate: String,
    pub(crate) expire: String,
    pub(crate) revisions: BTreeMap<u32, Content>,
    pub(crate) latest: u32,
    pub(crate) grants: Vec<Grant>,
    pub(crate) consumers: BTreeMap<UnitName, Consumer>,
    pub(crate) rotation_due: bool,
    /// Revisions whose time is over and that the owner has not removed yet.
    pub(crate) expired: Vec<u32>,
}

impl Secret {
    pub(crate) fn uri(&self) -> String {
        format!("secret://{}/{}", self.model_uuid, self.id)
    }

    pub(crate) fn owning_application(&self) -> &str {
        match &self.owner {
            Owner::Application(application) => application,
            Owner::Unit(unit) => unit.application(),
        }
    }

    /// Revisions that are not the latest and that no consumer tracks any more.
    pub(crate) fn obsolete(&self) -> Vec<u32> {
        let tracked = |revision| {
            self.consumers
                .values()
                .any(|consumer| consumer.pin == revision)
        };
        self.revisions
            .keys()
            .copied()
            .filter(|revision| *revision != self.latest && !tracked(*revision))
            .collect()
    }

    /// Adds a revision, unless the content is that of the latest one: Juju
    /// compares checksums since 3.6 (`core/secrets`). Tells whether it was added.
    pub(crate) fn add_revision(&mut self, content: Content) -> bool {
        if self.revisions.get(&self.latest) == Some(&content) {
            return false;
        }
        self.latest += 1;
        self.revisions.insert(self.latest, content);
        self.rotation_due = false;
        true
    }
}

/// The parts of a secret URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretUri {
    pub(crate) source: Option<String>,
    pub(crate) id: String,
}

impl SecretUri {
    /// Reads the four forms of `core/secrets` ParseURI: `secret:ID`,
    /// `secret://UUID/ID`, `ID` and `UUID/ID`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("secret:").unwrap_or(text);
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (source, id) = match rest.split_once('/') {
            Some((source, id)) => (Some(source.to_owned()), id),
            None => (None, rest),
        };
        let good = id.len() == 20
            && id
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        let good_source = source.as_ref().is_none_or(|source| source.len() == 36);
        (good && good_source).then(|| Self {
            source,
            id: id.to_owned(),
        })
    }
}

/// The short form `secret:ID` of a secret's URI, which some versions of Juju
/// print and any of them reads.
///
/// # Panics
/// Panics if the text is no secret URI.
#[must_use]
pub fn short_uri(uri: &str) -> String {
    let parsed = SecretUri::parse(uri).unwrap_or_else(|| panic!("{uri:?} is no secret URI"));
    format!("secret:{}", parsed.id)
}

/// What a read does to the revision that the reader tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Tracked,
    Peek,
    Refresh,
}

impl Model {
    /// The secret that a URI names to a unit. A URI that names no model means
    /// the unit's own one (Juju's `secretsmanager/secrets.go`, which asks
    /// `uri.IsLocal`), so across models it names nothing.
    pub(crate) fn find_secret(&self, unit: &UnitName, uri: &SecretUri) -> Option<String> {
        let secret = self.secrets.get(&uri.id)?;
        let own = self.uuid_of(unit.application());
        let source = uri.source.as_deref().unwrap_or(own);
        (source == secret.model_uuid).then(|| uri.id.clone())
    }

    /// Who may manage a secret: the owning unit, or the leader of the owning
    /// application. `None` means that the unit does not own it at all.
    pub(crate) fn owns(&self, unit: &UnitName, id: &str) -> bool {
        self.secrets
            .get(id)
            .is_some_and(|secret| match &secret.owner {
                Owner::Application(application) => application == unit.application(),
                Owner::Unit(owner) => owner == unit,
            })
    }

    pub(crate) fn may_read(&self, unit: &UnitName, id: &str) -> bool {
        let granted = |grant: &Grant| match &grant.subject {
            Subject::Application(application) => application == unit.application(),
            Subject::Unit(subject) => subject == unit,
        };
        self.owns(unit, id)
            || self
                .secrets
                .get(id)
                .is_some_and(|secret| secret.grants.iter().any(granted))
    }

    /// The error of a reader without right, which differs between versions.
    pub(crate) fn refusal(&self, unit: &UnitName) -> String {
        match self.options.version {
            crate::JujuVersion::V3_6 => "permission denied".to_owned(),
            crate::JujuVersion::V4_0 => format!("\"{unit}\" is not allowed to read this secret"),
        }
    }

    /// Reads a committed secret as `unit` does and keeps the record of what it
    /// tracks. The record is made and moved at once, whatever becomes of the hook.
    pub(crate) fn consume(
        &mut self,
        unit: &UnitName,
        id: &str,
        reading: Reading,
        move_pin: bool,
    ) -> Result<Content, String> {
        if !self.secrets.contains_key(id) {
            return Err(format!("secret \"{id}\" not found"));
        }
        if !self.may_read(unit, id) {
            return Err(self.refusal(unit));
        }
        let Some(secret) = self.secrets.get_mut(id) else {
            return Err(format!("secret \"{id}\" not found"));
        };
        let latest = secret.latest;
        let first = !secret.consumers.contains_key(unit);
        let consumer = secret.consumers.entry(unit.clone()).or_default();
        if consumer.pin == 0 || (reading == Reading::Refresh && move_pin) {
            consumer.pin = latest;
        }
        let revision = if reading == Reading::Tracked {
            consumer.pin
        } else {
            latest
        };
        let content = secret.revisions.get(&revision).cloned();
        if first && let Some(unit) = self.units.get_mut(unit) {
            unit.agent.secrets.entry(id.to_owned()).or_default().handled = latest;
        }
        content.ok_or_else(|| format!("secret revision {revision} for secret \"{id}\" not found"))
    }

    /// A label that the owner of a secret gave to another of its secrets.
    pub(crate) fn label_taken(&self, owner: &Owner, label: &str, except: &str) -> bool {
        !label.is_empty()
            && self.secrets.values().any(|secret| {
                secret.owner == *owner && secret.label == label && secret.id != except
            })
    }

    /// Whether a secret can be shared over a relation at all. A consumer in
    /// another model cannot share with the offering side.
    pub(crate) fn secret_blocked_across_models(
        &self,
        owning_application: &str,
        relation: RelationId,
    ) -> bool {
        let Some(relation) = self.relations.get(&relation) else {
            return false;
        };
        let side = |name: &str| {
            self.applications
                .get(name)
                .and_then(|app| app.remote.as_ref())
                .map(|remote| remote.side)
        };
        let other = relation.other(owning_application);
        side(owning_application) == Some(crate::RemoteSide::Consumer)
            || side(other) == Some(crate::RemoteSide::Offerer)
    }
}
