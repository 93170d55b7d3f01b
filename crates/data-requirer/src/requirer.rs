//! One relation, as a charm goes through it in every hook.

use certificates::{IssueError, Timestamp};
use data_interfaces::requirer::{Answer, OwnRequest, changes, salt, write};
use data_interfaces::{
    CERTIFICATE, Dialect, ENCRYPTION_KEY, ENCRYPTION_SECRET, Interface, OfferedCertificate,
    RequestId, RequestKey, SecretGroup, fernet, provider, secret_label,
};
use juju_hooks::{
    Databag, Hook, Relation, Revision, SecretContent, SecretOwner, SecretUnavailable, SecretUri,
    ToolError, Tools,
};
use secret_value::Secret;
use thiserror::Error;

use crate::ending::{clears_up, is_ending};
use crate::{CertificatePolicy, Identity};

/// What is wanted of the provider.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Wish {
    /// The resource, such as a prefix. An empty one is no wish.
    pub resource: String,
    /// What the client logs in with, where the interface wants a certificate.
    pub certificate: ClientCertificate,
}

/// Where the certificate of a client comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ClientCertificate {
    /// The charm brings it, PEM, and has the key.
    Given(String),
    /// It is made here, and renewed.
    Made(CertificatePolicy),
    /// None is needed, or there is none yet.
    None,
}

/// Why a relation could not be gone through.
#[derive(Debug, Error)]
pub enum RequirerError {
    /// No certificate could be made.
    #[error("failed to make a client certificate")]
    Certificate(#[from] IssueError),
    /// A secret of our own cannot be read.
    #[error("failed to read our own secret {label}")]
    OwnSecret {
        /// Its label.
        label: String,
        /// Why not.
        source: SecretUnavailable,
    },
    /// A hook tool failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// One relation with a provider.
#[derive(Debug)]
pub struct Requirer<'h> {
    tools: &'h Tools,
    hook: &'h Hook,
    relation: Relation,
    interface: &'h Interface,
    dialect: Dialect,
    now: Timestamp,
}

/// Both sides of the databag, as the leader sees them.
struct Bags {
    own: Databag,
    remote: Databag,
    /// Whether the provider is in another model, where it can read no secret of
    /// ours.
    across_models: bool,
}

impl<'h> Requirer<'h> {
    /// The relation in this hook. The dialect is the charm's choice, and both sides
    /// keep to it for as long as the relation lives.
    pub const fn new(
        tools: &'h Tools,
        hook: &'h Hook,
        relation: Relation,
        interface: &'h Interface,
        dialect: Dialect,
        now: Timestamp,
    ) -> Self {
        Self {
            tools,
            hook,
            relation,
            interface,
            dialect,
            now,
        }
    }

    /// Asks for what is wished for, in version 0 for the first alone, and takes back
    /// what is wished for no more. Only the leader does anything, and nobody does
    /// while a unit leaves: a grant in a relation that ends would fail the hook.
    ///
    /// # Errors
    /// See [`RequirerError`].
    pub fn publish(&self, wishes: &[Wish]) -> Result<(), RequirerError> {
        if is_ending(self.hook, self.relation) || !self.tools.is_leader()? {
            return Ok(());
        }
        let bags = self.bags()?;
        let before = self.published(&bags.own);
        let mut requests = Vec::new();
        for wish in wishes {
            let mut request = self.request(wish);
            let id = request.id(self.dialect);
            let stands = before.iter().find(|(known, _)| *known == id);
            let stands = stands.map(|(_, certificate)| certificate);
            request.certificate = match self.certificate(&wish.certificate, &id)? {
                None => OfferedCertificate::None,
                Some(text) if bags.across_models => self.in_databag(&bags, stands, text)?,
                Some(text) => self.in_secret(&id, stands, text)?,
            };
            requests.push(request);
        }
        let is_encrypted = requests
            .iter()
            .any(|request| matches!(request.certificate, OfferedCertificate::Encrypted(_)));
        let encryption = bags.remote.get(ENCRYPTION_SECRET).map(String::as_str);
        let wanted = write(
            self.interface,
            self.dialect,
            &requests,
            encryption.filter(|_| is_encrypted),
        );
        let changes = changes(self.interface, &bags.own, &wanted);
        self.tools.relation_set_app(self.relation, &changes)?;
        let kept: Vec<_> = requests.iter().map(|own| own.id(self.dialect)).collect();
        let gone = before.into_iter().filter(|(id, _)| !kept.contains(id));
        gone.map(|(id, _)| id)
            .try_for_each(|id| self.remove_secrets(id))
    }

