//! Who knows the authorities of a provider, and from when members may show what
//! they have signed.
//!
//! Each unit tells the others which authorities its member shows certificates of,
//! or would like to. The leader announces all of them. Every unit then checks
//! members with them, tells them to its own relations, and confirms that; when all
//! members' units have, and clients have had their time, a member may show such a
//! certificate. So nobody meets an authority that he does not know.
//!
//! An authority that no unit speaks of any more is forgotten in two steps, since a
//! unit may begin to show a certificate of it while the leader looks away: first
//! the announcement is closed, so that no member begins to, and when all have
//! confirmed that and still nobody speaks of it, it is gone.

use std::collections::BTreeSet;

use super::{current, given, names};
use crate::facts::observed::{Observed, Peers};
use crate::facts::provider::{Announced, NotShown};
use crate::facts::{Cluster, IssuedState, Known};
use crate::plan::authorities::not_telling;
use crate::relation::peer::{
    ApplicationData, Changes, UnitData, provider_is_closed, provider_is_over,
};
use crate::tls::{ServerCertificate, certificates_in, digest};

/// Most authorities of providers that are announced at a time: those of two
/// providers, each with a long way up.
const MAX_AUTHORITIES: usize = 16;

/// What the leader has announced.
fn announced(peers: &Peers) -> Announced {
    let authorities = certificates_in(peers.app.provider_ca.as_deref().unwrap_or_default());
    Announced {
        authorities,
        from: peers.app.provider_from.map(crate::facts::Timestamp),
    }
}

/// What this unit should go by: the leader by what it announces in this hook, all
/// others by what it has announced.
pub(in crate::plan) fn in_force(observed: &Observed) -> Announced {
    let Some(peers) = observed.peers.read() else {
        return Announced::default();
    };
    let before = announced(peers);
    match &observed.cluster {
        Known::Known(cluster) if observed.leader => next(observed, peers, cluster, before),
        _ => before,
    }
}

fn next(observed: &Observed, peers: &Peers, cluster: &Cluster, before: Announced) -> Announced {
    let mut wanted = all_wanted(observed, peers);
    if is_too_many(&before.authorities, &wanted) {
        // New ones wait until those that nobody speaks of any more are forgotten.
        wanted.retain(|authority| before.authorities.contains(authority));
    }
    let all: BTreeSet<_> = before.authorities.union(&wanted).cloned().collect();
    let grace = match has_clients(cluster) {
        true => observed.options.provider_grace_seconds(),
        false => 0,
    };
    let is_known = all == before.authorities;
    let is_whole = wanted == before.authorities;
    match before.from {
        _ if all.is_empty() => Announced::default(),
        Some(_) if is_known && is_whole => before,
        // New, or spoken of again.
        _ if !is_known || is_whole => Announced {
            authorities: all,
            from: Some(observed.now.plus_seconds(grace)),
        },
        Some(_) => Announced {
            from: None,
            ..before
        },
        None if !behind(observed, peers, cluster, &before).is_empty() => before,
        None => Announced {
            from: (!wanted.is_empty()).then_some(observed.now),
            authorities: wanted,
        },
    }
}

fn is_too_many(announced: &BTreeSet<String>, wanted: &BTreeSet<String>) -> bool {
    announced.union(wanted).count() > MAX_AUTHORITIES
}

/// Whether anybody has been told whom to check members with.
fn has_clients(cluster: &Cluster) -> bool {
    let ledger = &cluster.ledger;
    let mut issued = ledger.issued.values();
    ledger.grant_views().next().is_some()
        || issued.any(|record| record.state == IssuedState::InForce)
}

/// The authorities that any unit speaks of.
fn all_wanted(observed: &Observed, peers: &Peers) -> BTreeSet<String> {
    let others = peers.others.values();
    let others = others.filter_map(|unit| unit.provider_ca.as_deref());
    let mut all: BTreeSet<_> = others.flat_map(certificates_in).collect();
    all.extend(own_wanted(observed));
    all
}

