//! One running hook or action: what it may see, and what it wants to write.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::hook::Hook;
use crate::model::Model;
use crate::name::{RelationId, UnitName};
use crate::report::ToolCall;
use crate::secret::{Content, Grant, Owner, SecretUri, Subject};
use crate::unit::{PortRange, Status};

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Hook(Hook),
    Action { name: String, uuid: String },
}

/// A secret that is made when the hook succeeds.
#[derive(Clone, Debug)]
pub(crate) struct SecretCreate {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    pub(crate) label: String,
    pub(crate) description: String,
    pub(crate) rotate: String,
    pub(crate) expire: String,
    pub(crate) content: Content,
}

/// Changes of a secret, merged over all secret-set calls of the hook.
#[derive(Clone, Debug)]
pub(crate) struct SecretUpdate {
    pub(crate) uri: SecretUri,
    pub(crate) label: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) rotate: Option<String>,
    pub(crate) expire: Option<String>,
    pub(crate) content: Option<Content>,
}

#[derive(Clone, Debug)]
pub(crate) enum Revoke {
    Relation(RelationId),
    Subject(Subject),
}

pub(crate) type Writes = BTreeMap<RelationId, BTreeMap<String, Option<String>>>;

/// Writes kept back until the hook exits 0 (Juju's `context.go` doFlush).
#[derive(Clone, Debug, Default)]
pub(crate) struct Pending {
    pub(crate) unit: Writes,
    pub(crate) application: Writes,
    pub(crate) state: BTreeMap<String, Option<String>>,
    pub(crate) ports: Vec<(bool, String, PortRange)>,
    pub(crate) storage: Vec<(String, u32)>,
    pub(crate) creates: Vec<SecretCreate>,
    pub(crate) updates: Vec<SecretUpdate>,
    pub(crate) removes: Vec<(SecretUri, Option<u32>)>,
    pub(crate) grants: Vec<(SecretUri, Grant)>,
    pub(crate) revokes: Vec<(SecretUri, Revoke)>,
    /// Secrets updated in this hook and read with --refresh.
    pub(crate) track_latest: BTreeSet<String>,
    pub(crate) reboot: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ActionState {
    pub(crate) params: Value,
    pub(crate) results: serde_json::Map<String, Value>,
    pub(crate) failure: Option<String>,
    pub(crate) log: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) unit: UnitName,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) relation: Option<RelationId>,
    pub(crate) remote_unit: Option<UnitName>,
    pub(crate) remote_application: Option<String>,
    pub(crate) pending: Pending,
    /// Remote data as first read, for units that are no members and for applications.
    pub(crate) reads: BTreeMap<(RelationId, String), BTreeMap<String, String>>,
    /// Units of each relation that relation-list shows, fixed for the hook.
    pub(crate) members: BTreeMap<RelationId, Vec<UnitName>>,
    /// Relations that relation-ids leaves out.
    pub(crate) broken: BTreeSet<RelationId>,
    /// is-leader said false, and does so until the end of the hook.
    pub(crate) not_leader: bool,
    pub(crate) config: BTreeMap<String, Value>,
    pub(crate) status: Option<Status>,
    pub(crate) action: Option<ActionState>,
    pub(crate) calls: Vec<ToolCall>,
    /// Calls that are never answered, kept open so that their tools wait.
    pub(crate) hanging: Vec<std::os::unix::net::UnixStream>,
    pub(crate) log: Vec<(String, String)>,
}

impl Context {
    pub(crate) fn new(model: &mut Model, unit: &UnitName, kind: Kind) -> Self {
        let hook = match &kind {
            Kind::Hook(hook) => Some(hook),
            Kind::Action { .. } => None,
        };
        let relation = hook.and_then(Hook::relation);
        let remote_unit = hook.and_then(|hook| hook.remote_unit().cloned());
        let remote_application = relation
            .and_then(|id| model.relations.get(&id))
            .map(|r| r.other(unit.application()).to_owned());
        let name = match &kind {
            Kind::Hook(_) => model.hook_name(unit, &kind),
            Kind::Action { name, .. } => name.clone(),
        };
        let id = format!("{unit}-{name}-{}", model.random.hex(32));
        let application = model.application(unit.application());
        let options = application.charm.metadata.config.keys();
        let config = options
            .map(|key| (key.clone(), application.option(key)))
            .collect();
        let (members, broken) = model.visible_relations(unit, hook);
        Self {
            unit: unit.clone(),
            id,
            relation,
            remote_unit,
            remote_application,
            pending: Pending::default(),
            reads: BTreeMap::new(),
            members,
            broken,
            not_leader: false,
            config,
            status: None,
            action: matches!(kind, Kind::Action { .. }).then(ActionState::default),
            calls: Vec::new(),
            hanging: Vec::new(),
            log: Vec::new(),
            kind,
        }
    }
}

type Visible = (BTreeMap<RelationId, Vec<UnitName>>, BTreeSet<RelationId>);

impl Model {
    /// The members of each relation, and which relations count as broken: no
    /// peer relation, dying or suspended, with no known member left. The unit
    /// that is departing still counts for that, but is not listed any more
    /// (Juju's `context/contextfactory.go`).
    fn visible_relations(&self, unit: &UnitName, hook: Option<&Hook>) -> Visible {
        let mut members = BTreeMap::new();
        let mut broken = BTreeSet::new();
        for (id, local) in &self.unit(unit).agent.relations {
            let Some(relation) = self.relations.get(id) else {
                continue;
            };
            let ending = relation.dying || relation.suspended || relation.gone;
            if ending && !relation.is_peer() && local.members.is_empty() {
                broken.insert(*id);
            }
            let mut listed: Vec<UnitName> = local.members.keys().cloned().collect();
            if let Some(Hook::RelationDeparted { relation, unit, .. }) = hook
                && relation == id
            {
                listed.retain(|member| member != unit);
            }
            members.insert(*id, listed);
        }
        (members, broken)
    }

    pub(crate) fn hook_name(&self, unit: &UnitName, kind: &Kind) -> String {
        match kind {
            Kind::Hook(hook) => {
                let relation = hook.relation().and_then(|id| self.relations.get(&id));
                hook.name(relation.map_or("", |relation| relation.endpoint(unit.application())))
            }
            Kind::Action { .. } => String::new(),
        }
    }
}