    /// What came of a wish, for any unit.
    ///
    /// # Errors
    /// A hook tool failed.
    pub fn answer(&self, wish: &Wish) -> Result<Answer, RequirerError> {
        let id = self.request(wish).id(self.dialect);
        let bag = self.remote()?;
        let secret = |uri: &SecretUri| self.tools.secret_get(uri, Revision::Refresh);
        let answer = Answer::read(self.interface, self.dialect, &bag, id.as_ref(), secret);
        Ok(answer?)
    }

    /// What the client logs in with, for any unit, once the leader has made it.
    ///
    /// # Errors
    /// A hook tool failed, or our own secret cannot be read.
    pub fn identity(&self, wish: &Wish) -> Result<Option<Identity>, RequirerError> {
        self.own_identity(&self.request(wish).id(self.dialect))
    }

    /// Removes the secrets that were made for a relation that has ended, in the hook
    /// that says so. A unit that goes away alone is told the same, and leaves all to
    /// those that stay.
    ///
    /// # Errors
    /// A hook tool failed.
    pub fn withdraw(&self) -> Result<(), RequirerError> {
        if !clears_up(self.tools, self.hook)? {
            return Ok(());
        }
        let app = self.hook.unit.app();
        let own = self.tools.relation_get_own_app(self.relation, app)?;
        let published = self.published(&own.unwrap_or_default()).into_iter();
        published
            .map(|(id, _)| id)
            .try_for_each(|id| self.remove_secrets(id))
    }

    fn request(&self, wish: &Wish) -> OwnRequest {
        OwnRequest {
            resource: wish.resource.clone(),
            salt: salt(&self.hook.model, self.relation),
            certificate: OfferedCertificate::None,
        }
    }

    fn remote(&self) -> Result<Databag, ToolError> {
        let read = self
            .tools
            .remote_app(self.relation)
            .and_then(|app| self.tools.relation_get_app(self.relation, &app));
        match read {
            // The agent may still know a relation that the model has no more.
            Err(error) if error.is_not_found() || error.is_denied() => Ok(Databag::new()),
            read => read,
        }
    }

    fn bags(&self) -> Result<Bags, ToolError> {
        let own = self
            .tools
            .relation_get_own_app(self.relation, self.hook.unit.app())?;
        let model = self.tools.relation_model_uuid(self.relation)?;
        Ok(Bags {
            own: own.unwrap_or_default(),
            remote: self.remote()?,
            across_models: model.is_some_and(|model| model != self.hook.model),
        })
    }

    /// What we asked for before, by request.
    fn published(&self, own: &Databag) -> Vec<(Option<RequestId>, OfferedCertificate)> {
        let read = provider::read::<String>(self.interface, own).ok().flatten();
        let requests = read.into_iter().flat_map(|read| read.requests);
        requests
            .map(|entry| {
                let certificate = entry.outcome.map(|request| request.certificate);
                (
                    entry.request,
                    certificate.unwrap_or(OfferedCertificate::None),
                )
            })
            .collect()
    }

    /// The certificate to show, made or renewed where that is ours to do.
    fn certificate(
        &self,
        wanted: &ClientCertificate,
        id: &Option<RequestId>,
    ) -> Result<Option<String>, RequirerError> {
        let policy = match wanted {
            ClientCertificate::None => return Ok(None),
            ClientCertificate::Given(text) => return Ok(Some(text.clone())),
            ClientCertificate::Made(policy) => policy,
        };
        let before = self.own_identity(id)?;
        if let Some(identity) = before.as_ref().filter(|made| made.fits(policy, self.now)) {
            return Ok(Some(identity.certificate().to_owned()));
        }
        let identity = Identity::make(policy, before, self.now)?;
        let what = "Certificate and key of the client";
        let known = self.own_secret(SecretGroup::Identity, id)?;
        self.write_secret(SecretGroup::Identity, id, known, what, &identity.content())?;
        Ok(Some(identity.certificate().to_owned()))
    }