/// The authorities of what this unit's member shows, and of what it would like to.
fn own_wanted(observed: &Observed) -> BTreeSet<String> {
    let Some(address) = &observed.machine.address else {
        return BTreeSet::new();
    };
    let names = names(observed, address);
    let both = current(observed, &names).into_iter().chain(given(observed));
    both.flat_map(|certificate| certificate.authorities)
        .collect()
}

/// Tells one announcement from another.
fn stamp(announced: &Announced) -> String {
    let from = announced
        .from
        .map_or_else(|| "closed".to_owned(), |from| from.0.to_string());
    format!("{} {from}", digest(announced.text().as_bytes()))
}

/// The members whose units have not confirmed this announcement.
fn behind(
    observed: &Observed,
    peers: &Peers,
    cluster: &Cluster,
    announced: &Announced,
) -> Vec<String> {
    let own = peers.own.provider_trust.clone();
    let value_of = |unit: &UnitData| unit.provider_trust.clone();
    not_telling(observed, cluster, own, &stamp(announced), value_of)
}

/// Whether everybody who will check this certificate knows its authority.
///
/// # Errors
/// Who does not yet, or from when the member may show it.
pub(in crate::plan) fn may_show(
    observed: &Observed,
    current: Option<&ServerCertificate>,
    given: &ServerCertificate,
) -> Result<(), NotShown> {
    let shown = current.map(|current| &current.authorities);
    if shown.is_some_and(|shown| given.authorities.is_subset(shown)) {
        return Ok(());
    }
    let (Some(peers), Known::Known(cluster)) = (observed.peers.read(), &observed.cluster) else {
        return Err(NotShown::NoEtcd);
    };
    let announced = announced(peers);
    let from = announced.from;
    let Some(from) = from.filter(|_| given.authorities.is_subset(&announced.authorities)) else {
        if is_too_many(&announced.authorities, &given.authorities) {
            return Err(NotShown::TooMany(announced.authorities.len()));
        }
        return Err(NotShown::NotTold);
    };
    if peers.own.provider_trust.as_ref() != Some(&stamp(&announced)) {
        return Err(NotShown::NotConfirmed);
    }
    let behind = behind(observed, peers, cluster, &announced);
    if !behind.is_empty() {
        return Err(NotShown::Behind(behind));
    }
    match observed.now >= from {
        true => Ok(()),
        false => Err(NotShown::Grace(from)),
    }
}

/// What this unit tells the others of what its member shows, or would like to.
pub(in crate::plan) fn unit_changes(observed: &Observed, peers: &Peers) -> Changes {
    let wanted: String = own_wanted(observed).into_iter().collect();
    match (wanted.is_empty(), &peers.own.provider_ca) {
        (true, None) => Changes::new(),
        (true, Some(_)) => [provider_is_over()].into(),
        (false, _) => {
            let data = UnitData {
                provider_ca: Some(wanted),
                ..UnitData::default()
            };
            data.changes(&peers.own)
        }
    }
}

/// What this unit confirms, once its relations are told the same as it goes by.
pub(in crate::plan) fn confirmation(observed: &Observed, peers: &Peers) -> Changes {
    let in_force = in_force(observed);
    if in_force.authorities.is_empty() || observed.machine.provider_ca != in_force.text() {
        return Changes::new();
    }
    let data = UnitData {
        provider_trust: Some(stamp(&in_force)),
        ..UnitData::default()
    };
    data.changes(&peers.own)
}

/// What the leader announces.
pub(in crate::plan) fn app_changes(observed: &Observed, peers: &Peers) -> Changes {
    let next = in_force(observed);
    let before = &peers.app;
    let data = ApplicationData {
        provider_ca: Some(next.text()).filter(|text| !text.is_empty()),
        provider_from: next.from.map(|from| from.0),
        ..ApplicationData::default()
    };
    let mut changes = data.changes(before);
    if next.authorities.is_empty() && before.provider_ca.is_some() {
        changes.extend([provider_is_over()]);
    }
    if next.from.is_none() && before.provider_from.is_some() {
        changes.extend([provider_is_closed()]);
    }
    changes
}
