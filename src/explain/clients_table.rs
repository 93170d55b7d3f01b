//! The list as a table for a person and as data for a program.

use std::collections::BTreeMap;

use super::table::table;
use crate::explain::clients::{Listed, State};
use crate::explain::identities::Identity;
use crate::facts::{AppName, IssuedState, RelationId};
use crate::juju::ActionResults;

/// Puts requests and identities into the results.
pub fn show(
    results: &mut ActionResults,
    requests: &[Listed],
    identities: &[Identity],
    apps: &BTreeMap<RelationId, AppName>,
) {
    let count = requests.len() + identities.len();
    results.set(&["count"], count.to_string());
    if count == 0 {
        results.set(&["output"], "nobody has access, and nobody asks for it");
        return;
    }
    let app = |identity: &Identity| {
        let (_, relation) = identity.relation?;
        apps.get(&relation).map(ToString::to_string)
    };
    let heading = [
        "RELATION",
        "APPLICATION",
        "REQUEST",
        "STATE",
        "COMMON NAME",
        "PREFIX",
        "CERTIFICATE ENDS",
        "NOTE",
    ];
    let of_requests = requests.iter().map(request_row);
    let of_identities = identities.iter();
    let of_identities = of_identities.map(|identity| identity_row(identity, app(identity)));
    let rows: Vec<_> = of_requests.chain(of_identities).collect();
    results.set(&["output"], table(&heading, &rows));
    for listed in requests {
        let relation = listed.key.relation;
        let id = match &listed.key.request {
            Some(request) => format!("{relation}-{request}"),
            None => relation.to_string(),
        };
        for (key, text) in request_figures(listed) {
            results.set(&["clients", &id, key], text);
        }
    }
    // Two names may differ in what no key of a result can hold.
    for (at, identity) in identities.iter().enumerate() {
        let number = (at + 1).to_string();
        for (key, text) in identity_figures(identity, app(identity)) {
            results.set(&["identities", &number, key], text);
        }
    }
}

fn shown(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

fn request_row(listed: &Listed) -> Vec<String> {
    let grant = listed.grant.as_ref();
    let state = match listed.state {
        State::Ready(ready) => format!("ready on {ready} of {}", listed.voters),
        _ => word(listed.state).to_owned(),
    };
    let mut notes: Vec<_> = listed.reason.iter().cloned().collect();
    notes.extend(listed.faults.iter().cloned());
    vec![
        listed.key.relation.to_string(),
        shown(listed.app.as_ref().map(ToString::to_string)),
        shown(listed.key.request.as_ref().map(ToString::to_string)),
        state,
        shown(grant.map(|grant| grant.common_name.to_string())),
        shown(listed.prefix.as_ref().map(ToString::to_string)),
        shown(grant.map(|grant| grant.not_after.to_string())),
        notes.join("; "),
    ]
}

fn identity_row(identity: &Identity, app: Option<String>) -> Vec<String> {
    let issued = identity.issued.as_ref();
    let prefix = issued.map(|(_, record)| match &record.prefix {
        Some(prefix) => prefix.to_string(),
        None => "all keys".to_owned(),
    });
    vec![
        shown(identity.relation.map(|(_, relation)| relation.to_string())),
        shown(app),
        whose(identity),
        issued_word(identity).to_owned(),
        shown(issued.map(|(name, _)| name.to_string())),
        shown(prefix),
        shown(issued.map(|(_, record)| record.not_after.to_string())),
        identity.faults.join("; "),
    ]
}

/// Over which endpoint an identity was asked for, or that an operator did.
fn whose(identity: &Identity) -> String {
    match identity.relation {
        Some((interface, _)) => interface.endpoint().to_string(),
        None => "operator".to_owned(),
    }
}

/// What is said of one request, by keys; what does not apply is left out.
fn request_figures(listed: &Listed) -> Vec<(&'static str, String)> {
    let mut figures = vec![
        ("relation", listed.key.relation.to_string()),
        ("state", word(listed.state).to_owned()),
    ];
    let mut add = |key, text: Option<String>| figures.extend(text.map(|text| (key, text)));
    add("application", listed.app.as_ref().map(ToString::to_string));
    let request = listed.key.request.as_ref();
    add("request", request.map(ToString::to_string));
    add("reason", listed.reason.clone());
    let prefix = listed.prefix.as_ref();
    add("prefix", prefix.map(ToString::to_string));
    add("range", prefix.map(|prefix| prefix.range().to_string()));
    if let Some(grant) = &listed.grant {
        let ready = match listed.state {
            State::Ready(ready) => ready,
            _ => 0,
        };
        add("ready-members", Some(ready.to_string()));
        add("members", Some(listed.voters.to_string()));
        add("common-name", Some(grant.common_name.to_string()));
        add("fingerprint", Some(grant.fingerprint.to_string()));
        let trusted_by = match grant.issuer {
            Some(_) => "the CA of clients",
            None => "its certificate",
        };
        add("trusted-by", Some(trusted_by.to_owned()));
        add("certificate-ends", Some(grant.not_after.to_string()));
        add("granted", Some(grant.granted_at.to_string()));
        add("in-etcd", Some(in_etcd(&listed.faults)));
    }
    figures
}

fn identity_figures(identity: &Identity, app: Option<String>) -> Vec<(&'static str, String)> {
    let mut figures = vec![
        ("state", issued_word(identity).to_owned()),
        ("for", whose(identity)),
    ];
    let mut add = |key, text: Option<String>| figures.extend(text.map(|text| (key, text)));
    let relation = identity.relation;
    add(
        "relation",
        relation.map(|(_, relation)| relation.to_string()),
    );
    add("application", app);
    if let Some((name, record)) = &identity.issued {
        add("common-name", Some(name.to_string()));
        add("prefix", record.prefix.as_ref().map(ToString::to_string));
        add("range", Some(record.range().to_string()));
        add(
            "fingerprint",
            record.fingerprint.as_ref().map(ToString::to_string),
        );
        add("issued", Some(record.issued_at.to_string()));
        add("certificate-ends", Some(record.not_after.to_string()));
        add("in-etcd", Some(in_etcd(&identity.faults)));
    }
    figures
}

fn in_etcd(faults: &[String]) -> String {
    match faults {
        [] => "as it should be".to_owned(),
        faults => faults.join("; "),
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Waiting => "waiting",
        State::Refused => "refused",
        State::Granted => "granted",
        State::Ready(_) => "ready",
        State::Releasing => "leaving",
    }
}

fn issued_word(identity: &Identity) -> &'static str {
    match identity.issued.as_ref().map(|(_, record)| record.state) {
        None => "waiting",
        Some(IssuedState::Unfinished) => "unfinished",
        Some(IssuedState::InForce) => "in-force",
        Some(IssuedState::Revoked) => "revoked",
    }
}
