//! The environment of a hook: exactly what Juju sets and nothing inherited
//! (Juju's `context/context.go` HookVars, `context/env.go`, `runner.go`).

use std::path::Path;

use crate::context::{Context, Kind};
use crate::hook::Hook;
use crate::model::{JujuVersion, Model};

const AGENT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

impl Model {
    pub(crate) fn environment(&self, context: &Context, socket: &Path) -> Vec<(String, String)> {
        let unit = self.unit(&context.unit);
        let mut variables = self.variables_of_all(context, socket);
        if self.options.version == JujuVersion::V3_6 {
            variables.push(("JUJU_SLA", "unsupported".to_owned()));
        }
        match &context.kind {
            Kind::Hook(hook) => self.hook_variables(context, hook, &mut variables),
            Kind::Action { name, uuid } => {
                variables.push(("JUJU_ACTION_NAME", name.clone()));
                variables.push(("JUJU_ACTION_UUID", uuid.clone()));
                variables.push(("JUJU_ACTION_TAG", format!("action-{uuid}")));
            }
        }
        let mut all: Vec<(String, String)> = variables
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect();
        for (key, value) in &unit.environment {
            all.retain(|(other, _)| other != key);
            all.push((key.clone(), value.clone()));
        }
        all.sort();
        all
    }

    /// What every hook and action finds.
    fn variables_of_all(&self, context: &Context, socket: &Path) -> Vec<(&'static str, String)> {
        let unit = self.unit(&context.unit);
        let charm = unit.directory.join("charm").display().to_string();
        let name = self.hook_name(&context.unit, &context.kind);
        let mut path = self.tools.display().to_string();
        for directory in &unit.path {
            path.push(':');
            path.push_str(&directory.display().to_string());
        }
        path.push(':');
        path.push_str(AGENT_PATH);
        let dispatch = match &context.kind {
            Kind::Hook(_) => format!("hooks/{name}"),
            Kind::Action { name, .. } => format!("actions/{name}"),
        };
        let version = match self.options.version {
            JujuVersion::V3_6 => "3.6.14",
            JujuVersion::V4_0 => "4.0.4",
        };
        let uuid = self.uuid_of(unit.name.application());
        let mut model = self.options.name.clone();
        if uuid != self.uuid {
            model.push_str("-other");
        }
        vec![
            ("APT_LISTCHANGES_FRONTEND", "none".to_owned()),
            ("CHARM_DIR", charm.clone()),
            ("CLOUD_API_VERSION", String::new()),
            ("DEBIAN_FRONTEND", "noninteractive".to_owned()),
            ("JUJU_AGENT_SOCKET_ADDRESS", socket.display().to_string()),
            ("JUJU_AGENT_SOCKET_NETWORK", "unix".to_owned()),
            ("JUJU_API_ADDRESSES", "127.0.0.1:17070".to_owned()),
            ("JUJU_AVAILABILITY_ZONE", String::new()),
            ("JUJU_CHARM_DIR", charm),
            ("JUJU_CHARM_FTP_PROXY", String::new()),
            ("JUJU_CHARM_HTTPS_PROXY", String::new()),
            ("JUJU_CHARM_HTTP_PROXY", String::new()),
            ("JUJU_CHARM_NO_PROXY", String::new()),
            ("JUJU_CONTEXT_ID", context.id.clone()),
            ("JUJU_DISPATCH_PATH", dispatch),
            ("JUJU_HOOK_NAME", name),
            ("JUJU_MACHINE_ID", unit.machine.to_string()),
            ("JUJU_MODEL_NAME", model),
            ("JUJU_MODEL_UUID", uuid.to_owned()),
            ("JUJU_PRINCIPAL_UNIT", String::new()),
            ("JUJU_UNIT_NAME", unit.name.to_string()),
            ("JUJU_VERSION", version.to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("PATH", path),
            ("TERM", "tmux-256color".to_owned()),
        ]
    }

    fn hook_variables(&self, context: &Context, hook: &Hook, variables: &mut Vec<(&str, String)>) {
        if let Some(relation) = context.relation.and_then(|id| self.relations.get(&id)) {
            let endpoint = relation.endpoint(context.unit.application());
            let remote = context
                .remote_unit
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            variables.push(("JUJU_RELATION", endpoint.to_owned()));
            variables.push(("JUJU_RELATION_ID", format!("{endpoint}:{}", relation.id)));
            variables.push(("JUJU_REMOTE_UNIT", remote));
            variables.push((
                "JUJU_REMOTE_APP",
                context.remote_application.clone().unwrap_or_default(),
            ));
        }
        if let Hook::RelationDeparted { departing, .. } = hook {
            variables.push(("JUJU_DEPARTING_UNIT", departing.to_string()));
        }
        if let Some(id) = hook.secret() {
            let secret = self.secrets.get(id);
            let label = secret
                .map(|secret| self.label_seen_by(&context.unit, secret))
                .unwrap_or_default();
            variables.push((
                "JUJU_SECRET_ID",
                secret.map_or_else(|| format!("secret:{id}"), |secret| secret.uri()),
            ));
            variables.push(("JUJU_SECRET_LABEL", label));
        }
        if let Hook::SecretExpired { revision, .. } | Hook::SecretRemove { revision, .. } = hook {
            variables.push(("JUJU_SECRET_REVISION", revision.to_string()));
        }
        if let Hook::StorageAttached { storage } | Hook::StorageDetaching { storage } = hook {
            let location = self
                .unit(&context.unit)
                .storage
                .get(storage)
                .map(|storage| &storage.location);
            variables.push(("JUJU_STORAGE_ID", storage.clone()));
            variables.push(("JUJU_STORAGE_KIND", "filesystem".to_owned()));
            variables.push((
                "JUJU_STORAGE_LOCATION",
                location
                    .map(|location| location.display().to_string())
                    .unwrap_or_default(),
            ));
        }
    }

    /// The label of a secret in an event: for the owning application the
    /// owner's label, for others the one they gave it themselves.
    fn label_seen_by(&self, unit: &crate::UnitName, secret: &crate::secret::Secret) -> String {
        if self.owns(unit, &secret.id) {
            return secret.label.clone();
        }
        secret
            .consumers
            .get(unit)
            .and_then(|consumer| consumer.label.clone())
            .unwrap_or_default()
    }
}
