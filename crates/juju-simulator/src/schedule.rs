//! Which hook is due next: the resolvers of the uniter, in their order
//! (Juju's `uniter/resolver.go`, `relation/resolver.go`, `secrets/resolver.go`).

use crate::hook::Hook;
use crate::model::{JujuVersion, Model};
use crate::name::{RelationId, UnitName};
use crate::secret::Owner;
use crate::unit::StorageState;

impl Model {
    /// The next due hook of a unit, if there is one.
    pub(crate) fn next_hook(&mut self, name: &UnitName) -> Option<Hook> {
        if self.application(name.application()).is_puppet() {
            return None;
        }
        if let Some(failed) = &self.unit(name).agent.error {
            return Some(failed.clone());
        }
        self.enter_relations(name);
        self.follow_leadership(name);
        let upgraded = self.application(name.application()).charm_version;
        let unit = self.unit(name);
        let agent = &unit.agent;
        let (installed, started, dying) = (agent.installed, agent.started, unit.dying);
        if installed && !dying && agent.charm_seen != upgraded {
            return Some(Hook::UpgradeCharm);
        }
        if installed && !dying {
            let created = self
                .created_hook(name)
                .or_else(|| self.leadership_hook(name));
            if created.is_some() {
                return created;
            }
        }
        if started
            && !dying
            && !self.unit(name).agent.start_queued
            && let Some(hook) = self.secret_hook(name)
        {
            return Some(hook);
        }
        if let Some(hook) = self.storage_hook(name) {
            return Some(hook);
        }
        let agent = &self.unit(name).agent;
        if dying {
            return Some(match self.relation_hook(name) {
                Some(hook) => hook,
                None if !self.unit(name).agent.stopped => Hook::Stop,
                None => Hook::Remove,
            });
        }
        if !installed {
            return Some(Hook::Install);
        }
        if agent.start_queued {
            return Some(Hook::Start);
        }
        if agent.config_seen != Some(self.config_now(name)) {
            return Some(Hook::ConfigChanged);
        }
        self.relation_hook(name)
    }

    pub(crate) fn config_now(&self, name: &UnitName) -> (u64, String) {
        (
            self.application(name.application()).config_version,
            self.unit(name).address.clone(),
        )
    }

    /// A unit enters the scope of every living relation of its application as
    /// soon as it is installed, before it runs relation-created.
    fn enter_relations(&mut self, name: &UnitName) {
        let unit = self.unit(name);
        if !unit.agent.installed || unit.dying {
            return;
        }
        let new: Vec<RelationId> = self
            .relations
            .values()
            .filter(|r| r.end(name.application()).is_some() && r.is_alive() && !r.suspended)
            .map(|r| r.id)
            .filter(|id| !unit.agent.relations.contains_key(id))
            .collect();
        for id in new {
            self.enter_scope(id, name);
            self.unit_mut(name)
                .agent
                .relations
                .insert(id, Default::default());
        }
    }

    fn created_hook(&mut self, name: &UnitName) -> Option<Hook> {
        let agent = &self.unit(name).agent;
        let waiting: Vec<RelationId> = agent
            .relations
            .iter()
            .filter(|(id, local)| {
                !local.created
                    && self
                        .relations
                        .get(id)
                        .is_some_and(|r| r.is_alive() && !r.suspended)
            })
            .map(|(id, _)| *id)
            .collect();
        self.random
            .choose(&waiting)
            .map(|relation| Hook::RelationCreated { relation })
    }

    fn follow_leadership(&mut self, name: &UnitName) {
        let leader = self.is_leader(name);
        let version = self.application(name.application()).leader_settings_version;
        let agent = &mut self.unit_mut(name).agent;
        if leader {
            agent.leader_settings_seen = version;
        } else {
            // There is no leader-deposed hook; being elected again is told again.
            agent.elected = false;
        }
    }

    fn leadership_hook(&self, name: &UnitName) -> Option<Hook> {
        let agent = &self.unit(name).agent;
        let version = self.application(name.application()).leader_settings_version;
        if self.is_leader(name) {
            return (!agent.elected).then_some(Hook::LeaderElected);
        }
        let told =
            self.options.version == JujuVersion::V4_0 || agent.leader_settings_seen == version;
        (!told).then_some(Hook::LeaderSettingsChanged)
    }

