//! The certificate authorities of an application, and how each is replaced by
//! another without anybody losing a connection.
//!
//! Who checks a certificate has to know its authority before it is shown one
//! of it, and each member, each unit and each client learns that at a time of
//! its own. So there are three steps, and each is taken when the one before has
//! reached everybody:
//!
//! 1. The next authority is trusted beside the present one, and signs nothing.
//!    Members restart in turn, since etcd reads authorities once, at its start;
//!    clients are told both of the servers'.
//! 2. When every member has loaded both, the next becomes the present one, which
//!    signs; every unit issues itself another certificate, for which nothing is
//!    restarted. That of the servers waits until clients have had time to take
//!    both over. That of the administrators signs anew what relations of the older
//!    interfaces were given.
//! 3. When every member shows a certificate of the present authority, the
//!    previous one is forgotten. Members restart in turn once more. That of the
//!    administrators waits until those relations, and people with credentials,
//!    have had time to take over what was signed anew; what was not ends with it.
//!    That of clients waits until each that has access shows what was signed anew.

pub(super) mod admin;
mod client;
pub mod rotation;
#[cfg(test)]
mod tests;

use crate::facts::authorities::{Authorities, AuthorityKind, GraceRotation, Rotation};
use crate::facts::observed::Observed;
use crate::facts::{Cluster, MemberName, Timestamp};
use crate::relation::peer::UnitData;
use crate::tls::{Authority, OwnCertificate, digest};
use rotation::{RotationProgress, RotationStage};

/// What a unit tells of the authorities of members, once its etcd runs.
pub(super) fn published(observed: &Observed) -> Option<String> {
    let machine = &observed.machine;
    let loaded = machine.loaded_server_trust.as_ref()?;
    let issuer = issuer(
        machine.server_certificate.as_ref()?,
        &machine.authorities.as_ref()?.server,
    )?;
    Some(format!("{loaded} {issuer}"))
}

/// The digest of this authority, if it signed this certificate.
fn issuer(certificate: &OwnCertificate, authority: &Authority) -> Option<String> {
    certificate
        .issued_by(authority.own())
        .then(|| digest(authority.certificate.as_bytes()))
}

/// The authorities as the leader should store them next, if it is time for the
/// next step.
pub(super) fn next(observed: &Observed, cluster: &Cluster) -> Option<Authorities> {
    let authorities = observed.machine.authorities.as_ref()?;
    if !observed.leader {
        return None;
    }
    next_of_servers(observed, cluster, authorities)
        .or_else(|| admin::next(observed, cluster, authorities))
        .or_else(|| client::next(observed, cluster, authorities))
}

/// The next step of a replacement for which everybody is ready: the authority that
/// signs from now on, and how far it has come then. `None` until what the previous one
/// has signed need not be let in any more.
fn next_with_grace(
    rotation: &GraceRotation,
    present: &Authority,
    now: Timestamp,
    may_end: impl FnOnce(&str) -> bool,
) -> Option<(Authority, Option<GraceRotation>)> {
    match rotation {
        GraceRotation::Next {
            authority,
            grace_seconds,
        } => {
            let previous = GraceRotation::Previous {
                certificate: present.certificate.clone(),
                until: now.plus_seconds(*grace_seconds),
            };
            Some((authority.clone(), Some(previous)))
        }
        GraceRotation::Previous { certificate, until } => {
            let is_time = now >= *until && may_end(certificate);
            is_time.then(|| (present.clone(), None))
        }
    }
}

/// How far the same has come: who is `behind`, or else what comes of the previous one,
/// by the time until which it is let in.
fn stage_with_grace(
    rotation: &GraceRotation,
    behind: Vec<String>,
    ending: impl FnOnce(&str, Timestamp) -> RotationStage,
) -> RotationStage {
    match rotation {
        _ if !behind.is_empty() => RotationStage::Behind(behind),
        GraceRotation::Next { .. } => RotationStage::AboutToSign,
        GraceRotation::Previous { certificate, until } => ending(certificate, *until),
    }
}

fn next_of_servers(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Option<Authorities> {
    let rotation = authorities.rotation.as_ref()?;
    if !behind(observed, cluster, authorities).is_empty() {
        return None;
    }
    match rotation {
        Rotation::Next { authority, from } => (observed.now >= *from).then(|| Authorities {
            rotation: Some(Rotation::Previous(authorities.server.certificate.clone())),
            server: authority.clone(),
            ..authorities.clone()
        }),
        Rotation::Previous(_) => Some(Authorities {
            rotation: None,
            ..authorities.clone()
        }),
    }
}

/// How far replacements have come, for an operator.
pub(super) fn progress(observed: &Observed, cluster: &Cluster) -> Vec<RotationProgress> {
    let Some(authorities) = &observed.machine.authorities else {
        return Vec::new();
    };
    let stages = [
        (
            AuthorityKind::Servers,
            stage_of_servers(observed, cluster, authorities),
        ),
        (
            AuthorityKind::Administrators,
            admin::stage(observed, cluster, authorities),
        ),
        (
            AuthorityKind::Clients,
            client::stage(observed, cluster, authorities),
        ),
    ];
    let all = stages.into_iter();
    all.filter_map(|(kind, stage)| {
        Some(RotationProgress {
            kind,
            stage: stage?,
        })
    })
    .collect()
}

fn stage_of_servers(
    observed: &Observed,
    cluster: &Cluster,
    authorities: &Authorities,
) -> Option<RotationStage> {
    let rotation = authorities.rotation.as_ref()?;
    let behind = behind(observed, cluster, authorities);
    Some(match rotation {
        _ if !behind.is_empty() => RotationStage::Behind(behind),
        Rotation::Next { from, .. } => RotationStage::SignsFrom(*from),
        Rotation::Previous(_) => RotationStage::Removing,
    })
}

/// The members that have not loaded these authorities yet, or do not show a
/// certificate of the present one. Of one that nothing is known of, nothing is
/// assumed.
fn behind(observed: &Observed, cluster: &Cluster, authorities: &Authorities) -> Vec<String> {
    let wanted = format!(
        "{} {}",
        digest(authorities.server_trust().as_bytes()),
        digest(authorities.server.certificate.as_bytes())
    );
    not_telling(observed, cluster, published(observed), &wanted, |unit| {
        unit.server_ca.clone()
    })
}

/// The members whose units do not tell this.
pub(super) fn not_telling(
    observed: &Observed,
    cluster: &Cluster,
    own: Option<String>,
    wanted: &str,
    value_of: impl Fn(&UnitData) -> Option<String>,
) -> Vec<String> {
    let unit = observed.member();
    let is_ready = |name: &MemberName| {
        if *name == unit {
            return own.as_deref() == Some(wanted);
        }
        let peers = observed.peers.read();
        let other = peers.and_then(|peers| peers.others.get(name));
        other.and_then(&value_of).as_deref() == Some(wanted)
    };
    cluster
        .members
        .iter()
        .filter(|member| !member.name.as_ref().is_some_and(is_ready))
        .map(|member| member.called(observed.unit.app()))
        .collect()
}
