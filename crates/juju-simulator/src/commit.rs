//! What happens when a hook exits 0: its kept-back writes become real, or the
//! hook fails after all (Juju's `context.go` doFlush, `uniter.go` commitHookChangesForOneUnit).

use crate::context::{Context, Pending};
use crate::model::{JujuVersion, Model};
use crate::name::{RelationId, UnitName};
use crate::secret::Grant;

/// One thing that a commit really changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what they are")]
pub enum Change {
    /// A key of the unit's own data; no value means deleted.
    UnitData {
        relation: RelationId,
        key: String,
        value: Option<String>,
    },
    /// A key of the application's own data; no value means deleted.
    ApplicationData {
        relation: RelationId,
        key: String,
        value: Option<String>,
    },
    /// A key of the unit's state store (state-set).
    State {
        key: String,
        value: Option<String>,
    },
    PortOpened(String),
    PortClosed(String),
    SecretCreated {
        secret: String,
    },
    SecretRevised {
        secret: String,
        revision: u32,
    },
    SecretDescribed {
        secret: String,
    },
    /// One revision, or with `None` the whole secret.
    SecretRemoved {
        secret: String,
        revision: Option<u32>,
    },
    SecretGranted {
        secret: String,
        grant: Grant,
    },
    SecretRevoked {
        secret: String,
        grant: Grant,
    },
    StorageAdded {
        name: String,
        count: u32,
    },
    /// juju-reboot was called. Machines are not simulated, so nothing reboots.
    RebootRequested,
}

type Committed = Result<Vec<Change>, (String, Vec<Change>)>;

impl Model {
    pub(crate) fn commit(&mut self, context: &mut Context) -> Committed {
        let pending = std::mem::take(&mut context.pending);
        let unit = context.unit.clone();
        let atomic = self.options.version == JujuVersion::V4_0;
        let before = self.secrets.clone();
        let mut changes = Vec::new();
        let done = self
            .commit_secrets(&unit, &pending, &mut changes)
            .and_then(|()| self.check_rest(&unit, &pending));
        if let Err(why) = done {
            // 3.6 writes secrets outside of the transaction, so they stay although
            // the relation data was not written; 4.0 has one transaction.
            if atomic {
                self.secrets = before;
                changes.clear();
            }
            return Err((format!("cannot apply changes: {why}"), changes));
        }
        self.commit_rest(&unit, pending, &mut changes);
        Ok(changes)
    }

    fn check_rest(&mut self, unit: &UnitName, pending: &Pending) -> Result<(), String> {
        if self.fail_commit.remove(unit) {
            return Err("state changing too quickly; try again soon".to_owned());
        }
        let written = pending
            .application
            .values()
            .any(|writes| !writes.is_empty());
        if written && !self.is_leader(unit) {
            let application = unit.application();
            return Err(format!(
                "prerequisites failed: \"{unit}\" is not leader of \"{application}\""
            ));
        }
        let written = pending
            .unit
            .iter()
            .chain(&pending.application)
            .filter(|(_, writes)| !writes.is_empty());
        for (id, _) in written {
            if self.relations.get(id).is_none_or(|relation| relation.gone) {
                return Err(match self.options.version {
                    JujuVersion::V3_6 => "permission denied".to_owned(),
                    JujuVersion::V4_0 => "relation not found".to_owned(),
                });
            }
        }
        Ok(())
    }

    fn commit_rest(&mut self, unit: &UnitName, pending: Pending, changes: &mut Vec<Change>) {
        for (id, writes) in &pending.unit {
            if let Some(relation) = self.relations.get_mut(id) {
                let applied = relation
                    .units
                    .entry(unit.clone())
                    .or_default()
                    .apply(writes);
                changes.extend(applied.into_iter().map(|(key, value)| Change::UnitData {
                    relation: *id,
                    key,
                    value,
                }));
            }
        }
        for (id, writes) in &pending.application {
            self.commit_application_data(unit, *id, writes, changes);
        }
        let this = self.unit_mut(unit);
        for (key, value) in pending.state {
            let old = match &value {
                Some(value) => this.state.insert(key.clone(), value.clone()),
                None => this.state.remove(&key),
            };
            if old != value {
                changes.push(Change::State { key, value });
            }
        }
        for (open, endpoint, range) in pending.ports {
            let text = range.to_string();
            if open && this.ports.insert((endpoint.clone(), range.clone())) {
                changes.push(Change::PortOpened(text));
            } else if !open && this.ports.remove(&(endpoint, range)) {
                changes.push(Change::PortClosed(text));
            }
        }
        for (name, count) in pending.storage {
            for _ in 0..count {
                let id = format!("{name}/{}", self.next_storage);
                let storage = self.new_storage(&name);
                self.unit_mut(unit).storage.insert(id, storage);
            }
            changes.push(Change::StorageAdded { name, count });
        }
        if pending.reboot {
            changes.push(Change::RebootRequested);
        }
    }

    fn commit_application_data(
        &mut self,
        unit: &UnitName,
        id: RelationId,
        writes: &std::collections::BTreeMap<String, Option<String>>,
        changes: &mut Vec<Change>,
    ) {
        let Some(relation) = self.relations.get_mut(&id) else {
            return;
        };
        let peer = relation.is_peer();
        let bag = relation
            .applications
            .entry(unit.application().to_owned())
            .or_default();
        let before = bag.version;
        let applied = bag.apply(writes);
        let after = bag.version;
        changes.extend(
            applied
                .into_iter()
                .map(|(key, value)| Change::ApplicationData {
                    relation: id,
                    key,
                    value,
                }),
        );
        // In a peer relation the own application is the remote one, too; the
        // writer has no event of its own write.
        if peer
            && let Some(local) = self.unit_mut(unit).agent.relations.get_mut(&id)
            && local.application_seen == before
        {
            local.application_seen = after;
        }
    }
}