    fn own_identity(&self, id: &Option<RequestId>) -> Result<Option<Identity>, RequirerError> {
        let label = self.label(SecretGroup::Identity, id);
        match self.tools.secret_get_by_label(&label, Revision::Refresh)? {
            Ok(content) => Ok(Identity::read(&content)),
            Err(SecretUnavailable::NotFound) => Ok(None),
            Err(source) => Err(RequirerError::OwnSecret { label, source }),
        }
    }

    /// Shares the certificate with the provider in a secret of ours.
    fn in_secret(
        &self,
        id: &Option<RequestId>,
        stands: Option<&OfferedCertificate>,
        text: String,
    ) -> Result<OfferedCertificate, RequirerError> {
        let content = SecretContent::from_iter([(CERTIFICATE, text)]);
        let published = match stands {
            Some(OfferedCertificate::Secret(uri)) => Some(uri),
            _ => None,
        };
        if let Some(uri) = published {
            match self.tools.secret_get(uri, Revision::Peek)? {
                Ok(held) if held == content => return Ok(OfferedCertificate::Secret(uri.clone())),
                Ok(_) => {
                    self.tools.secret_set(uri, None, &content)?;
                    return Ok(OfferedCertificate::Secret(uri.clone()));
                }
                // Somebody has removed it.
                Err(_) => {}
            }
        }
        let what = "Certificate of the client";
        let known = self.own_secret(SecretGroup::Mtls, id)?;
        let uri = self.write_secret(SecretGroup::Mtls, id, known, what, &content)?;
        self.tools.secret_grant(&uri, self.relation)?;
        Ok(OfferedCertificate::Secret(uri))
    }

    /// Puts the certificate into the databag, where no secret of ours can be read:
    /// under the provider's key as soon as there is one. A certificate is public, and
    /// providers without a key need it in clear.
    fn in_databag(
        &self,
        bags: &Bags,
        stands: Option<&OfferedCertificate>,
        text: String,
    ) -> Result<OfferedCertificate, RequirerError> {
        let uri = bags.remote.get(ENCRYPTION_SECRET);
        let Some(uri) = uri.and_then(|uri| uri.parse::<SecretUri>().ok()) else {
            return Ok(OfferedCertificate::Clear(text));
        };
        let content = self.tools.secret_get(&uri, Revision::Refresh)?;
        let key = content.ok().and_then(|content| {
            let key = content.get(ENCRYPTION_KEY)?;
            Some(Secret::new(key.to_owned()))
        });
        let Some(key) = key else {
            return Ok(stands.cloned().unwrap_or(OfferedCertificate::None));
        };
        if let Some(OfferedCertificate::Encrypted(token)) = stands
            && fernet::decrypt(&key, token).is_ok_and(|held| held == text)
        {
            return Ok(OfferedCertificate::Encrypted(token.clone()));
        }
        Ok(match fernet::encrypt(&key, &text) {
            Ok(token) => OfferedCertificate::Encrypted(token),
            Err(_) => OfferedCertificate::Clear(text),
        })
    }

    fn label(&self, group: SecretGroup, id: &Option<RequestId>) -> String {
        let key = RequestKey {
            relation: self.relation.id,
            request: id.clone(),
        };
        secret_label(self.relation.endpoint, &key, group)
    }

    /// A secret of ours by its label, which only the leader can find. A commit that
    /// failed half-way leaves one behind that was never published.
    fn own_secret(
        &self,
        group: SecretGroup,
        id: &Option<RequestId>,
    ) -> Result<Option<SecretUri>, ToolError> {
        let info = self.tools.secret_info(&self.label(group, id))?;
        Ok(info.and_then(|info| format!("secret:{}", info.id).parse().ok()))
    }

    fn write_secret(
        &self,
        group: SecretGroup,
        id: &Option<RequestId>,
        known: Option<SecretUri>,
        what: &str,
        content: &SecretContent,
    ) -> Result<SecretUri, ToolError> {
        if let Some(uri) = known {
            self.tools.secret_set(&uri, None, content)?;
            return Ok(uri);
        }
        let description = format!("{what} over {}", self.relation);
        let label = self.label(group, id);
        self.tools
            .secret_add(&label, &description, content, SecretOwner::Application)
    }

    fn remove_secrets(&self, id: Option<RequestId>) -> Result<(), RequirerError> {
        for group in [SecretGroup::Identity, SecretGroup::Mtls] {
            if let Some(uri) = self.own_secret(group, &id)? {
                self.tools.secret_remove(&uri, None)?;
            }
        }
        Ok(())
    }
}
