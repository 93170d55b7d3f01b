//! Running due hooks, and what their success or failure means to the agent
//! (Juju's `operation/runhook.go` and `runhook.go`).

use crate::context::{Context, Kind};
use crate::hook::Hook;
use crate::model::Model;
use crate::name::UnitName;
use crate::relation::Bag;
use crate::report::HookRun;
use crate::unit::{Status, StorageState};

impl Model {
    /// Runs a hook that the test chose, such as update-status.
    ///
    /// # Panics
    /// Panics if the unit is in error: its failed hook has to succeed first.
    pub fn run_hook(&mut self, unit: impl Into<UnitName>, hook: Hook) -> HookRun {
        let unit = unit.into();
        let waiting = self.unit(&unit).agent.error.as_ref();
        assert!(
            waiting.is_none(),
            "{unit} is in error and runs only {waiting:?}"
        );
        self.run_due(&unit, hook)
    }

    /// What `juju resolved` does: runs the failed hook again at once, or with
    /// `retry` false takes it as done.
    ///
    /// # Panics
    /// Panics if the unit is not in error.
    pub fn resolved(&mut self, unit: impl Into<UnitName>, retry: bool) -> Option<HookRun> {
        let unit = unit.into();
        let Some(hook) = self.unit(&unit).agent.error.clone() else {
            panic!("{unit} is not in error")
        };
        if retry {
            return Some(self.run_due(&unit, hook));
        }
        self.unit_mut(&unit).agent.error = None;
        self.finish(&unit, &hook);
        None
    }

    /// Takes everything that is due to this unit as run, without running it: for a test
    /// that brings thousands of events and is about none of them. What the charm would
    /// have done has to be done by another hook.
    ///
    /// # Panics
    /// Panics if the unit is in error.
    pub fn take_as_run(&mut self, unit: impl Into<UnitName>) {
        let unit = unit.into();
        let error = self.unit(&unit).agent.error.as_ref();
        assert!(error.is_none(), "{unit} is in error: {error:?}");
        while let Some(hook) = self.next_hook(&unit) {
            self.begin(&unit, &hook);
            self.finish(&unit, &hook);
        }
    }

    pub(crate) fn run_due(&mut self, unit: &UnitName, hook: Hook) -> HookRun {
        self.begin(unit, &hook);
        let mut context = Context::new(self, unit, Kind::Hook(hook.clone()));
        let run = self.execute(&mut context);
        // The unit may have been removed by force while its hook ran.
        if !self.units.contains_key(unit) {
            return run;
        }
        if run.succeeded() {
            self.unit_mut(unit).agent.error = None;
            self.finish(unit, &hook);
        } else if hook != Hook::UpdateStatus || self.unit(unit).agent.error.is_none() {
            self.unit_mut(unit).agent.error = Some(hook);
        }
        run
    }

    /// What the agent notes before a hook. A hook that fails is run again with
    /// the same event, so noting early loses nothing.
    fn begin(&mut self, name: &UnitName, hook: &Hook) {
        if *hook == Hook::UpgradeCharm {
            self.install_charm(name);
        }
        let config = self.config_now(name);
        let charm = self.application(name.application()).charm_version;
        let leader_settings = self.application(name.application()).leader_settings_version;
        let (unit_version, application_version) = self.versions_told(name, hook);
        let latest = hook
            .secret()
            .and_then(|id| self.secrets.get(id))
            .map_or(0, |secret| secret.latest);
        let unit = self.unit_mut(name);
        let agent = &mut unit.agent;
        match hook {
            Hook::Install if !agent.status_was_set => {
                unit.status = Status::new("maintenance", "installing charm software");
            }
            Hook::Stop => unit.status = Status::new("maintenance", "stopping charm software"),
            Hook::Remove => {
                unit.status = Status::new("maintenance", "cleaning up prior to charm deletion")
            }
            Hook::ConfigChanged => agent.config_seen = Some(config),
            Hook::UpgradeCharm => agent.charm_seen = charm,
            Hook::LeaderSettingsChanged => agent.leader_settings_seen = leader_settings,
            Hook::SecretChanged { secret } => {
                agent.secrets.entry(secret.clone()).or_default().handled = latest
            }
            Hook::RelationJoined { relation, unit } => {
                let local = agent.relation(*relation);
                local.members.entry(unit.clone()).or_insert(0);
                local.cache.remove(unit);
            }
            Hook::RelationChanged {
                relation,
                unit: Some(unit),
            } => {
                let local = agent.relation(*relation);
                if let Some(seen) = local.members.get_mut(unit) {
                    *seen = unit_version;
                }
                local.cache.remove(unit);
            }
            Hook::RelationChanged {
                relation,
                unit: None,
            } => {
                agent.relation(*relation).application_seen = application_version;
            }
            Hook::RelationDeparted { relation, unit, .. } => {
                agent.relation(*relation).cache.remove(unit);
            }
            _ => {}
        }
    }

