//! The authority that signs what clients ask for over `tls-certificates`: when the
//! next one signs, and when nobody needs the previous one any more.
//!
//! Once the next one signs, whatever was answered is signed anew and answered again,
//! to the same requests. Applications take that up as any certificate of theirs, and
//! show it over `etcd-client`.

use std::collections::BTreeSet;

use tls_certificates::answers;

use super::admin::behind;
use crate::facts::authorities::{Authorities, ClientRotation};
use crate::facts::observed::Observed;
use crate::facts::{Cluster, Fingerprint};
use crate::tls::{ClientCertificate, OwnCertificate};

pub(super) fn next(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Option<Authorities> {
    let rotation = authorities.client_rotation.as_ref()?;
    let present = authorities.client.as_ref()?;
    if !behind(observed, cluster, authorities).is_empty() {
        return None;
    }
    match rotation {
        ClientRotation::Next {
            authority,
            grace_seconds,
        } => Some(Authorities {
            client_rotation: Some(ClientRotation::Previous {
                certificate: present.certificate.clone(),
                until: observed.now.plus_seconds(*grace_seconds),
            }),
            client: Some(authority.clone()),
            ..authorities.clone()
        }),
        ClientRotation::Previous { certificate, until } => {
            let is_time = observed.now >= *until
                && !has_answers(observed, certificate)
                && showing(observed, cluster, certificate).is_some_and(|all| all.is_empty());
            is_time.then(|| Authorities {
                client_rotation: None,
                ..authorities.clone()
            })
        }
    }
}

pub(super) fn progress(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Option<String> {
    let rotation = authorities.client_rotation.as_ref()?;
    let behind = behind(observed, cluster, authorities);
    let what = match rotation {
        _ if !behind.is_empty() => format!("waiting for {}", behind.join(", ")),
        ClientRotation::Next { .. } => "the next one is about to sign".to_owned(),
        ClientRotation::Previous { certificate, until } => {
            let showing = showing(observed, cluster, certificate).unwrap_or_default();
            match observed.now >= *until && !showing.is_empty() {
                true => {
                    let all: Vec<_> = showing.into_iter().collect();
                    format!("{} must show what it signed", all.join(", "))
                }
                false => format!("the previous one ends after {until}"),
            }
        }
    };
    Some(format!("replacing the clients' CA: {what}"))
}

/// Whether any application is still answered with what this authority has signed.
fn has_answers(observed: &Observed, authority: &str) -> bool {
    let relations = observed.clients.signing.values();
    let mut answered = relations.flat_map(|relation| {
        let answers = answers::read(&relation.own).unwrap_or_default();
        answers.certificates
    });
    answered.any(|answer| {
        ClientCertificate::recall(&answer.certificate)
            .is_ok_and(|leaf| leaf.issuer_among(authority).is_some())
    })
}

/// The applications that have access by a certificate of this authority which is
/// still valid; `None` where that cannot be told.
fn showing(observed: &Observed, cluster: &Cluster, authority: &str) -> Option<BTreeSet<String>> {
    let authority: Fingerprint = OwnCertificate::read(authority).ok()?.fingerprint;
    let shown = cluster.ledger.grants().filter(|(_, grant)| {
        grant.issuer.as_ref() == Some(&authority) && grant.not_after >= observed.now
    });
    let requirers = shown.map(|(key, _)| cluster.ledger.requirer(key).to_string());
    Some(requirers.collect())
}
