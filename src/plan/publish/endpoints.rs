//! Where a client is sent: to members that let it in.

use crate::model::{Cluster, Fingerprint, Member, MemberName, UnitName};
use crate::plan::observed::{Observed, Pass};

/// The lock that a unit holds while it restarts its member.
const RESTART: &str = "restart";

/// The members that are known to let this leaf in: started, with a vote, with a
/// trust file loaded that holds it, and answering. `told` is what the client was
/// told before.
pub(super) fn ready(
    observed: &Observed,
    cluster: &Cluster,
    leaf: &Fingerprint,
    told: &[String],
) -> Vec<String> {
    let mut endpoints: Vec<String> = cluster
        .members
        .iter()
        .filter(|member| !member.learner && trusts(cluster, member, leaf))
        .flat_map(|member| {
            let endpoints = member.client_urls.iter();
            endpoints.map(move |url| (member, url.trim_start_matches("https://")))
        })
        .filter(|(member, endpoint)| {
            let was_told = || told.iter().any(|told| told == endpoint);
            cluster.answers(member.id) || was_told() && !is_over(observed, cluster, member)
        })
        .map(|(_, endpoint)| endpoint.to_owned())
        .collect();
    endpoints.sort();
    endpoints.dedup();
    endpoints
}

fn trusts(cluster: &Cluster, member: &Member, leaf: &Fingerprint) -> bool {
    let name = member.name.as_ref();
    let trust = name.and_then(|name| cluster.ledger.members.get(name));
    trust.is_some_and(|trust| trust.loaded.contains(leaf))
}

/// Whether a member that does not answer is given up. To take an endpoint from
/// clients and give it back costs each of them more than a member that is away
/// for a moment, so only a regular pass does it, and not while the member is
/// being restarted.
fn is_over(observed: &Observed, cluster: &Cluster, member: &Member) -> bool {
    let is_time = observed.pass == Pass::Full && observed.is_regular;
    let holder = cluster.ledger.locks.get(RESTART);
    let restarts = holder.and_then(|unit| unit.parse::<UnitName>().ok());
    let restarts = restarts.map(|unit| MemberName::of(&unit));
    is_time && (restarts.is_none() || restarts != member.name)
}
