//! What a requirer is told.

use std::collections::{BTreeMap, BTreeSet};

use juju_hooks::{Databag, SecretContent, SecretUnavailable, SecretUri};
use secret_value::Secret;
use thiserror::Error;

use crate::provider::{PublishedResponse, read_published};
use crate::{Dialect, Field, Interface, RequestId};

/// Largest value of a databag that is read, in bytes.
const MAX_VALUE_BYTES: usize = 1024 * 1024;

/// What came of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    /// Something is missing, and until it is there nothing can be used.
    Pending(Missing),
    /// Everything is there.
    Ready(Access),
}

/// The first thing that is missing of an answer. The texts are made for a status:
/// `waiting for etcd: …`.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Missing {
    /// The provider has not answered this request.
    #[error("no answer yet")]
    Answer,
    /// It says nowhere to connect to.
    #[error("no endpoints yet")]
    Endpoints,
    /// The user has no password, or the client's certificate nobody to log in as.
    #[error("no credentials yet")]
    Credentials,
    /// A secret is named that cannot be read.
    #[error("a secret of the answer cannot be read: {0}")]
    Secret(SecretUnavailable),
    /// What a client needs for TLS is not there or not understood.
    #[error("nothing is said of TLS yet")]
    Tls,
    /// The version of the service is not told.
    #[error("no version yet")]
    Version,
}

/// Everything that a client needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Access {
    /// Where to connect to: `host:port`, in the order of the provider.
    pub endpoints: Vec<String>,
    /// The version of the service.
    pub version: String,
    /// The user. Where a certificate logs in, its common name.
    pub username: String,
    /// The user's password; `None` where a certificate logs in.
    pub password: Option<Secret<String>>,
    /// The authority of the servers' certificates, PEM; `None` without TLS.
    pub tls_ca: Option<String>,
    /// What only this interface has.
    pub fields: BTreeMap<Field, String>,
}

/// In what two answers differ.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Change {
    /// It is another user or another password.
    Credentials,
    /// Servers have come or gone.
    Endpoints,
    /// A field that only this interface has.
    Field(Field),
    /// It is ready now.
    Ready,
    /// The authority is another one, or TLS was turned on or off.
    Tls,
    /// The service has another version.
    Version,
    /// It was ready.
    Withdrawn,
}

impl Answer {
    /// Reads the answer to one request from the databag of the provider's
    /// application; `request` is none in version 0. `secret` reads a secret of the
    /// provider, in its latest revision.
    ///
    /// # Errors
    /// Those of `secret`. What the provider does wrong is something that is
    /// missing.
    pub fn read<E>(
        interface: &Interface,
        dialect: Dialect,
        bag: &Databag,
        request: Option<&RequestId>,
        mut secret: impl FnMut(&SecretUri) -> Result<Result<SecretContent, SecretUnavailable>, E>,
    ) -> Result<Self, E> {
        let Some(response) = response(interface, dialect, bag, request) else {
            return Ok(Self::Pending(Missing::Answer));
        };
        let (Some(user), Some(tls)) = (&response.secret_user, &response.secret_tls) else {
            let missing = match response.secret_user {
                None => Missing::Credentials,
                Some(_) => Missing::Tls,
            };
            return Ok(Self::Pending(missing));
        };
        let contents = match (secret(user)?, secret(tls)?) {
            (Ok(user), Ok(tls)) => [user, tls],
            (Err(unavailable), _) | (_, Err(unavailable)) => {
                return Ok(Self::Pending(Missing::Secret(unavailable)));
            }
        };
        Ok(match Access::new(interface, response, &contents) {
            Ok(access) => Self::Ready(access),
            Err(missing) => Self::Pending(missing),
        })
    }

    /// Everything that a client needs, if all of it is there.
    pub fn ready(&self) -> Option<&Access> {
        match self {
            Self::Pending(_) => None,
            Self::Ready(access) => Some(access),
        }
    }

