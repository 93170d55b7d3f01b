//! Relations: their databags, who is in scope, and how they end.

use std::collections::{BTreeMap, BTreeSet};

use crate::charm::Role;
use crate::model::Model;
use crate::name::{RelationId, UnitName};

/// The data of one unit or application in one relation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bag {
    pub(crate) data: BTreeMap<String, String>,
    /// 0 until something is written for the first time.
    pub(crate) version: u64,
}

impl Bag {
    /// Applies writes, of which an empty value deletes, and gives those that
    /// changed anything. Equal values leave the version, so nobody hears of them.
    pub(crate) fn apply<'a>(
        &mut self,
        writes: impl IntoIterator<Item = (&'a String, &'a Option<String>)>,
    ) -> Vec<(String, Option<String>)> {
        let mut changed = Vec::new();
        for (key, value) in writes {
            if self.data.get(key) == value.as_ref() {
                continue;
            }
            match value {
                Some(value) => drop(self.data.insert(key.clone(), value.clone())),
                None => drop(self.data.remove(key)),
            }
            changed.push((key.clone(), value.clone()));
        }
        if !changed.is_empty() {
            self.version += 1;
        }
        changed
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) application: String,
    pub(crate) endpoint: String,
    pub(crate) role: Role,
}

#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) id: RelationId,
    /// One end for a peer relation, else the requirer and then the provider.
    pub(crate) ends: Vec<End>,
    pub(crate) applications: BTreeMap<String, Bag>,
    /// Data of units, also of departed ones: it lives as long as the relation.
    pub(crate) units: BTreeMap<UnitName, Bag>,
    pub(crate) scope: BTreeSet<UnitName>,
    pub(crate) dying: bool,
    pub(crate) suspended: bool,
    /// Removed from the controller while agents still remember it.
    pub(crate) gone: bool,
}

impl Relation {
    pub(crate) fn is_peer(&self) -> bool {
        self.ends.len() == 1
    }

    pub(crate) fn end(&self, application: &str) -> Option<&End> {
        self.ends.iter().find(|end| end.application == application)
    }

    pub(crate) fn endpoint(&self, application: &str) -> &str {
        self.end(application).map_or("", |end| &end.endpoint)
    }

    /// The application at the other end; for a peer relation the own one.
    pub(crate) fn other(&self, application: &str) -> &str {
        let other = self.ends.iter().find(|end| end.application != application);
        other
            .or_else(|| self.ends.first())
            .map_or("", |end| &end.application)
    }

    /// Juju's relation tag, which secret scopes and error texts show.
    pub(crate) fn tag(&self) -> String {
        let ends: Vec<String> = self
            .ends
            .iter()
            .map(|end| format!("{}.{}", end.application, end.endpoint))
            .collect();
        format!("relation-{}", ends.join("#"))
    }

    pub(crate) fn is_alive(&self) -> bool {
        !self.dying && !self.gone
    }

    /// The units that `unit` should see as joined.
    pub(crate) fn remote_scope(&self, unit: &UnitName) -> BTreeSet<UnitName> {
        let other = self.other(unit.application()).to_owned();
        self.scope
            .iter()
            .filter(|remote| remote.application() == other && *remote != unit)
            .cloned()
            .collect()
    }
}

impl Model {
    /// Relates two endpoints, each written `application:endpoint`. The endpoint
    /// may be left out where only one pair of endpoints fits.
    ///
    /// # Panics
    /// Panics if no or several pairs of endpoints fit, or the relation exists.
    pub fn integrate(&mut self, one: &str, other: &str) -> RelationId {
        let mut pairs = Vec::new();
        for left in self.candidate_ends(one) {
            for right in self.candidate_ends(other) {
                let roles = (left.0.role, right.0.role);
                if left.1 == right.1 && roles == (Role::Requirer, Role::Provider) {
                    pairs.push(vec![left.0.clone(), right.0]);
                } else if left.1 == right.1 && roles == (Role::Provider, Role::Requirer) {
                    pairs.push(vec![right.0, left.0.clone()]);
                }
            }
        }
        assert!(
            pairs.len() == 1,
            "{one} and {other} have {} pairs of endpoints that fit",
            pairs.len()
        );
        let ends = pairs.remove(0);
        let exists = self
            .relations
            .values()
            .any(|relation| relation.is_alive() && relation.ends == ends);
        assert!(!exists, "{one} and {other} are related already");
        self.add_relation(ends)
    }

