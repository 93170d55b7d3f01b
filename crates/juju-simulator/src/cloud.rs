//! The cloud of the model, and which applications the operator trusts with it.

use serde_json::Value;

use crate::model::Model;

impl Model {
    /// Says which cloud the model is on, in the words of `credential-get`
    /// (`params.CloudSpec`).
    pub fn set_cloud(&mut self, spec: Value) {
        self.cloud = Some(spec);
    }

    /// Lets an application read the cloud's credential, or no longer, as `juju
    /// trust` does. Its units run config-changed if that is a change.
    pub fn trust(&mut self, application: &str, trusted: bool) {
        let owner = self.application_mut(application);
        if owner.trusted != trusted {
            owner.trusted = trusted;
            owner.config_version += 1;
        }
    }
}
