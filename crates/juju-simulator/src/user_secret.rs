//! Secrets that an operator makes with `juju add-secret`: they belong to the
//! model, and a grant of one has no relation that it could end with.

use crate::model::Model;
use crate::name::RelationId;
use crate::puppet::content;
use crate::secret::{Grant, Owner, Subject};

/// Who owns them; no application can have this name.
const OPERATOR: &str = "(operator)";

/// The relation of their grants; no relation gets this number.
const NO_RELATION: RelationId = RelationId(u32::MAX);

impl Model {
    /// Makes a secret of the operator's and gives its full URI. Nobody may read it
    /// yet.
    pub fn user_secret_add(&mut self, pairs: &[(&str, &str)]) -> String {
        let id = self.random.secret_id();
        let owner = Owner::Application(OPERATOR.to_owned());
        let secret = self.new_secret(id.clone(), owner, content(pairs));
        let uri = secret.uri();
        self.secrets.insert(id, secret);
        uri
    }

    /// Lets all units of an application read it (`juju grant-secret`). No unit
    /// hears of that.
    ///
    /// # Panics
    /// Panics if there is no such secret or application.
    pub fn user_secret_grant(&mut self, uri: &str, application: &str) {
        let _ = self.application(application);
        let id = crate::puppet::id(uri);
        let Some(secret) = self.secrets.get_mut(&id) else {
            panic!("there is no secret {uri}")
        };
        secret.grants.push(Grant {
            subject: Subject::Application(application.to_owned()),
            relation: NO_RELATION,
        });
    }
}