    fn candidate_ends(&self, text: &str) -> Vec<(End, String)> {
        let (application, endpoint) = match text.split_once(':') {
            Some((application, endpoint)) => (application, Some(endpoint)),
            None => (text, None),
        };
        let metadata = &self.application(application).charm.metadata;
        let named = metadata
            .endpoints
            .iter()
            .filter(|(name, _)| endpoint.is_none_or(|wanted| wanted == *name));
        named
            .map(|(name, data)| {
                let end = End {
                    application: application.to_owned(),
                    endpoint: name.clone(),
                    role: data.role,
                };
                (end, data.interface.clone())
            })
            .collect()
    }

    pub(crate) fn add_relation(&mut self, ends: Vec<End>) -> RelationId {
        let id = RelationId(self.next_relation);
        self.next_relation += 1;
        let applications = ends
            .iter()
            .map(|end| (end.application.clone(), Bag::default()))
            .collect();
        let relation = Relation {
            id,
            ends,
            applications,
            units: BTreeMap::new(),
            scope: BTreeSet::new(),
            dying: false,
            suspended: false,
            gone: false,
        };
        self.relations.insert(id, relation);
        self.enter_puppets(id);
        id
    }

    /// Puppets have no agent, so their units enter every relation at once.
    pub(crate) fn enter_puppets(&mut self, id: RelationId) {
        let ends = self.relation(id).ends.clone();
        for end in ends {
            if self.application(&end.application).is_puppet() {
                for unit in self.units_of(&end.application) {
                    self.enter_scope(id, &unit);
                }
            }
        }
    }

    /// A unit enters a relation; Juju writes its addresses into its data.
    pub(crate) fn enter_scope(&mut self, id: RelationId, unit: &UnitName) {
        let address = self.unit(unit).address.clone();
        let relation = self.relation_mut(id);
        if !relation.scope.insert(unit.clone()) {
            return;
        }
        let initial = [
            ("egress-subnets".to_owned(), Some(format!("{address}/32"))),
            ("ingress-address".to_owned(), Some(address.clone())),
            ("private-address".to_owned(), Some(address)),
        ];
        relation
            .units
            .entry(unit.clone())
            .or_default()
            .apply(initial.iter().map(|(key, value)| (key, value)));
    }

    pub(crate) fn leave_scope(&mut self, id: RelationId, unit: &UnitName) {
        if let Some(relation) = self.relations.get_mut(&id) {
            relation.scope.remove(unit);
        }
        self.collect_relations();
    }

    /// Begins the end of a relation: units run departed and broken, and when the
    /// last has left, the relation, its data and its grants are removed.
    pub fn remove_relation(&mut self, id: RelationId) {
        self.relation_mut(id).dying = true;
        self.drop_puppets(id);
        self.collect_relations();
    }

    /// Removes a relation from the controller at once, while units that were in
    /// it still remember it and run departed and broken (juju issue 23246).
    pub fn remove_relation_force(&mut self, id: RelationId) {
        let relation = self.relation_mut(id);
        relation.dying = true;
        relation.gone = true;
        self.drop_grants(id);
        self.drop_puppets(id);
        self.collect_relations();
    }

    /// Suspends a cross-model relation: both sides run departed and broken.
    pub fn suspend_relation(&mut self, id: RelationId) {
        self.relation_mut(id).suspended = true;
        self.drop_puppets(id);
    }

    /// Resumes a suspended relation: created and joined are run again.
    pub fn resume_relation(&mut self, id: RelationId) {
        self.relation_mut(id).suspended = false;
        self.enter_puppets(id);
    }

    fn drop_puppets(&mut self, id: RelationId) {
        let scope = self.relation(id).scope.clone();
        for unit in scope {
            if self.application(unit.application()).is_puppet() {
                self.relation_mut(id).scope.remove(&unit);
            }
        }
    }

    /// Removes dying relations that no unit is in any more, with their grants
    /// (Juju's `state/relation.go` removeRelationChildRecordOps).
    pub(crate) fn collect_relations(&mut self) {
        let over: Vec<RelationId> = self
            .relations
            .values()
            .filter(|r| r.dying && r.scope.is_empty())
            .map(|r| r.id)
            .collect();
        for id in over {
            self.drop_grants(id);
            self.relations.remove(&id);
        }
        self.collect_applications();
    }

    fn drop_grants(&mut self, id: RelationId) {
        for secret in self.secrets.values_mut() {
            secret.grants.retain(|grant| grant.relation != id);
        }
    }
}
