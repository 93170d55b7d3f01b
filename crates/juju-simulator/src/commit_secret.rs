//! The secrets of a commit: deletes, creates, updates, grants and revokes, in
//! this order (Juju's `uniter.go` commitHookChangesForOneUnit).

use crate::commit::Change;
use crate::context::{Pending, Revoke, SecretCreate, SecretUpdate};
use crate::model::{JujuVersion, Model};
use crate::name::UnitName;
use crate::secret::{Grant, Owner, Secret, SecretUri, Subject};

impl Model {
    pub(crate) fn commit_secrets(
        &mut self,
        unit: &UnitName,
        pending: &Pending,
        changes: &mut Vec<Change>,
    ) -> Result<(), String> {
        for (uri, revision) in &pending.removes {
            self.manage(unit, uri)
                .map_err(|why| format!("removing secrets: {why}"))?;
            self.remove_revision(&uri.id, *revision);
            changes.push(Change::SecretRemoved {
                secret: uri.id.clone(),
                revision: *revision,
            });
        }
        for create in &pending.creates {
            self.create_secret(unit, create)
                .map_err(|why| format!("creating secrets: {why}"))?;
            changes.push(Change::SecretCreated {
                secret: create.id.clone(),
            });
        }
        for update in &pending.updates {
            self.update_secret(unit, update, changes)
                .map_err(|why| format!("updating secrets: {why}"))?;
        }
        for id in &pending.track_latest {
            if let Some(secret) = self.secrets.get_mut(id) {
                let latest = secret.latest;
                secret.consumers.entry(unit.clone()).or_default().pin = latest;
            }
        }
        for (uri, grant) in &pending.grants {
            self.manage(unit, uri)
                .map_err(|why| format!("granting secrets: {why}"))?;
            if self
                .grant(&uri.id, grant)
                .map_err(|why| format!("granting secrets: {why}"))?
            {
                changes.push(Change::SecretGranted {
                    secret: uri.id.clone(),
                    grant: grant.clone(),
                });
            }
        }
        for (uri, revoke) in &pending.revokes {
            self.manage(unit, uri)
                .map_err(|why| format!("revoking secrets: {why}"))?;
            for grant in self.revoke(&uri.id, revoke) {
                changes.push(Change::SecretRevoked {
                    secret: uri.id.clone(),
                    grant,
                });
            }
        }
        Ok(())
    }

    /// Whether the unit may manage a secret now, which the controller asks again
    /// at commit: the leader may have changed since the tool was called.
    fn manage(&self, unit: &UnitName, uri: &SecretUri) -> Result<(), String> {
        let Some(secret) = self
            .find_secret(unit, uri)
            .and_then(|id| self.secrets.get(&id))
        else {
            return Err(format!("secret \"{}\" not found", uri.id));
        };
        let right = match &secret.owner {
            Owner::Unit(owner) => owner == unit,
            Owner::Application(application) => {
                application == unit.application() && self.is_leader(unit)
            }
        };
        if right {
            Ok(())
        } else {
            Err(self.management_refusal(unit))
        }
    }

    fn management_refusal(&self, unit: &UnitName) -> String {
        match self.options.version {
            JujuVersion::V3_6 => "permission denied".to_owned(),
            JujuVersion::V4_0 => format!("\"{unit}\" is not allowed to manage this secret"),
        }
    }

    fn create_secret(&mut self, unit: &UnitName, create: &SecretCreate) -> Result<(), String> {
        let SecretCreate {
            id,
            owner,
            label,
            description,
            rotate,
            expire,
            content,
        } = create.clone();
        if matches!(&owner, Owner::Application(_)) && !self.is_leader(unit) {
            return Err(self.management_refusal(unit));
        }
        if self.label_taken(&owner, &label, &id) {
            return Err(format!(
                "secret with label {} already exists",
                crate::format::quote(&label)
            ));
        }
        let mut secret = self.new_secret(id, owner, content);
        secret.label = label;
        secret.description = description;
        secret.rotate = rotate;
        secret.expire = expire;
        self.secrets.insert(secret.id.clone(), secret);
        Ok(())
    }

    pub(crate) fn new_secret(
        &self,
        id: String,
        owner: Owner,
        content: crate::secret::Content,
    ) -> Secret {
        let application = match &owner {
            Owner::Application(application) => application.as_str(),
            Owner::Unit(unit) => unit.application(),
        };
        Secret {
            model_uuid: self.uuid_of(application).to_owned(),
            id,
            owner,
            label: String::new(),
            description: String::new(),
            rotate: "never".to_owned(),
            expire: String::new(),
            revisions: [(1, content)].into(),
            latest: 1,
            grants: Vec::new(),
            consumers: Default::default(),
            rotation_due: false,
            expired: Vec::new(),
        }
    }

