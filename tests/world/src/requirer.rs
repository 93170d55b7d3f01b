//! What requirers write, literally as the libraries write it.

use juju_simulator::{Model, RelationId};
use serde_json::{Value, json};

/// What `data_interfaces` v0 asks its provider to keep out of the databag
/// (LIBPATCH 50 and later).
const REQUESTED_SECRETS: &str = r#"["username", "password", "tls", "tls-ca", "uris", "read-only-uris", "entity-name", "entity-password"]"#;

/// A requirer that speaks version 0, played by hand.
#[derive(Clone, Debug)]
pub struct V0 {
    /// The application.
    pub app: String,
    /// The relation.
    pub relation: RelationId,
    /// The secret with the certificate, once it has one.
    pub secret: Option<String>,
}

impl V0 {
    /// Writes what the library writes in `relation-created`.
    pub fn ask(model: &mut Model, app: &str, relation: RelationId, prefix: &str) -> Self {
        model.relation_set_app(
            relation,
            app,
            &[
                ("prefix", prefix),
                ("provided-secrets", r#"["mtls-cert"]"#),
                ("requested-secrets", REQUESTED_SECRETS),
            ],
        );
        Self {
            app: app.to_owned(),
            relation,
            secret: None,
        }
    }

    /// Writes these into its databag; an empty value deletes.
    pub fn write(&self, model: &mut Model, pairs: &[(&str, &str)]) {
        model.relation_set_app(self.relation, &self.app, pairs);
    }

    /// Shares a certificate, or replaces the one that is shared, in place.
    pub fn set_certificate(&mut self, model: &mut Model, pem: &str) {
        let content = [("mtls-cert", pem)];
        if let Some(uri) = &self.secret {
            model.secret_set(&self.app, uri, &content);
            return;
        }
        let uri = model.secret_add(&self.app, &content);
        model.secret_grant(&self.app, &uri, self.relation);
        model.relation_set_app(self.relation, &self.app, &[("secret-mtls", &uri)]);
        self.secret = Some(uri);
    }
}

/// One request of version 1.
#[derive(Clone, Debug)]
pub struct Request {
    /// The prefix.
    pub resource: String,
    /// The id; `None` where the library leaves it to the provider.
    pub id: Option<String>,
    /// What makes the id unique.
    pub salt: String,
    /// The secret with the certificate.
    pub secret: Option<String>,
    /// A certificate in the databag itself, across models.
    pub certificate: Option<String>,
}

impl Request {
    /// A request with an id and without a certificate.
    #[must_use]
    pub fn new(resource: &str, id: &str, salt: &str) -> Self {
        Self {
            resource: resource.to_owned(),
            id: Some(id.to_owned()),
            salt: salt.to_owned(),
            secret: None,
            certificate: None,
        }
    }

    fn json(&self) -> Value {
        json!({
            "resource": self.resource,
            "request-id": self.id,
            "salt": self.salt,
            "extra-user-roles": null,
            "extra-group-roles": null,
            "external-node-connectivity": false,
            "entity-type": null,
            "entity-permissions": null,
            "secret-mtls": self.secret,
            "mtls-cert": self.certificate,
            "secret-requested-entity": null,
            "entity-name": null,
            "password": null,
            "prefix-matching": null,
            "entity-password": null,
        })
    }
}

/// A requirer that speaks version 1, played by hand.
#[derive(Clone, Debug)]
pub struct V1 {
    /// The application.
    pub app: String,
    /// The relation.
    pub relation: RelationId,
    /// Its requests.
    pub requests: Vec<Request>,
}

impl V1 {
    /// Writes what the library writes in `relation-created`.
    pub fn ask(model: &mut Model, app: &str, relation: RelationId, requests: Vec<Request>) -> Self {
        let requirer = Self {
            app: app.to_owned(),
            relation,
            requests,
        };
        requirer.write(model);
        requirer
    }

    /// Writes the requests as they are now.
    pub fn write(&self, model: &mut Model) {
        let requests: Vec<Value> = self.requests.iter().map(Request::json).collect();
        let requests = Value::from(requests).to_string();
        model.relation_set_app(
            self.relation,
            &self.app,
            &[("version", "v1"), ("requests", &requests)],
        );
    }

    /// Shares a certificate for one request, or replaces it in place.
    pub fn set_certificate(&mut self, model: &mut Model, index: usize, pem: &str) {
        let content = [("mtls-cert", pem)];
        if let Some(uri) = &self.requests[index].secret {
            model.secret_set(&self.app, uri, &content);
            return;
        }
        let uri = model.secret_add(&self.app, &content);
        model.secret_grant(&self.app, &uri, self.relation);
        self.requests[index].secret = Some(uri);
        self.write(model);
    }
}
