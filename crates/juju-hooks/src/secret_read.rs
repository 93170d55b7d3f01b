//! Secrets as they are read: those of others, and our own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{SecretContent, SecretOwner, ToolError, Tools};
use crate::{SecretId, SecretUri};

/// Which revision of a secret to read. The first read of any kind makes this
/// unit a consumer, which then gets `secret-changed`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Revision {
    /// The latest, without a change to what is tracked.
    Peek,
    /// The latest, which is tracked from now on. Immediate: a failed hook does
    /// not undo it, so "the revision changed in this hook" is no reason for
    /// anything; only a comparison with what was really applied is.
    Refresh,
    /// The one that was tracked so far, or the latest if this is the first read.
    /// Owners, too, see an old revision of their own secret by this.
    Tracked,
}

/// Why a secret cannot be read. Both are normal: a URI may arrive before the
/// grant does, and may outlive the secret.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum SecretUnavailable {
    /// It exists, and this unit has no access, not yet or no longer.
    #[error("access to the secret is not granted")]
    NoAccess,
    /// Juju gave no answer that says whether it exists, for example because it is
    /// of another model that cannot be reached.
    #[error("Juju cannot read the secret")]
    NoAnswer,
    /// No such secret exists, or it was removed.
    #[error("the secret does not exist")]
    NotFound,
}

/// What the owner of a secret can know about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretInfo {
    /// Which secret it is.
    pub id: SecretId,
    /// The latest revision that is committed.
    pub revision: u64,
    /// The owner's label.
    pub label: Option<String>,
    /// Who owns it.
    pub owner: SecretOwner,
    /// What the owner described the committed revision as.
    pub description: String,
}

impl Tools {
    /// The content of a secret (`jujuc/secret-get.go`), or why there is none for
    /// us. Juju tells the reasons apart by wording alone, which differs between
    /// 3.6 and 4.0; what is neither is an error.
    ///
    /// The secret is not given a label: one that changed between two calls would
    /// make the hook fail (data-platform-libs#252).
    ///
    /// # Errors
    /// [`ToolError::Failed`], for example if a secret backend is out of reach.
    pub fn secret_get(
        &self,
        uri: &SecretUri,
        revision: Revision,
    ) -> Result<Result<SecretContent, SecretUnavailable>, ToolError> {
        self.read_secret(&[uri.as_str()], revision)
    }

    /// The content of one of our own secrets, by its label. Any unit of the
    /// application may read a secret of the application.
    ///
    /// # Errors
    /// As [`Self::secret_get`].
    pub fn secret_get_by_label(
        &self,
        label: &str,
        revision: Revision,
    ) -> Result<Result<SecretContent, SecretUnavailable>, ToolError> {
        self.read_secret(&["--label", label], revision)
    }

    /// What is known about one of our own secrets, by its label
    /// (`jujuc/secret-info-get.go`), or `None` if there is none. One that this
    /// hook added is found. A unit that does not lead finds no secret of its
    /// application: for it, `None` does not mean that the secret is missing.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn secret_info(&self, label: &str) -> Result<Option<SecretInfo>, ToolError> {
        self.info(&["--label", label])
    }

    /// As [`Self::secret_info`], by the secret's URI.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn secret_info_of(&self, uri: &SecretUri) -> Result<Option<SecretInfo>, ToolError> {
        self.info(&[uri.as_str()])
    }

    /// Whether there is still such a secret of our own; to be asked by the
    /// leader, as [`Self::secret_info`].
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn secret_exists(&self, uri: &SecretUri) -> Result<bool, ToolError> {
        Ok(self.secret_info_of(uri)?.is_some())
    }

    fn info(&self, which: &[&str]) -> Result<Option<SecretInfo>, ToolError> {
        #[derive(Deserialize)]
        struct Info {
            revision: u64,
            #[serde(default)]
            label: Option<String>,
            owner: SecretOwner,
            #[serde(default)]
            description: String,
        }
        let call = self.call("secret-info-get").args(which);
        let infos: Option<BTreeMap<SecretId, Info>> = match call.json() {
            Ok(infos) => infos,
            Err(error) if unavailable(&error) == Some(SecretUnavailable::NotFound) => None,
            Err(error) => return Err(error),
        };
        let info = infos.and_then(|mut infos| infos.pop_first());
        Ok(info.map(|(id, info)| SecretInfo {
            id,
            revision: info.revision,
            label: info.label,
            owner: info.owner,
            description: info.description,
        }))
    }

    fn read_secret(
        &self,
        which: &[&str],
        revision: Revision,
    ) -> Result<Result<SecretContent, SecretUnavailable>, ToolError> {
        const TOOL: &str = "secret-get";
        let mut call = self.call(TOOL).args(which);
        match revision {
            Revision::Peek => call = call.arg("--peek"),
            Revision::Refresh => call = call.arg("--refresh"),
            Revision::Tracked => {}
        }
        // Not straight into a map: the error of a value that is no text would
        // quote the value.
        match call.json() {
            Ok(output) => match texts(output) {
                Some(content) => Ok(Ok(content)),
                None => Err(ToolError::parse(TOOL, "it is not a map of texts")),
            },
            Err(error) => unavailable(&error).map(Err).ok_or(error),
        }
    }
}

fn texts(output: Value) -> Option<SecretContent> {
    let Value::Object(values) = output else {
        return None;
    };
    values
        .into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => Some((key, text)),
            _ => None,
        })
        .collect()
}

fn unavailable(error: &ToolError) -> Option<SecretUnavailable> {
    // `secret backend … not found` is not about the secret: that is somewhere,
    // out of reach until an operator repairs the backend.
    if error.says(&["backend"]) {
        None
    } else if error.says(&["permission denied", "not allowed to read"]) {
        Some(SecretUnavailable::NoAccess)
    } else if error.is_not_found() {
        Some(SecretUnavailable::NotFound)
    } else {
        None
    }
}
