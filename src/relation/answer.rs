//! Answers: what we publish for the requests that were granted.

use std::collections::BTreeMap;

use serde::Serialize;

use super::content::joined;
use super::{Asked, Dialect, Echo};
use crate::model::{Databag, RequestId, SecretUri};

/// Everything that the requirer of one granted request is told. There are no
/// optional parts: a requirer that saw half of an answer would never look at the
/// other half again (`ResourceRequirerEventHandler._handle_event`).
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The request's id, as [`super::Entry`] has it.
    pub request: Option<RequestId>,
    /// What is repeated of the request.
    pub echo: Echo,
    /// Where the client connects to: `ip:port`, without a scheme, in any order.
    pub endpoints: Vec<String>,
    /// The version of etcd.
    pub version: String,
    /// The secret with the user's name. If it was published before, then as it
    /// was: requirers take another form of the same URI for another secret.
    pub secret_user: SecretUri,
    /// The secret with the server's certificate authority; likewise.
    pub secret_tls: SecretUri,
}

/// The keys of our application's databag that belong to answers, with their
/// values: equal for equal answers in any order, and none at all where nothing is
/// answered. Of what was asked only the well-formed requests are looked at.
pub fn write(asked: &Asked, answers: &[Answer]) -> Databag {
    match asked.dialect {
        Dialect::V0 => answers
            .iter()
            .find(|answer| answer.request.is_none())
            .map(write_v0)
            .unwrap_or_default(),
        Dialect::V1 => write_v1(asked, answers),
    }
}

fn write_v0(answer: &Answer) -> Databag {
    [
        ("endpoints", joined("", &answer.endpoints)),
        ("secret-tls", published(&answer.secret_tls)),
        ("secret-user", published(&answer.secret_user)),
        ("version", answer.version.clone()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// At the top, `version` is that of the protocol; etcd's stands in each response.
/// `data` is the provider's memory of what it read, and the requirer reads it,
/// too: it must have the id of every response (the requirer's hook fails
/// otherwise), and has, as in the libraries, requests that are not answered yet.
fn write_v1(asked: &Asked, answers: &[Answer]) -> Databag {
    let answers: BTreeMap<_, _> = answers
        .iter()
        .filter_map(|answer| Some((answer.request.as_ref()?, answer)))
        .collect();
    if answers.is_empty() {
        return Databag::new();
    }
    let responses: Vec<_> = answers
        .iter()
        .map(|(id, answer)| Response::new(id, answer))
        .collect();
    let asked = asked.requests.iter().filter_map(|entry| {
        let request = entry.outcome.as_ref().ok()?;
        Some((entry.request.as_ref()?, &request.echo))
    });
    let answered = answers.iter().map(|(id, answer)| (*id, &answer.echo));
    // Where both have an echo, it is the one of the answer that has to fit.
    let data: BTreeMap<_, _> = asked
        .chain(answered)
        .map(|(id, echo)| (id, Memory::new(id, echo)))
        .collect();
    [
        ("data", json(&data)),
        ("requests", json(&responses)),
        ("version", "v1".to_owned()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// `ResourceProviderModel`, without the fields that would be `null`.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Response<'a> {
    resource: &'a str,
    request_id: &'a RequestId,
    salt: &'a str,
    endpoints: String,
    secret_user: String,
    secret_tls: String,
    version: &'a str,
}

impl<'a> Response<'a> {
    fn new(request_id: &'a RequestId, answer: &'a Answer) -> Self {
        Self {
            resource: &answer.echo.resource,
            request_id,
            salt: &answer.echo.salt,
            endpoints: joined("", &answer.endpoints),
            secret_user: published(&answer.secret_user),
            secret_tls: published(&answer.secret_tls),
            version: &answer.version,
        }
    }
}

/// `RequirerCommonModel`, trimmed as the libraries keep it. No `entity-type`: it
/// would change which event the requirer gets.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Memory<'a> {
    resource: &'a str,
    request_id: &'a RequestId,
    salt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_mtls: Option<&'a str>,
}

impl<'a> Memory<'a> {
    fn new(request_id: &'a RequestId, echo: &'a Echo) -> Self {
        Self {
            resource: &echo.resource,
            request_id,
            salt: &echo.salt,
            secret_mtls: echo.secret_mtls.as_deref(),
        }
    }
}

/// A URI as the requirer's model accepts it (`secret:.*`).
fn published(uri: &SecretUri) -> String {
    match uri.as_str() {
        text if text.starts_with("secret:") => text.to_owned(),
        text if text.contains('/') => format!("secret://{text}"),
        text => format!("secret:{text}"),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts under text keys are always JSON")
}
