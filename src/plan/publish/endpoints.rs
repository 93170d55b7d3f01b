//! Where a client is sent: to members that let it in.

use crate::facts::observed::Observed;
use crate::facts::{Cluster, Grant, Member};

/// The members that are known to let this client in: started, with a vote, of a
/// unit that exists, and with a trust file loaded that holds its certificate or
/// the authority that signed it. One that the client was not told of before
/// (`published`) has to answer as well. One that it was told of stays, reachable or not: to take an endpoint away and to give it back costs
/// every client two revisions of a secret and a hook for each, and whoever knows
/// all members finds one that answers by itself.
pub(super) fn ready(
    observed: &Observed,
    cluster: &Cluster,
    grant: &Grant,
    published: &[String],
) -> Vec<String> {
    let mut endpoints: Vec<String> = cluster
        .members
        .iter()
        .filter(|member| !member.learner && !has_left(observed, member))
        .filter(|member| trusts(cluster, member, grant))
        .flat_map(|member| {
            let endpoints = member.client_urls.iter();
            endpoints.map(move |url| (member, url.trim_start_matches("https://")))
        })
        .filter(|(member, endpoint)| {
            cluster.answers(member.id) || published.iter().any(|published| published == endpoint)
        })
        .map(|(_, endpoint)| endpoint.to_owned())
        .collect();
    endpoints.sort();
    endpoints.dedup();
    endpoints
}

fn trusts(cluster: &Cluster, member: &Member, grant: &Grant) -> bool {
    let name = member.name.as_ref();
    let trust = name.and_then(|name| cluster.ledger.members.get(name));
    trust.is_some_and(|trust| trust.has_loaded(grant))
}

/// Whether the unit of this member is gone, while the member is still listed:
/// nobody brings it back.
fn has_left(observed: &Observed, member: &Member) -> bool {
    let name = member.name.as_ref();
    name.is_some_and(|name| observed.departed.contains_key(name))
}
