//! The authority of the administrators, and of all whom the charm has issued a
//! certificate: whose certificates end with it, and when that may be.

use super::rotation::RotationStage;
use super::{issuer, next_with_grace, not_telling, stage_with_grace};
use crate::facts::authorities::{Authorities, GraceRotation};
use crate::facts::observed::{Leaves, Observed};
use crate::facts::{Cluster, CommonName, IssuedRecord, IssuedState, Purpose, Timestamp};
use crate::tls::{OwnCertificate, TrustBundle, digest};

/// What a unit tells of the authorities of administrators, once its etcd runs.
pub(in crate::plan) fn published(observed: &Observed) -> Option<String> {
    let machine = &observed.machine;
    let loaded = machine.loaded_authorities.as_ref()?;
    let issuer = issuer(
        machine.admin_certificate.as_ref()?,
        &machine.authorities.as_ref()?.admin,
    )?;
    Some(format!("{} {issuer}", digest_of(loaded)))
}

/// Whether the running etcd has loaded other authorities than are stored here.
pub(in crate::plan) fn is_other_loaded(observed: &Observed) -> bool {
    let machine = &observed.machine;
    match (&machine.loaded_authorities, machine.client_trust()) {
        (Some(loaded), Some(stored)) => fingerprints(&stored).is_some_and(|all| all != *loaded),
        _ => false,
    }
}

pub(super) fn next(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Option<Authorities> {
    let rotation = authorities.admin_rotation.as_ref()?;
    if !behind(observed, cluster, authorities).is_empty() {
        return None;
    }
    let may_end = |_: &str| all_are_reissued(observed, authorities);
    let (admin, admin_rotation) =
        next_with_grace(rotation, &authorities.admin, observed.now, may_end)?;
    Some(Authorities {
        admin,
        admin_rotation,
        ..authorities.clone()
    })
}

pub(super) fn stage(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Option<RotationStage> {
    let rotation = authorities.admin_rotation.as_ref()?;
    let behind = behind(observed, cluster, authorities);
    let ending = |_: &str, until| RotationStage::Ends(until);
    Some(stage_with_grace(rotation, behind, ending))
}

/// The members that have not loaded these authorities yet, those of clients
/// included, or whose units are `root` by a certificate of another than the present one.
pub(super) fn behind(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Vec<String> {
    let all = fingerprints(&authorities.client_trust()).unwrap_or_default();
    let wanted = format!("{} {}", digest_of(&all), authorities.admin_issuer());
    not_telling(observed, cluster, published(observed), &wanted, |unit| {
        unit.admin_ca.clone()
    })
}

/// Whether every relation of a legacy interface holds an identity that the
/// present authority has signed. What cannot be read is not known to.
fn all_are_reissued(observed: &Observed, authorities: &Authorities) -> bool {
    observed.clients.legacy.values().all(|relation| {
        let held = relation.held.as_ref();
        let is_signed = held.is_some_and(|held| is_signed_by(authorities, &held.certificate));
        relation.own.is_some() && is_signed
    })
}

/// Whether the present authority has signed this certificate.
pub(in crate::plan) fn is_signed_by(authorities: &Authorities, certificate: &str) -> bool {
    OwnCertificate::read(certificate)
        .is_ok_and(|certificate| certificate.issued_by(authorities.admin.own()))
}

/// Whether the certificates of this identity are by another authority than the
/// present one.
fn is_of_another(authorities: &Authorities, record: &IssuedRecord) -> bool {
    match &record.issuer {
        Some(issuer) => *issuer != authorities.admin_issuer(),
        // It was issued before that was noted.
        None => record.issued_at < authorities.admin.own().not_before,
    }
}

/// Whether no member lets the certificates of this identity in any more, since
/// their authority is gone everywhere.
pub(in crate::plan) fn is_worthless(
    observed: &Observed,
    cluster: &Cluster,
    record: &IssuedRecord,
) -> bool {
    observed.machine.authorities.as_ref().is_some_and(|all| {
        all.admin_rotation.is_none()
            && is_of_another(all, record)
            && behind(observed, cluster, all).is_empty()
    })
}

/// The credentials of people and tools that end with the previous authority, and
/// when.
pub(in crate::plan) fn ending_credentials(
    observed: &Observed,
    cluster: &Cluster,
) -> Vec<(CommonName, Timestamp)> {
    let Some(authorities) = &observed.machine.authorities else {
        return Vec::new();
    };
    let Some(GraceRotation::Previous { until, .. }) = &authorities.admin_rotation else {
        return Vec::new();
    };
    let issued = cluster.ledger.issued.iter();
    issued
        .filter(|(_, record)| {
            let is_used = record.state == IssuedState::InForce;
            is_used && record.purpose == Purpose::Operator && is_of_another(authorities, record)
        })
        .map(|(name, _)| (name.clone(), *until))
        .collect()
}

fn fingerprints(authorities: &str) -> Option<Leaves> {
    let bundle = TrustBundle::new(authorities).ok()?;
    Some(bundle.fingerprints())
}

fn digest_of(all: &Leaves) -> String {
    let all: Vec<&str> = all.iter().map(|fingerprint| fingerprint.as_str()).collect();
    digest(all.join(" ").as_bytes())
}