    fn update_secret(
        &mut self,
        unit: &UnitName,
        update: &SecretUpdate,
        changes: &mut Vec<Change>,
    ) -> Result<(), String> {
        self.manage(unit, &update.uri)?;
        let id = update.uri.id.clone();
        let owner = self.secrets.get(&id).map(|secret| secret.owner.clone());
        if let (Some(owner), Some(label)) = (owner, &update.label)
            && self.label_taken(&owner, label, &id)
        {
            return Err(format!(
                "secret with label {} already exists",
                crate::format::quote(label)
            ));
        }
        let Some(secret) = self.secrets.get_mut(&id) else {
            return Ok(());
        };
        let mut described = false;
        for (field, new) in [
            (&mut secret.label, &update.label),
            (&mut secret.description, &update.description),
            (&mut secret.rotate, &update.rotate),
            (&mut secret.expire, &update.expire),
        ] {
            if let Some(new) = new
                && field != new
            {
                field.clone_from(new);
                described = true;
            }
        }
        if described {
            changes.push(Change::SecretDescribed { secret: id.clone() });
        }
        if let Some(content) = &update.content
            && secret.add_revision(content.clone())
        {
            changes.push(Change::SecretRevised {
                secret: id,
                revision: secret.latest,
            });
        }
        Ok(())
    }

    pub(crate) fn remove_revision(&mut self, id: &str, revision: Option<u32>) {
        let Some(secret) = self.secrets.get_mut(id) else {
            return;
        };
        match revision {
            Some(revision) => {
                secret.revisions.remove(&revision);
                secret.expired.retain(|expired| *expired != revision);
            }
            None => secret.revisions.clear(),
        }
        if secret.revisions.is_empty() {
            self.secrets.remove(id);
        }
    }

    /// Grants, or says why not. Gives false where the right was there before.
    pub(crate) fn grant(&mut self, id: &str, grant: &Grant) -> Result<bool, String> {
        let Some(relation) = self.relations.get(&grant.relation) else {
            return Err("relation not found".to_owned());
        };
        if !relation.is_alive() {
            let tag = relation.tag();
            return Err(format!(
                "cannot grant access to secret in scope of \"{tag}\" which is not alive"
            ));
        }
        if let Some(refusal) = self.refused_grants.get(&grant.relation) {
            return Err(refusal.clone());
        }
        let Some(owner) = self
            .secrets
            .get(id)
            .map(|secret| secret.owning_application().to_owned())
        else {
            return Err(format!("secret \"{id}\" not found"));
        };
        if self.secret_blocked_across_models(&owner, grant.relation) {
            return Err(
                "sharing consumer secrets across a cross model relation not supported".to_owned(),
            );
        }
        match &grant.subject {
            Subject::Unit(unit) if self.application(unit.application()).remote.is_some() => {
                return Err(
                    "sharing secrets with a unit across a cross model relation not supported"
                        .to_owned(),
                );
            }
            Subject::Unit(unit) if self.units.get(unit).is_none_or(|unit| unit.dying) => {
                return Err(format!(
                    "cannot grant dying \"unit-{}\" access to secret",
                    unit.with_dash()
                ));
            }
            Subject::Application(name)
                if self
                    .applications
                    .get(name)
                    .is_none_or(|subject| subject.dying) =>
            {
                return Err(format!(
                    "cannot grant dying \"application-{name}\" access to secret"
                ));
            }
            _ => {}
        }
        let Some(secret) = self.secrets.get_mut(id) else {
            return Ok(false);
        };
        if secret.grants.contains(grant) {
            return Ok(false);
        }
        secret.grants.push(grant.clone());
        Ok(true)
    }

    fn revoke(&mut self, id: &str, revoke: &Revoke) -> Vec<Grant> {
        let application = match revoke {
            Revoke::Relation(relation) => {
                let owner = self
                    .secrets
                    .get(id)
                    .map(|secret| secret.owning_application().to_owned());
                owner.and_then(|owner| Some(self.relations.get(relation)?.other(&owner).to_owned()))
            }
            Revoke::Subject(_) => None,
        };
        let Some(secret) = self.secrets.get_mut(id) else {
            return Vec::new();
        };
        let ends = |grant: &Grant| match revoke {
            Revoke::Relation(relation) => {
                grant.relation == *relation
                    && application.clone().map(Subject::Application).as_ref()
                        == Some(&grant.subject)
            }
            Revoke::Subject(subject) => grant.subject == *subject,
        };
        let (revoked, kept) = std::mem::take(&mut secret.grants)
            .into_iter()
            .partition(ends);
        secret.grants = kept;
        revoked
    }
}
