//! What the units of this application tell each other.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Changes, hex};
use crate::facts::authorities::Authorities;
use crate::facts::observed::{Observed, PeerRelation, Peers};
use crate::facts::{
    Bootstrap, Cluster, Fingerprint, IssuedState, LedgerWrite, MemberName, Purpose,
};
use crate::plan::authorities;
use crate::plan::members::own_member;
use crate::plan::serving::trust;
use crate::plan::trusted::granted;
use crate::relation::peer::{self, ApplicationData, Generation, UnitData};
use crate::workload::configuration::etcd_config::ports_in;

pub(super) fn unit_changes(observed: &Observed, peers: &Peers) -> Changes {
    let machine = &observed.machine;
    let mut wanted = UnitData {
        address: machine.address.clone(),
        has_vote: has_vote(observed),
        ..UnitData::default()
    };
    if machine.is_up() {
        wanted.server_ca = authorities::published(observed);
        wanted.admin_ca = authorities::admin::published(observed);
    }
    if let (true, Some(loaded)) = (machine.is_up(), &machine.loaded_leaves) {
        wanted.trust = Some(trust_digest(loaded));
        // One that has joined anew is another member, and the leader has to look.
        wanted.member = machine.identity.map(|identity| identity.member.to_string());
        if let Some(bootstrap) = machine.bootstrap.as_ref().filter(|own| own.generation > 0) {
            wanted.generation = generation_of(bootstrap);
            if !bootstrap.existing {
                wanted.generation.initial_member = Some(observed.member());
            }
        }
    }
    if let (true, Some(loaded)) = (machine.is_up(), &machine.loaded_configuration) {
        // Whoever joins looks for this member at its port.
        wanted.client_port = ports_in(loaded).map(|ports| ports.client);
        // Those that wait for their turn to restart are woken by it, and the
        // leader has endpoints to tell.
        wanted.configuration = Some(hex(&Sha256::digest(loaded)[..8]));
    }
    let mut changes = wanted.changes(&peers.own);
    changes.extend(trust::unit_changes(observed, peers));
    changes
}

/// Whether the member of this unit is known to have its vote. A unit that waits to
/// join until this one has is woken by it: the rest was told when it started, and it
/// may get its vote in a later hook.
fn has_vote(observed: &Observed) -> bool {
    let cluster = observed.cluster.known();
    let own = cluster.and_then(|cluster| own_member(observed, cluster));
    own.is_some_and(|own| !own.learner)
}

/// What the leader tells all units. In a pass over one relation the databag
/// was not read; then only what this hook has changed is told. The authorities
/// are those that are stored when this hook is over; they are announced by each
/// full pass, since Juju 3.6 may store a secret and then not commit the databag.
pub(super) fn app_changes(
    observed: &Observed,
    cluster: &Cluster,
    authorities: Option<&Authorities>,
) -> Changes {
    let others_wait = observed.granted && cluster.members.len() > 1;
    let peers = match &observed.peers {
        PeerRelation::Read(peers) => Some(peers),
        PeerRelation::Unread if others_wait => None,
        PeerRelation::Unread | PeerRelation::Absent => return Changes::new(),
    };
    let trust = granted(&cluster.ledger);
    // So that every unit hands out what was issued last. That something ended
    // concerns no other unit, unless it was just this.
    let issued = cluster.ledger.issued.iter();
    let newest = issued
        .filter(|(_, record)| {
            record.purpose != Purpose::Operator && record.state == IssuedState::InForce
        })
        .max_by_key(|(name, record)| (record.issued_at, *name));
    let mut wanted = ApplicationData {
        trust: Some(trust_digest(&trust)),
        // So that every unit ends what is open from before rights were taken away.
        settled: cluster.ledger.settled.map(|revision| revision.to_string()),
        issued: newest.map(|(name, _)| name.to_string()),
        ..ApplicationData::default()
    };
    match peers {
        Some(peers) => {
            wanted.is_bootstrapped = true;
            wanted.leader = Some(observed.unit.clone());
            wanted.generation = recreated(observed, peers);
            // By it the data is known again when all units are gone.
            let identity = observed.machine.identity;
            wanted.cluster = identity.map(|identity| format!("{:x}", identity.cluster));
            wanted.authorities = authorities.map(Authorities::announcement);
            let is_over = newest.is_none() && peers.app.issued.is_some();
            let mut changes = wanted.changes(&peers.app);
            changes.extend(is_over.then(peer::issued_is_over));
            changes.extend(trust::app_changes(observed, peers));
            changes
        }
        None => wanted.changes(&ApplicationData::default()),
    }
}

/// What wakes the other units to end what is open from before rights were taken
/// away; it is told whenever some were.
pub(super) fn unsettled(observed: &Observed) -> Changes {
    let data = ApplicationData {
        settled: Some(format!("not since {}", observed.now)),
        ..ApplicationData::default()
    };
    data.changes(&ApplicationData::default())
}

/// What tells a cluster that was recreated from those before.
fn generation_of(bootstrap: &Bootstrap) -> Generation {
    Generation {
        number: bootstrap.generation,
        token: Some(bootstrap.token.clone()),
        initial_member: None,
    }
}

/// What the leader repeats of a cluster that was recreated: by this unit, or
/// by another that has not led since. Nothing of the one of the deployment, of
/// which all is said when it is bootstrapped.
fn recreated(observed: &Observed, peers: &Peers) -> Generation {
    let own = observed.machine.bootstrap.as_ref();
    if let Some(own) = own.filter(|own| own.generation > peers.generation()) {
        return Generation {
            initial_member: Some(observed.member()),
            ..generation_of(own)
        };
    }
    // Who bootstrapped it says so; where that unit is gone, one that has joined it
    // stands for it.
    let others = peers.others.iter();
    let newest = others
        .map(|(member, unit)| (member, &unit.generation))
        .filter(|(_, known)| known.number == peers.generation())
        .filter(|(_, known)| known.number > peers.app.generation.number)
        .max_by_key(|(_, known)| known.initial_member.is_some());
    newest.map_or_else(Generation::default, |(member, known)| Generation {
        initial_member: Some(member.clone()),
        ..known.clone()
    })
}

/// Members on record that the cluster has no more.
pub(super) fn forgotten_members(cluster: &Cluster) -> Vec<LedgerWrite> {
    let present: BTreeSet<&MemberName> = cluster
        .members
        .iter()
        .filter_map(|member| member.name.as_ref())
        .collect();
    cluster
        .ledger
        .members
        .keys()
        .filter(|name| !present.contains(name))
        .map(|name| LedgerWrite::ForgetMember(name.clone()))
        .collect()
}

/// Tells one set of trusted leaves from another, whatever their order.
pub(super) fn trust_digest(leaves: &BTreeSet<Fingerprint>) -> String {
    let mut hash = Sha256::new();
    for leaf in leaves {
        hash.update(leaf.as_str());
    }
    hex(&hash.finalize()[..8])
}
