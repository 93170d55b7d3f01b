//! What the units of this application tell each other.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Changes, hex};
use crate::facts::authorities::Authorities;
use crate::facts::observed::{Observed, Peers, generation};
use crate::facts::{
    Bootstrap, Cluster, Databag, Fingerprint, Grant, IssuedState, LedgerWrite, MemberName, Purpose,
};
use crate::plan::authorities;
use crate::plan::membership::own_member;
use crate::workload::configuration::etcd_config::ports_in;

/// The key in the databag of the application that names the identity of a
/// relation that was issued last.
const ISSUED: &str = "issued";

/// The key in the databag of the application that changes when rights were taken
/// away.
const SETTLED: &str = "settled";

pub(super) fn unit_changes(observed: &Observed, peers: &Peers) -> Changes {
    let mut wanted = Databag::new();
    if let Some(address) = &observed.machine.address {
        wanted.insert("address".to_owned(), address.clone());
    }
    if let (true, Some(loaded)) = (observed.machine.is_running, &observed.machine.loaded_leaves) {
        wanted.insert("trust".to_owned(), trust_digest(loaded));
        // One that has joined anew is another member, and the leader has to look.
        if let Some(identity) = observed.machine.identity {
            wanted.insert("member".to_owned(), format!("{:x}", identity.member));
        }
        if let Some(bootstrap) = &observed.machine.bootstrap {
            wanted.extend(generation_of(bootstrap));
            if bootstrap.generation > 0 && !bootstrap.existing {
                wanted.insert("seed".to_owned(), observed.member().to_string());
            }
        }
    }
    if let (true, Some(published)) = (
        observed.machine.is_running,
        authorities::published(observed),
    ) {
        wanted.insert(authorities::SERVER_CA.to_owned(), published);
    }
    if let (true, Some(published)) = (
        observed.machine.is_running,
        authorities::admin::published(observed),
    ) {
        wanted.insert(authorities::admin::ADMIN_CA.to_owned(), published);
    }
    if let (true, Some(loaded)) = (
        observed.machine.is_running,
        &observed.machine.loaded_configuration,
    ) {
        // Whoever joins looks for this member at its port.
        if let Some(ports) = ports_in(loaded) {
            wanted.insert("client-port".to_owned(), ports.client.to_string());
        }
        // Those that wait for their turn to restart are woken by it, and the
        // leader has endpoints to tell.
        let digest = hex(&Sha256::digest(loaded)[..8]);
        wanted.insert("configuration".to_owned(), digest);
    }
    if has_vote(observed) {
        // One that waits to join until this one has is woken by it: the rest was
        // told when it started, and it may get its vote in a later hook.
        wanted.insert("vote".to_owned(), "true".to_owned());
    }
    differences(&peers.own, wanted)
}

/// Whether the member of this unit is known to have its vote.
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
    let trust: BTreeSet<Fingerprint> = cluster
        .ledger
        .grants()
        .map(|(_, grant): (_, &Grant)| grant.fingerprint.clone())
        .collect();
    let mut wanted = Databag::new();
    wanted.insert("trust".to_owned(), trust_digest(&trust));
    // So that every unit ends what is open from before rights were taken away.
    if let Some(revision) = cluster.ledger.settled {
        wanted.insert(SETTLED.to_owned(), revision.to_string());
    }
    // So that every unit hands out what was issued last. That something ended
    // concerns no other unit, unless it was just this.
    let issued = cluster.ledger.issued.iter();
    let newest = issued
        .filter(|(_, record)| {
            record.purpose != Purpose::Operator && record.state == IssuedState::InForce
        })
        .max_by_key(|(name, record)| (record.issued_at, *name));
    if let Some((name, _)) = newest {
        wanted.insert(ISSUED.to_owned(), name.to_string());
    }
    match &observed.peers {
        Some(peers) => {
            wanted.insert("founded".to_owned(), "true".to_owned());
            wanted.extend(recreated(observed, peers));
            // By it the data is known again when all units are gone.
            if let Some(identity) = observed.machine.identity {
                wanted.insert("cluster".to_owned(), format!("{:x}", identity.cluster));
            }
            wanted.extend(authorities.map(Authorities::announcement));
            let is_over = newest.is_none() && peers.app.contains_key(ISSUED);
            let mut changes = differences(&peers.app, wanted);
            changes.extend(is_over.then(|| (ISSUED.to_owned(), None)));
            changes
        }
        None if observed.granted && cluster.members.len() > 1 => {
            differences(&Databag::new(), wanted)
        }
        None => Changes::new(),
    }
}

/// What wakes the other units to end what is open from before rights were taken
/// away; it is told whenever some were.
pub(super) fn unsettled(observed: &Observed) -> Changes {
    let text = format!("not since {}", observed.now);
    [(SETTLED.to_owned(), Some(text))].into()
}

/// What tells a cluster that was recreated from those before; nothing for the
/// one of the deployment, of which all is said when it is bootstrapped.
fn generation_of(bootstrap: &Bootstrap) -> Databag {
    if bootstrap.generation == 0 {
        return Databag::new();
    }
    [
        ("generation", bootstrap.generation.to_string()),
        ("token", bootstrap.token.clone()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}

/// What the leader repeats of a cluster that was recreated: by this unit, or
/// by another that has not led since.
fn recreated(observed: &Observed, peers: &Peers) -> Databag {
    let own = observed.machine.bootstrap.as_ref();
    let own = own.filter(|bootstrap| bootstrap.generation > peers.generation());
    let is_newest = |bag: &Databag| {
        generation(bag) == peers.generation() && generation(bag) > generation(&peers.app)
    };
    // Who bootstrapped it says so; where that unit is gone, one that has joined it
    // stands for it.
    let newest = peers
        .others
        .iter()
        .filter(|(_, bag)| is_newest(bag))
        .max_by_key(|(_, bag)| bag.contains_key("seed"));
    let (mut wanted, initial_member) = match (own, newest) {
        (Some(bootstrap), _) => (generation_of(bootstrap), observed.member()),
        (None, Some((member, bag))) => {
            let keep = |key: &&str| {
                bag.get(*key)
                    .map(|value| ((*key).to_owned(), value.clone()))
            };
            let kept = ["generation", "token"].iter().filter_map(keep).collect();
            (kept, member.clone())
        }
        (None, None) => return Databag::new(),
    };
    wanted.insert("seed".to_owned(), initial_member.to_string());
    wanted
}

fn differences(current: &Databag, wanted: Databag) -> Changes {
    wanted
        .into_iter()
        .filter(|(key, value)| current.get(key) != Some(value))
        .map(|(key, value)| (key, Some(value)))
        .collect()
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
