//! The authority that signs what clients ask for over `tls-certificates`: when the
//! next one signs, and when nobody needs the previous one any more.
//!
//! Once the next one signs, whatever was answered is signed anew and answered again,
//! to the same requests. Applications take that up as any certificate of theirs, and
//! show it over `etcd-client`.

use std::collections::BTreeSet;

use tls_certificates::answers;

use super::admin::behind;
use super::rotation::RotationStage;
use super::{next_with_grace, stage_with_grace};
use crate::facts::authorities::Authorities;
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
    let may_end = |previous: &str| {
        !has_answers(observed, previous)
            && showing(observed, cluster, previous).is_some_and(|all| all.is_empty())
    };
    let (client, client_rotation) = next_with_grace(rotation, present, observed.now, may_end)?;
    Some(Authorities {
        client: Some(client),
        client_rotation,
        ..authorities.clone()
    })
}

pub(super) fn stage(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Option<RotationStage> {
    let rotation = authorities.client_rotation.as_ref()?;
    let behind = behind(observed, cluster, authorities);
    Some(stage_with_grace(rotation, behind, |previous, until| {
        let showing = showing(observed, cluster, previous).unwrap_or_default();
        match observed.now >= until && !showing.is_empty() {
            true => RotationStage::Shown(showing.into_iter().collect()),
            false => RotationStage::EndsAfter(until),
        }
    }))
}

/// Whether any application is still answered with what this authority has signed.
fn has_answers(observed: &Observed, authority: &str) -> bool {
    let relations = observed.clients.signing.values();
    let mut answered = relations.flat_map(|relation| {
        let answers = answers::read(&relation.own).unwrap_or_default();
        answers.certificates
    });
    answered.any(|answer| {
        ClientCertificate::read_back(&answer.certificate)
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