    /// In what it differs from the answer before.
    pub fn changes_since(&self, before: &Self) -> BTreeSet<Change> {
        match (before.ready(), self.ready()) {
            (None, None) => BTreeSet::new(),
            (None, Some(_)) => BTreeSet::from([Change::Ready]),
            (Some(_), None) => BTreeSet::from([Change::Withdrawn]),
            (Some(before), Some(now)) => now.changes_since(before),
        }
    }
}

fn response(
    interface: &Interface,
    dialect: Dialect,
    bag: &Databag,
    request: Option<&RequestId>,
) -> Option<PublishedResponse> {
    if bag.values().any(|value| value.len() > MAX_VALUE_BYTES) {
        return None;
    }
    let is_v1 = bag.get("version").is_some_and(|version| version == "v1");
    if is_v1 != (dialect == Dialect::V1) {
        return None;
    }
    read_published(interface, bag).remove(&request.cloned())
}

impl Access {
    fn new(
        interface: &Interface,
        response: PublishedResponse,
        [user, tls]: &[SecretContent; 2],
    ) -> Result<Self, Missing> {
        let password = user.get("password").filter(|text| !text.is_empty());
        let username = user.get("username").unwrap_or_default();
        if username.is_empty() || (password.is_none() && !interface.has_client_certificate) {
            return Err(Missing::Credentials);
        }
        if response.endpoints.is_empty() {
            return Err(Missing::Endpoints);
        }
        Ok(Self {
            endpoints: response.endpoints,
            version: response.version.ok_or(Missing::Version)?,
            username: username.to_owned(),
            password: password.map(|text| Secret::new(text.to_owned())),
            tls_ca: tls_ca(interface, tls)?,
            fields: response.fields,
        })
    }

    /// The endpoints as URIs, `https://10.0.0.1:2379`, with `http` where there is no
    /// TLS.
    pub fn uris(&self) -> Vec<String> {
        let scheme = match self.tls_ca {
            Some(_) => "https",
            None => "http",
        };
        let uri = |endpoint| format!("{scheme}://{endpoint}");
        self.endpoints.iter().map(uri).collect()
    }

    /// A field that only this interface has.
    pub fn field(&self, field: Field) -> Option<&str> {
        self.fields.get(&field).map(String::as_str)
    }

    fn changes_since(&self, before: &Self) -> BTreeSet<Change> {
        let common = [
            (
                Change::Credentials,
                self.username != before.username || self.password != before.password,
            ),
            (Change::Endpoints, self.endpoints != before.endpoints),
            (Change::Tls, self.tls_ca != before.tls_ca),
            (Change::Version, self.version != before.version),
        ];
        let common = common.into_iter().filter(|(_, differs)| *differs);
        let fields = self.fields.keys().chain(before.fields.keys());
        let fields = fields.filter(|field| self.fields.get(field) != before.fields.get(field));
        common
            .map(|(change, _)| change)
            .chain(fields.map(|field| Change::Field(*field)))
            .collect()
    }
}

/// The authority of the servers, or `None` without TLS. Providers say in many words
/// whether TLS is on, and some by the authority alone. A client with a certificate
/// cannot do without.
fn tls_ca(interface: &Interface, tls: &SecretContent) -> Result<Option<String>, Missing> {
    let tls_ca = tls.get("tls-ca").filter(|text| !text.is_empty());
    let said = tls.get("tls").map(str::to_ascii_lowercase);
    let is_on = match said.as_deref() {
        Some("true" | "enabled") => true,
        Some("false" | "disabled") => false,
        None | Some("") if tls_ca.is_some() => true,
        _ => return Err(Missing::Tls),
    };
    match (is_on, tls_ca) {
        (true, Some(tls_ca)) => Ok(Some(tls_ca.to_owned())),
        (false, _) if !interface.has_client_certificate => Ok(None),
        _ => Err(Missing::Tls),
    }
}
