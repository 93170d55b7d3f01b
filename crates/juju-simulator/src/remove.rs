//! Removing units and applications.

use crate::model::Model;
use crate::name::{RelationId, UnitName};
use crate::secret::Owner;

impl Model {
    /// Removes a unit the regular way: it runs its last hooks.
    pub fn remove_unit(&mut self, unit: impl Into<UnitName>) {
        let name = unit.into();
        let application = name.application().to_owned();
        self.unit_mut(&name).dying = true;
        if self.application(&application).is_puppet() || !self.unit(&name).agent.installed {
            self.remove_unit_force(&name);
        } else if !self.options.dying_leader_keeps_lease
            && self.is_leader(&name)
            && self.successor(&name).is_some()
        {
            self.elect_other(&name);
        }
    }

    /// Removes a unit whose machine is gone: no hook is run on it, and its peers
    /// and relations see it depart.
    pub fn remove_unit_force(&mut self, unit: impl Into<UnitName>) {
        self.forget_unit(unit.into(), true);
    }

    /// Removes a unit as [`Model::remove_unit_force`] does, but its peers are
    /// never told, which a controller of 4.0 does at times (a machine that is
    /// dead, a unit that was blocked): to them relation-list and relation-get
    /// show it for good, and goal-state alone does not.
    pub fn remove_unit_unnoticed(&mut self, unit: impl Into<UnitName>) {
        self.forget_unit(unit.into(), false);
    }

    fn forget_unit(&mut self, name: UnitName, peers_are_told: bool) {
        self.unit_mut(&name).dying = true;
        if self.is_leader(&name) {
            self.elect_other(&name);
        }
        self.leave_storage(&name);
        self.units.remove(&name);
        for relation in self.relations.values_mut() {
            if peers_are_told || !relation.is_peer() {
                relation.scope.remove(&name);
            }
        }
        let owned = Owner::Unit(name.clone());
        self.secrets.retain(|_, secret| secret.owner != owned);
        for secret in self.secrets.values_mut() {
            secret.consumers.remove(&name);
        }
        self.collect_relations();
    }

    /// Removes an application: its relations end and its units run their last hooks.
    pub fn remove_application(&mut self, name: &str) {
        self.application_mut(name).dying = true;
        let relations: Vec<RelationId> = self
            .relations
            .values()
            .filter(|r| !r.is_peer() && r.end(name).is_some())
            .map(|r| r.id)
            .collect();
        // Units first, so that a puppet's relation is not over before its units
        // have left; remove_relation then sees the final scope.
        for id in relations {
            self.remove_relation(id);
        }
        for unit in self.units_of(name) {
            self.unit_mut(&unit).dying = true;
        }
        for unit in self.units_of(name) {
            if self.units.contains_key(&unit)
                && (self.application(name).is_puppet() || !self.unit(&unit).agent.installed)
            {
                self.remove_unit_force(&unit);
            }
        }
        self.collect_applications();
    }

    /// Forgets dying applications that have no unit any more, with their secrets.
    pub(crate) fn collect_applications(&mut self) {
        let over: Vec<String> = self
            .applications
            .values()
            .filter(|application| application.dying && self.units_of(&application.name).is_empty())
            .map(|application| application.name.clone())
            .collect();
        for name in over {
            let related = self
                .relations
                .values()
                .any(|relation| !relation.is_peer() && relation.end(&name).is_some());
            if related {
                continue;
            }
            self.relations
                .retain(|_, relation| relation.end(&name).is_none());
            self.applications.remove(&name);
            let owned = Owner::Application(name);
            self.secrets.retain(|_, secret| secret.owner != owned);
        }
    }
}
