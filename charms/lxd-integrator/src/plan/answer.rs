//! What relations are told: only what is true already.

use std::collections::BTreeMap;

use juju_hooks::RelationId;

use super::access::Wanted;
use super::credentials::Connection;
use super::{Problem, Projects};
use crate::facts::{Juju, Known, Lxd};
use crate::relation::{Answer, Node};

/// What has to change in the databag of this unit, by relation.
pub type Changes = BTreeMap<RelationId, BTreeMap<String, Option<String>>>;

/// All ways to the trust store, the one that is known to work first.
///
/// # Errors
/// An LXD that listens nowhere cannot be reached by anybody.
pub fn nodes(
    connection: &Connection,
    lxd: &Lxd,
    projects: &Projects,
) -> Result<Vec<Node>, Problem> {
    let server = &lxd.server;
    let mut places: Vec<(String, String)> = match connection {
        Connection::Https(https) => vec![(https.address.url(), server.name.clone())],
        Connection::Socket(_) => server
            .addresses
            .first()
            .map(|address| (format!("https://{address}"), server.name.clone()))
            .into_iter()
            .collect(),
    };
    for member in lxd.members.iter().filter(|member| member.online) {
        let is_known = places
            .iter()
            .any(|(url, name)| *url == member.url || *name == member.name);
        if !is_known {
            places.push((member.url.clone(), member.name.clone()));
        }
    }
    if places.is_empty() {
        return Err(Problem::NotListening);
    }
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    Ok(places
        .into_iter()
        .map(|(endpoint, name)| Node {
            endpoint,
            name,
            trusted_certs_fp: Vec::new(),
            certificate: text(&server.certificate),
            certificate_fingerprint: text(&server.fingerprint),
            projects: projects.names(),
        })
        .collect())
}

/// The changes of our databags; a relation that cannot be read keeps what it
/// was told.
pub fn plan(juju: &Juju, lxd: &Lxd, wanted: &Wanted, nodes: &[Node]) -> Changes {
    let mut changes = Changes::new();
    for (id, relation) in &juju.relations {
        let Known::Known(own) = &relation.own else {
            continue;
        };
        if wanted.unknown.contains(id) {
            continue;
        }
        let trusted = wanted
            .certificates
            .values()
            .filter(|(certificate, relations)| {
                relations.contains(id) && lxd.entries.contains_key(&certificate.fingerprint)
            });
        let (fingerprints, registered): (Vec<_>, Vec<_>) = trusted
            .map(|(certificate, _)| {
                (
                    certificate.fingerprint.to_string(),
                    certificate.text.clone(),
                )
            })
            .unzip();
        let nodes = nodes.iter().cloned().map(|node| Node {
            trusted_certs_fp: fingerprints.clone(),
            ..node
        });
        let answer = Answer {
            nodes: nodes.collect(),
            registered,
        };
        let change = answer.changes(own);
        if !change.is_empty() {
            changes.insert(*id, change);
        }
    }
    changes
}