    /// Order: expired, rotate, changed, remove; among secrets at random, since
    /// Juju walks a Go map.
    fn secret_hook(&mut self, name: &UnitName) -> Option<Hook> {
        let mut kinds: [Vec<Hook>; 4] = Default::default();
        for (id, secret) in &self.secrets {
            let id = || id.clone();
            let owner = match &secret.owner {
                Owner::Unit(unit) => unit == name,
                Owner::Application(application) => {
                    application == name.application() && self.is_leader(name)
                }
            };
            let local = self.unit(name).agent.secrets.get(&secret.id);
            if owner {
                if let Some(revision) = secret.expired.first() {
                    kinds[0].push(Hook::SecretExpired {
                        secret: id(),
                        revision: *revision,
                    });
                }
                if secret.rotation_due {
                    kinds[1].push(Hook::SecretRotate { secret: id() });
                }
                let told = |revision: &u32| {
                    local.is_some_and(|local| local.removal_told.contains(revision))
                };
                if let Some(revision) = secret
                    .obsolete()
                    .into_iter()
                    .find(|revision| !told(revision))
                {
                    kinds[3].push(Hook::SecretRemove {
                        secret: id(),
                        revision,
                    });
                }
            }
            let behind = secret
                .consumers
                .get(name)
                .is_some_and(|consumer| consumer.pin < secret.latest);
            let handled = local.map_or(0, |local| local.handled);
            if behind && handled < secret.latest && self.may_read(name, &secret.id) {
                kinds[2].push(Hook::SecretChanged { secret: id() });
            }
        }
        kinds
            .into_iter()
            .find(|hooks| !hooks.is_empty())
            .and_then(|hooks| self.random.choose(&hooks))
    }

    fn storage_hook(&self, name: &UnitName) -> Option<Hook> {
        let unit = self.unit(name);
        unit.storage
            .iter()
            .find_map(|(id, storage)| match storage.state {
                StorageState::Attaching if !unit.dying => Some(Hook::StorageAttached {
                    storage: id.clone(),
                }),
                StorageState::Attached if unit.dying => Some(Hook::StorageDetaching {
                    storage: id.clone(),
                }),
                _ => None,
            })
    }

    /// One due hook of a relation chosen at random, since Juju walks a Go map.
    fn relation_hook(&mut self, name: &UnitName) -> Option<Hook> {
        self.leave_quietly(name);
        let ids: Vec<RelationId> = self.unit(name).agent.relations.keys().copied().collect();
        let due: Vec<Hook> = ids
            .into_iter()
            .filter_map(|id| self.hook_of_relation(name, id))
            .collect();
        self.random.choose(&due)
    }

    pub(crate) fn is_ending(&self, name: &UnitName, id: RelationId) -> bool {
        self.unit(name).dying
            || self
                .relations
                .get(&id)
                .is_none_or(|r| !r.is_alive() || r.suspended)
    }

    /// Leaves relations that end without a hook: peer relations of a dying unit,
    /// which have no broken, and relations that ended before created was run.
    fn leave_quietly(&mut self, name: &UnitName) {
        let done: Vec<RelationId> = self
            .unit(name)
            .agent
            .relations
            .iter()
            .filter(|(id, local)| {
                let peer = self
                    .relations
                    .get(id)
                    .is_none_or(super::relation::Relation::is_peer);
                let rest = local.members.is_empty() && local.changed_pending.is_none();
                self.is_ending(name, **id) && rest && (peer || !local.created)
            })
            .map(|(id, _)| *id)
            .collect();
        for id in done {
            self.unit_mut(name).agent.relations.remove(&id);
            self.leave_scope(id, name);
        }
    }

    /// Priority in one relation: changed that joined owes, departed, broken,
    /// application changed, joined, changed.
    fn hook_of_relation(&self, name: &UnitName, id: RelationId) -> Option<Hook> {
        let unit = self.unit(name);
        let relation = self.relations.get(&id)?;
        let local = unit.agent.relations.get(&id)?;
        if let Some(owed) = &local.changed_pending {
            return Some(Hook::RelationChanged {
                relation: id,
                unit: Some(owed.clone()),
            });
        }
        if !local.created {
            return None;
        }
        let ending = self.is_ending(name, id);
        let remote = if ending {
            Default::default()
        } else {
            relation.remote_scope(name)
        };
        let mut members = local.members.keys();
        if let Some(gone) = members.find(|member| !remote.contains(*member)) {
            let own = unit.dying || self.application(name.application()).dying;
            let departing = if own { name.clone() } else { gone.clone() };
            return Some(Hook::RelationDeparted {
                relation: id,
                unit: gone.clone(),
                departing,
            });
        }
        if ending {
            return Some(Hook::RelationBroken { relation: id });
        }
        let version = relation
            .applications
            .get(relation.other(name.application()))
            .map_or(0, |bag| bag.version);
        if version > local.application_seen {
            return Some(Hook::RelationChanged {
                relation: id,
                unit: None,
            });
        }
        let mut present = remote.iter();
        if let Some(new) = present.find(|unit| !local.members.contains_key(*unit)) {
            return Some(Hook::RelationJoined {
                relation: id,
                unit: new.clone(),
            });
        }
        let changed = local.members.iter().find(|(member, seen)| {
            relation
                .units
                .get(*member)
                .is_some_and(|bag| bag.version != **seen)
        });
        changed.map(|(member, _)| Hook::RelationChanged {
            relation: id,
            unit: Some(member.clone()),
        })
    }
}
