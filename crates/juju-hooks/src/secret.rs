//! Our own secrets: made, changed, shared and removed.

use serde::Deserialize;

use super::{SecretContent, ToolError, Tools};
use crate::{Relation, SecretUri};

/// Who owns a secret, and who may therefore change it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum SecretOwner {
    /// The application: its leader may change it, and it outlives every unit.
    Application,
    /// This unit.
    Unit,
}

impl Tools {
    /// Adds a secret (`jujuc/secret-add.go`) and returns its URI. Buffered: if
    /// the hook fails, the secret never comes to exist, its URI included; so it
    /// is found again by its label. A label that a committed secret has already
    /// makes the hook fail at its end.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if a unit that does not lead adds for the
    /// application, or a key, value or size is not to Juju's liking;
    /// [`ToolError::Handover`] if the content cannot be handed over.
    pub fn secret_add(
        &self,
        label: &str,
        description: &str,
        content: &SecretContent,
        owner: SecretOwner,
    ) -> Result<SecretUri, ToolError> {
        const TOOL: &str = "secret-add";
        let owner = match owner {
            SecretOwner::Application => "application",
            SecretOwner::Unit => "unit",
        };
        let handed_over = self.handover.hand_over(content)?;
        self.call(TOOL)
            .args(["--owner", owner, "--label", label])
            .args(["--description", description])
            .args(handed_over.arguments())
            .output()?
            .trim()
            .parse()
            .map_err(|source| ToolError::parse(TOOL, source))
    }

    /// Replaces the whole content of one of our secrets (`jujuc/secret-set.go`),
    /// and with it, where one is given, the description: a key that is not in `content` is gone. Equal content makes no new
    /// revision from 3.6 on; before, every call makes one. Buffered, the check
    /// that the secret is ours included: a mistake makes the hook fail at its end.
    ///
    /// # Errors
    /// As [`Self::secret_add`].
    pub fn secret_set(
        &self,
        uri: &SecretUri,
        description: Option<&str>,
        content: &SecretContent,
    ) -> Result<(), ToolError> {
        let handed_over = self.handover.hand_over(content)?;
        let description = description.map(|text| ["--description", text]);
        self.call("secret-set")
            .args(description.into_iter().flatten())
            .arg(uri.as_str())
            .args(handed_over.arguments())
            .run()?;
        Ok(())
    }

    /// Lets the application at the other end of a relation read one of our
    /// secrets, later revisions included, for as long as the relation exists
    /// (`jujuc/secret-grant.go`). Repeating it changes nothing. Buffered; a
    /// relation that is going away makes the hook fail at its end.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if the secret is not ours, or this unit does not
    /// lead.
    pub fn secret_grant(&self, uri: &SecretUri, relation: Relation) -> Result<(), ToolError> {
        let relation = relation.to_string();
        self.call("secret-grant")
            .args(["-r", &relation, uri.as_str()])
            .run()?;
        Ok(())
    }

    /// Removes one revision of one of our secrets, or all of it
    /// (`jujuc/secret-remove.go`). Removing the last revision removes the secret.
    /// Buffered; what this hook did to the secret before is dropped.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not lead, or the secret does not
    /// exist (see [`ToolError::is_not_found`]).
    pub fn secret_remove(&self, uri: &SecretUri, revision: Option<u64>) -> Result<(), ToolError> {
        let mut call = self.call("secret-remove").arg(uri.as_str());
        if let Some(revision) = revision {
            call = call.args(["--revision", &revision.to_string()]);
        }
        call.run()?;
        Ok(())
    }
}
