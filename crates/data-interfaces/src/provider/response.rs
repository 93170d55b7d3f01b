//! Responses: what is published for the requests that were granted.

use std::collections::BTreeMap;
use std::str::FromStr;

use juju_hooks::{Databag, SecretUri};
use serde::Serialize;

use super::{Correlation, Requests};
use crate::secrets::joined;
use crate::{Dialect, Field, RequestId};

/// Everything that the requirer of one granted request is told. What all
/// interfaces have is not optional: a requirer that saw half of an answer would
/// never look at the other half again
/// (`ResourceRequirerEventHandler._handle_event`).
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The request's id, as [`super::Entry`] has it.
    pub request: Option<RequestId>,
    /// What is repeated of the request.
    pub correlation: Correlation,
    /// Where the client connects to: `host:port`, without a scheme, in any order.
    pub endpoints: Vec<String>,
    /// The version of the service.
    pub version: String,
    /// The secret with the user. If it was published before, then as it was:
    /// requirers take another form of the same URI for another secret.
    pub secret_user: SecretUri,
    /// The secret with what a client needs for TLS; likewise.
    pub secret_tls: SecretUri,
    /// What only this interface has. An empty text is written in version 1; in
    /// version 0, as Juju stores no empty value, it is as good as none.
    pub fields: BTreeMap<Field, String>,
}

/// The keys of the provider's databag that belong to responses, with their
/// values: equal for equal responses in any order, and none at all where nothing
/// is answered. Of what was asked only the well-formed requests are looked at.
pub fn write<R: FromStr>(requests: &Requests<R>, responses: &[Response]) -> Databag {
    match requests.dialect {
        Dialect::V0 => responses
            .iter()
            .find(|response| response.request.is_none())
            .map(write_v0)
            .unwrap_or_default(),
        Dialect::V1 => write_v1(requests, responses),
    }
}

fn write_v0(response: &Response) -> Databag {
    let common = [
        ("endpoints", joined("", &response.endpoints)),
        ("secret-tls", response.secret_tls.published()),
        ("secret-user", response.secret_user.published()),
        ("version", response.version.clone()),
    ];
    let fields = response.fields.iter().flat_map(|(field, value)| {
        let is_stored = !value.is_empty();
        let keys = field.keys().filter(move |_| is_stored);
        keys.map(|key| (key, value.clone()))
    });
    common
        .into_iter()
        .chain(fields)
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// At the top, `version` is that of the protocol; the service's stands in each
/// response. `data` is the provider's memory of what it read, and the requirer
/// reads it, too: it must have the id of every response (the requirer's hook fails
/// otherwise), and has, as in the libraries, requests that are not answered yet.
fn write_v1<R: FromStr>(requests: &Requests<R>, responses: &[Response]) -> Databag {
    let responses: BTreeMap<_, _> = responses
        .iter()
        .filter_map(|response| Some((response.request.as_ref()?, response)))
        .collect();
    if responses.is_empty() {
        return Databag::new();
    }
    let models: Vec<_> = responses
        .iter()
        .map(|(id, response)| ResponseModel::new(id, response))
        .collect();
    let asked = requests.requests.iter().filter_map(|entry| {
        let request = entry.outcome.as_ref().ok()?;
        Some((entry.request.as_ref()?, &request.correlation))
    });
    let answered = responses
        .iter()
        .map(|(id, response)| (*id, &response.correlation));
    // Where both have one, it is that of the response that has to fit.
    let data: BTreeMap<_, _> = asked
        .chain(answered)
        .map(|(id, correlation)| (id, RequestModel::new(id, correlation)))
        .collect();
    [
        ("data", json(&data)),
        ("requests", json(&models)),
        ("version", "v1".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// `ResourceProviderModel`, without the fields that would be `null`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ResponseModel<'a> {
    resource: &'a str,
    request_id: &'a RequestId,
    salt: &'a str,
    endpoints: String,
    secret_user: String,
    secret_tls: String,
    version: &'a str,
    #[serde(flatten)]
    fields: BTreeMap<&'a str, &'a str>,
}

impl<'a> ResponseModel<'a> {
    fn new(request_id: &'a RequestId, response: &'a Response) -> Self {
        let fields = response.fields.iter();
        Self {
            resource: &response.correlation.resource,
            request_id,
            salt: &response.correlation.salt,
            endpoints: joined("", &response.endpoints),
            secret_user: response.secret_user.published(),
            secret_tls: response.secret_tls.published(),
            version: &response.version,
            fields: fields
                .map(|(field, value)| (field.name, value.as_str()))
                .collect(),
        }
    }
}

/// `RequirerCommonModel`, trimmed as the libraries keep it. No `entity-type`: it
/// would change which event the requirer gets.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct RequestModel<'a> {
    resource: &'a str,
    request_id: &'a RequestId,
    salt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_mtls: Option<&'a str>,
}

impl<'a> RequestModel<'a> {
    fn new(request_id: &'a RequestId, correlation: &'a Correlation) -> Self {
        Self {
            resource: &correlation.resource,
            request_id,
            salt: &correlation.salt,
            secret_mtls: correlation.secret_mtls.as_deref(),
        }
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts under text keys are always JSON")
}