    /// The versions of the other end's databags, of the unit and of the application,
    /// that a hook of a relation tells of.
    fn versions_told(&self, name: &UnitName, hook: &Hook) -> (u64, u64) {
        let relation = hook.relation().and_then(|id| self.relations.get(&id));
        let Some(relation) = relation else {
            return (0, 0);
        };
        let unit = hook.remote_unit().and_then(|unit| relation.units.get(unit));
        let other = relation
            .applications
            .get(relation.other(name.application()));
        let version = |bag: Option<&Bag>| bag.map_or(0, |bag| bag.version);
        (version(unit), version(other))
    }

    /// What a successful hook (or one taken as done) leads to.
    fn finish(&mut self, name: &UnitName, hook: &Hook) {
        let unit = self.unit_mut(name);
        let agent = &mut unit.agent;
        match hook {
            Hook::Install => agent.installed = true,
            Hook::ConfigChanged => agent.start_queued |= !agent.started,
            Hook::Start => {
                agent.started = true;
                agent.start_queued = false;
                if !agent.status_was_set {
                    unit.status = Status::new("unknown", "");
                }
            }
            Hook::UpgradeCharm => {
                agent.config_seen = agent.config_seen.take().filter(|_| !agent.started)
            }
            Hook::LeaderElected => agent.elected = true,
            Hook::Stop => agent.stopped = true,
            Hook::Remove => self.remove_unit_force(name),
            Hook::StorageAttached { storage } => {
                if let Some(storage) = unit.storage.get_mut(storage) {
                    storage.state = StorageState::Attached;
                }
            }
            Hook::StorageDetaching { storage } => {
                self.take_storage_away(name, storage);
            }
            Hook::RelationCreated { relation } => agent.relation(*relation).created = true,
            Hook::RelationJoined { relation, unit } => {
                agent.relation(*relation).changed_pending = Some(unit.clone());
            }
            Hook::RelationChanged {
                relation,
                unit: Some(unit),
            } => {
                let local = agent.relation(*relation);
                local.changed_pending = local.changed_pending.take().filter(|owed| owed != unit);
            }
            Hook::RelationDeparted { relation, unit, .. } => {
                agent.relation(*relation).members.remove(unit);
            }
            Hook::RelationBroken { relation } => {
                agent.relations.remove(relation);
                self.leave_scope(*relation, name);
            }
            Hook::SecretRemove { secret, revision } => {
                agent
                    .secrets
                    .entry(secret.clone())
                    .or_default()
                    .removal_told
                    .insert(*revision);
            }
            _ => self.finish_of_secret(hook),
        }
    }

    /// The same of what a secret's owner is told.
    fn finish_of_secret(&mut self, hook: &Hook) {
        match hook {
            Hook::SecretRotate { secret } => {
                if let Some(secret) = self.secrets.get_mut(secret) {
                    secret.rotation_due = false;
                }
            }
            Hook::SecretExpired { secret, revision } => {
                if let Some(secret) = self.secrets.get_mut(secret) {
                    secret.expired.retain(|expired| expired != revision);
                }
            }
            _ => {}
        }
    }
}
