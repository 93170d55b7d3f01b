//! The cloud of the model, for charms that were given trust.

use std::collections::BTreeMap;

use secret_value::Secret;
use serde::Deserialize;

use super::{ToolError, Tools};

/// What Juju itself uses to talk to the cloud of the model (`params.CloudSpec`).
#[derive(Debug, Default)]
pub struct CloudSpec {
    /// The kind of cloud: `lxd`, `aws`, …
    pub kind: String,
    /// Where it is, if the cloud has one place.
    pub endpoint: Option<String>,
    /// The attributes of the credential, which differ by kind.
    pub attributes: BTreeMap<String, Secret<String>>,
}

#[derive(Deserialize)]
struct Printed {
    #[serde(rename = "type")]
    kind: String,
    endpoint: Option<String>,
    credential: Option<Credential>,
}

#[derive(Deserialize)]
struct Credential {
    #[serde(default)]
    attrs: Option<BTreeMap<String, String>>,
}

impl Tools {
    /// The cloud of the model and the credential for it (`jujuc/credential-get.go`).
    ///
    /// # Errors
    /// [`ToolError::Failed`] if no trust was given (see
    /// [`ToolError::is_denied`]): `juju trust` has not run for this application.
    pub fn credential_get(&self) -> Result<CloudSpec, ToolError> {
        let printed: Printed = self.call("credential-get").json()?;
        let attributes = printed.credential.and_then(|credential| credential.attrs);
        Ok(CloudSpec {
            kind: printed.kind,
            endpoint: printed.endpoint.filter(|endpoint| !endpoint.is_empty()),
            attributes: attributes
                .unwrap_or_default()
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;

    #[test]
    fn a_credential_is_read_and_not_shown() {
        let printed = r#"{"type":"lxd","name":"localhost","endpoint":"https://10.0.8.1:8443",
            "credential":{"auth-type":"certificate","attrs":{"client-key":"hush","x":""}}}"#;
        let fake = Fake::printing("credential-get", printed);
        let spec = fake.tools().credential_get().expect("a cloud");
        assert_eq!(spec.kind, "lxd");
        assert_eq!(spec.endpoint.as_deref(), Some("https://10.0.8.1:8443"));
        assert_eq!(spec.attributes["client-key"].expose(), "hush");
        assert_eq!(spec.attributes.len(), 1);
        assert!(!format!("{spec:?}").contains("hush"));
        assert_eq!(fake.argv("credential-get"), ["--format=json"]);
    }

    #[test]
    fn a_cloud_may_have_no_credential() {
        let fake = Fake::printing("credential-get", r#"{"type":"aws","name":"aws"}"#);
        let spec = fake.tools().credential_get().expect("a cloud");
        assert_eq!((spec.kind.as_str(), spec.endpoint), ("aws", None));
        assert!(spec.attributes.is_empty());
    }
}
