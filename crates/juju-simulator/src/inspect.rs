//! Looking into a model.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::hook::Hook;
use crate::model::Model;
use crate::name::{RelationId, UnitName};
use crate::secret::{Grant, Owner};
use crate::unit::Status;

/// A secret as its owner's model holds it.
#[derive(Clone, Debug)]
pub struct SecretView {
    /// The full URI.
    pub uri: String,
    /// The 20 characters that hooks and changes name it by.
    pub id: String,
    /// The owner's label, or an empty text.
    pub label: String,
    /// The description, or an empty text.
    pub description: String,
    /// The owner.
    pub owner: Owner,
    /// Content by revision; bytes that are no UTF-8 are replaced.
    pub revisions: BTreeMap<u32, BTreeMap<String, String>>,
    /// Who it is shared with, over which relation.
    pub grants: Vec<Grant>,
    /// Which revision each unit tracks that has read it.
    pub tracked: BTreeMap<UnitName, u32>,
}

impl SecretView {
    /// The content of the latest revision.
    #[must_use]
    pub fn latest(&self) -> &BTreeMap<String, String> {
        self.revisions
            .values()
            .next_back()
            .expect("a secret has a revision")
    }
}

/// What a unit's agent is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// Between hooks.
    Idle,
    /// This hook failed and waits to be run again.
    Error(Hook),
}

impl Model {
    /// The data of an application in a relation; empty if there is none.
    #[must_use]
    pub fn app_bag(&self, relation: RelationId, application: &str) -> BTreeMap<String, String> {
        let relation = self.relations.get(&relation);
        relation
            .and_then(|r| r.applications.get(application))
            .map(|bag| bag.data.clone())
            .unwrap_or_default()
    }

    /// The data of a unit in a relation; empty if there is none.
    #[must_use]
    pub fn unit_bag(
        &self,
        relation: RelationId,
        unit: impl Into<UnitName>,
    ) -> BTreeMap<String, String> {
        let relation = self.relations.get(&relation);
        relation
            .and_then(|r| r.units.get(&unit.into()))
            .map(|bag| bag.data.clone())
            .unwrap_or_default()
    }

    /// A unit's status as `juju status` shows it: a unit in error shows the hook.
    #[must_use]
    pub fn unit_status(&self, unit: impl Into<UnitName>) -> Status {
        let unit = self.unit(&unit.into());
        match &unit.agent.error {
            None => unit.status.clone(),
            Some(hook) => {
                let kind = crate::context::Kind::Hook(hook.clone());
                Status::new(
                    "error",
                    &format!("hook failed: \"{}\"", self.hook_name(&unit.name, &kind)),
                )
            }
        }
    }

    /// The status that the application's leader set.
    #[must_use]
    pub fn app_status(&self, application: &str) -> Status {
        self.application(application).status.clone()
    }

    /// What the application or its units own.
    #[must_use]
    pub fn secrets(&self, application: &str) -> Vec<SecretView> {
        let owned = self
            .secrets
            .values()
            .filter(|secret| secret.owning_application() == application);
        owned
            .map(|secret| SecretView {
                uri: secret.uri(),
                id: secret.id.clone(),
                label: secret.label.clone(),
                description: secret.description.clone(),
                owner: secret.owner.clone(),
                revisions: secret
                    .revisions
                    .iter()
                    .map(|(revision, content)| {
                        let text = content
                            .iter()
                            .map(|(key, value)| (key.clone(), crate::run::lossy(value)));
                        (*revision, text.collect())
                    })
                    .collect(),
                grants: secret.grants.clone(),
                tracked: secret
                    .consumers
                    .iter()
                    .map(|(unit, consumer)| (unit.clone(), consumer.pin))
                    .collect(),
            })
            .collect()
    }

    /// What application-version-set set.
    #[must_use]
    pub fn workload_version(&self, application: &str) -> &str {
        &self.application(application).version
    }

    /// A unit's open ports, such as `2379/tcp`.
    #[must_use]
    pub fn open_ports(&self, unit: impl Into<UnitName>) -> Vec<String> {
        let mut ports: Vec<String> = self
            .unit(&unit.into())
            .ports
            .iter()
            .map(|(_, range)| range.to_string())
            .collect();
        ports.dedup();
        ports
    }

    /// The relations of an application's endpoint, ending ones included.
    #[must_use]
    pub fn relation_ids(&self, application: &str, endpoint: &str) -> Vec<RelationId> {
        let fits =
            |end: &crate::relation::End| end.application == application && end.endpoint == endpoint;
        self.relations
            .values()
            .filter(|relation| relation.ends.iter().any(fits))
            .map(|relation| relation.id)
            .collect()
    }

    /// Whether a relation still exists.
    #[must_use]
    pub fn has_relation(&self, relation: RelationId) -> bool {
        self.relations.contains_key(&relation)
    }

    /// Whether a unit has its application's lease.
    #[must_use]
    pub fn is_leader(&self, unit: impl Into<UnitName>) -> bool {
        let unit = unit.into();
        self.applications
            .get(unit.application())
            .is_some_and(|application| application.leader.as_ref() == Some(&unit))
    }

    /// The leader of an application.
    #[must_use]
    pub fn leader(&self, application: &str) -> Option<UnitName> {
        self.application(application).leader.clone()
    }

    /// The units of an application, sorted as strings.
    #[must_use]
    pub fn units(&self, application: &str) -> Vec<UnitName> {
        self.units_of(application)
    }

    /// Whether an application exists.
    #[must_use]
    pub fn has_application(&self, name: &str) -> bool {
        self.applications.contains_key(name)
    }

    /// Whether a unit's agent waits to run a failed hook again.
    #[must_use]
    pub fn agent_state(&self, unit: impl Into<UnitName>) -> AgentState {
        self.unit(&unit.into())
            .agent
            .error
            .clone()
            .map_or(AgentState::Idle, AgentState::Error)
    }

    /// A unit's address.
    #[must_use]
    pub fn address(&self, unit: impl Into<UnitName>) -> String {
        self.unit(&unit.into()).address.clone()
    }

    /// A unit's charm directory.
    #[must_use]
    pub fn charm_directory(&self, unit: impl Into<UnitName>) -> PathBuf {
        self.unit(&unit.into()).directory.join("charm")
    }

    /// Where a unit's storage of this name is, if one is attached or being so.
    #[must_use]
    pub fn storage_location(&self, unit: impl Into<UnitName>, name: &str) -> Option<PathBuf> {
        let unit = self.unit(&unit.into());
        let mut all = unit.storage.iter();
        all.find(|(id, _)| crate::hook::storage_name(id) == name)
            .map(|(_, storage)| storage.location.clone())
    }

    /// What a unit keeps with state-set.
    #[must_use]
    pub fn unit_state(&self, unit: impl Into<UnitName>) -> BTreeMap<String, String> {
        self.unit(&unit.into()).state.clone()
    }
}
