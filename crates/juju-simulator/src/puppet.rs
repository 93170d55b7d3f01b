//! The part of applications without a process, played by the test's hand. All
//! of it takes effect at once; what Juju refuses is refused with a panic,
//! because a test must not build a world that cannot be.

use std::collections::BTreeMap;

use crate::commit::Change;
use crate::model::Model;
use crate::name::{RelationId, UnitName};
use crate::secret::{Content, Grant, Owner, Reading, SecretUri, Subject};

fn writes(pairs: &[(&str, &str)]) -> BTreeMap<String, Option<String>> {
    let value = |value: &str| (!value.is_empty()).then(|| value.to_owned());
    pairs
        .iter()
        .map(|(key, text)| ((*key).to_owned(), value(text)))
        .collect()
}

pub(crate) fn content(pairs: &[(&str, &str)]) -> Content {
    for (key, value) in pairs {
        assert!(
            crate::tool::secret::is_key(key),
            "{key:?} is no key of a secret"
        );
        assert!(!value.is_empty(), "the value of {key} is empty");
    }
    assert!(!pairs.is_empty(), "a secret needs content");
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

pub(crate) fn id(uri: &str) -> String {
    SecretUri::parse(uri)
        .unwrap_or_else(|| panic!("{uri:?} is no secret URI"))
        .id
}

impl Model {
    /// Writes data of an application as its leader would; an empty value deletes.
    pub fn relation_set_app(
        &mut self,
        relation: RelationId,
        application: &str,
        pairs: &[(&str, &str)],
    ) {
        let relation = self.relation_mut(relation);
        let Some(bag) = relation.applications.get_mut(application) else {
            panic!("{application} is not in the relation")
        };
        bag.apply(&writes(pairs));
    }

    /// Writes data of a unit; an empty value deletes.
    pub fn relation_set_unit(
        &mut self,
        relation: RelationId,
        unit: impl Into<UnitName>,
        pairs: &[(&str, &str)],
    ) {
        let unit = unit.into();
        let relation = self.relation_mut(relation);
        assert!(
            relation.scope.contains(&unit),
            "{unit} is not in the relation"
        );
        relation
            .units
            .entry(unit)
            .or_default()
            .apply(&writes(pairs));
    }

    /// Reads data of an application, as the application at the other end may.
    #[must_use]
    pub fn relation_get_app(
        &self,
        relation: RelationId,
        application: &str,
    ) -> BTreeMap<String, String> {
        self.app_bag(relation, application)
    }

    /// Makes a secret owned by an application and gives its full URI.
    pub fn secret_add(&mut self, application: &str, pairs: &[(&str, &str)]) -> String {
        let _ = self.application(application);
        let id = self.random.secret_id();
        let secret = self.new_secret(
            id.clone(),
            Owner::Application(application.to_owned()),
            content(pairs),
        );
        let uri = secret.uri();
        self.secrets.insert(id, secret);
        uri
    }

    /// Gives a secret new content; equal content makes no revision.
    pub fn secret_set(&mut self, application: &str, uri: &str, pairs: &[(&str, &str)]) {
        self.owned_secret(application, uri)
            .add_revision(content(pairs));
    }

    fn owned_secret(&mut self, application: &str, uri: &str) -> &mut crate::secret::Secret {
        let found = self.secrets.get_mut(&id(uri));
        let Some(secret) = found.filter(|secret| secret.owning_application() == application) else {
            panic!("{application} has no secret {uri}")
        };
        secret
    }

    /// Shares a secret with the application at the other end of a relation.
    ///
    /// # Panics
    /// Panics where Juju refuses, for example over a dying relation.
    pub fn secret_grant(&mut self, application: &str, uri: &str, relation: RelationId) {
        self.try_secret_grant(application, uri, relation)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Shares a secret, or gives Juju's error text.
    ///
    /// # Errors
    /// Fails where Juju refuses.
    pub fn try_secret_grant(
        &mut self,
        application: &str,
        uri: &str,
        relation: RelationId,
    ) -> Result<(), String> {
        let id = self.owned_secret(application, uri).id.clone();
        let subject = Subject::Application(self.relation(relation).other(application).to_owned());
        self.grant(&id, &Grant { subject, relation }).map(drop)
    }

    /// Takes back what was shared over a relation.
    pub fn secret_revoke(&mut self, application: &str, uri: &str, relation: RelationId) {
        self.owned_secret(application, uri)
            .grants
            .retain(|grant| grant.relation != relation);
    }

    /// Removes a secret with all its revisions.
    pub fn secret_remove(&mut self, application: &str, uri: &str) {
        let id = self.owned_secret(application, uri).id.clone();
        self.remove_revision(&id, None);
    }

    /// Reads a secret as a unit would, and moves what it tracks the same way.
    ///
    /// # Errors
    /// Gives Juju's error text if there is no such secret or no right to read it.
    pub fn secret_get_as(
        &mut self,
        unit: impl Into<UnitName>,
        uri: &str,
        refresh: bool,
    ) -> Result<BTreeMap<String, String>, String> {
        let unit = unit.into();
        let reading = if refresh {
            Reading::Refresh
        } else {
            Reading::Tracked
        };
        let found = SecretUri::parse(uri).and_then(|uri| self.find_secret(&unit, &uri));
        let Some(id) = found else {
            return Err(format!("secret \"{uri}\" not found"));
        };
        let content = self.consume(&unit, &id, reading, true)?;
        Ok(content
            .into_iter()
            .map(|(key, value)| (key, crate::run::lossy(&value)))
            .collect())
    }

    /// Makes secret-rotate due once. Time stands still in a model, so a test
    /// that wants it repeated calls again.
    pub fn rotate(&mut self, uri: &str) {
        let Some(secret) = self.secrets.get_mut(&id(uri)) else {
            panic!("there is no secret {uri}")
        };
        secret.rotation_due = true;
    }

    /// Makes secret-expired due once for the latest revision.
    pub fn expire(&mut self, uri: &str) {
        let Some(secret) = self.secrets.get_mut(&id(uri)) else {
            panic!("there is no secret {uri}")
        };
        if !secret.expired.contains(&secret.latest) {
            secret.expired.push(secret.latest);
        }
    }
}

impl Change {
    /// The relation whose data or grant changed, if any.
    #[must_use]
    pub const fn relation(&self) -> Option<RelationId> {
        match self {
            Self::UnitData { relation, .. } | Self::ApplicationData { relation, .. } => {
                Some(*relation)
            }
            Self::SecretGranted { grant, .. } | Self::SecretRevoked { grant, .. } => {
                Some(grant.relation)
            }
            _ => None,
        }
    }
}
