//! What etcd says, asked as the administrator.

use std::collections::BTreeSet;

use super::ObserveError;
use super::answering::{ask, others_that_answer};
use crate::connection::{credentials, own_url};
use crate::context::Context;
use crate::etcd::{Client, Credentials, EtcdError};
use crate::facts::observed::{Pass, Peers};
use crate::facts::{
    Alarm, Audit, Cause, Cluster, CommonName, Ledger, Member, MemberStatus, NoAnswer, Version,
};
use crate::plan::advisory::lets_clients_become_root;
use crate::plan::members::client_url;
use crate::workload::kept_ledger;

/// Prepares a connection to the first of these members that answers: one of
/// our own, and where it does not run, those of the other units.
///
/// # Errors
/// Why none answers.
pub async fn connect(
    context: &Context,
    peers: Option<&Peers>,
) -> Result<(Client, Vec<Member>), NoAnswer> {
    let credentials = credentials(context)
        .map_err(|error| NoAnswer::Failed(Cause::of(&error)))?
        .ok_or(NoAnswer::NoCertificate)?;
    let mut reason = NoAnswer::NoMember;
    for url in member_urls(context, peers) {
        match reach(context, &url, &credentials).await {
            Ok(found) => return Ok(found),
            Err(error) => reason = NoAnswer::Failed(Cause::of(&error)),
        }
    }
    Err(reason)
}

/// Where members of the cluster serve clients, this unit's own first, then those
/// of the other units, then all that were seen last. A member of a cluster that
/// is over is none of them: what it says is not true any more.
pub(super) fn member_urls(context: &Context, peers: Option<&Peers>) -> Vec<String> {
    let bootstrap = context.unit_state.bootstrap.as_ref();
    let own_generation = bootstrap.map_or(0, |bootstrap| bootstrap.generation);
    let current = peers.map_or(0, Peers::generation).max(own_generation);
    let is_current = own_generation == current;
    let own = bootstrap
        .filter(|_| is_current)
        .and_then(|_| own_url(context));
    let of_peers = peers.into_iter().flat_map(|peers| {
        peers
            .others
            .values()
            .filter(|unit| unit.trust.is_some() && unit.generation.number == current)
            .filter_map(client_url)
    });
    let remembered = context.unit_state.client_endpoints.iter().cloned();
    let mut urls = Vec::new();
    for url in own
        .into_iter()
        .chain(of_peers)
        .chain(remembered.filter(|_| is_current))
    {
        if !urls.contains(&url) {
            urls.push(url);
        }
    }
    urls
}

/// What etcd says of its members and its ledger at this moment, to whoever asks at
/// the wish of an operator.
///
/// # Errors
/// etcd failed a call.
pub async fn cluster_now(context: &Context, client: &Client) -> Result<Cluster, ObserveError> {
    let status = client.status().await?;
    cluster(context, client, status, Pass::Event, false).await
}

/// The ledger at this moment.
///
/// # Errors
/// etcd failed the call, or the ledger holds what this charm never writes.
pub async fn ledger_now(client: &Client) -> Result<Ledger, ObserveError> {
    Ok(client.ledger().await?)
}

/// The alarms that are raised, of all members.
///
/// # Errors
/// etcd failed the call.
pub async fn alarms(client: &Client) -> Result<Vec<Alarm>, ObserveError> {
    Ok(client.alarms().await?)
}

/// The latest revision of the keys.
///
/// # Errors
/// etcd failed the call.
pub async fn latest_revision(client: &Client) -> Result<u64, ObserveError> {
    Ok(client.details().await?.revision)
}

/// Reads what is known of the cluster over this connection, beside what is
/// known already. The ledger first: who has answered that is not behind, and so
/// its list of the members is not, which etcd 3.4 tells as it has it.
///
/// # Errors
/// etcd failed a call.
pub async fn cluster(
    context: &Context,
    client: &Client,
    status: MemberStatus,
    pass: Pass,
    leader: bool,
) -> Result<Cluster, ObserveError> {
    let ledger = ledger(context, client, &status, pass).await?;
    let members = client.members().await?;
    let (authentication, rights_revision) = match pass {
        Pass::Full if leader => authentication(client, &status.version).await?,
        _ => (None, None),
    };
    let mut answering = BTreeSet::new();
    if members.len() > 1 {
        if let Some(credentials) = credentials(context)? {
            let others = members.iter().filter(|member| member.id != status.member);
            answering = others_that_answer(context, &credentials, others).await;
        }
        answering.insert(status.member);
    }
    let audit = match leader
        && lets_clients_become_root(&status.version)
        && (pass == Pass::Full || !status.alarms.is_empty())
    {
        true => Some(audit(client, &ledger).await?),
        false => None,
    };
    Ok(Cluster {
        members,
        answering,
        status,
        authentication,
        rights_revision,
        ledger,
        access: Default::default(),
        audit,
    })
}

/// The ledger. Where this hook, or in a pass over one relation one before it, has read it,
/// only what was written since.
async fn ledger(
    context: &Context,
    client: &Client,
    status: &MemberStatus,
    pass: Pass,
) -> Result<Ledger, EtcdError> {
    // Before etcd is asked: what it says then is of this run, or of a later one.
    let identity = context.unit_state.identity;
    let is_own = identity.is_some_and(|own| own.member == status.member);
    let run = context.etcd_run_now().filter(|_| is_own);
    context.etcd_run.replace(run.clone());
    if let Some((ledger, point)) = context.known_ledger.take() {
        return client.ledger_since(ledger, point).await;
    }
    let Some(run) = run else {
        return client.ledger().await;
    };
    let kept = kept_ledger::recall(&context.paths, &run, &context.recalled);
    // A pass over all takes over what is known of certificates, which is this program's
    // and none of etcd's, and nothing else.
    if let Some((ledger, point)) = kept.filter(|_| pass == Pass::Event) {
        let now = client.ledger_since(ledger, point).await?;
        // Nor has it ended meanwhile.
        if context.etcd_run_now() == Some(run) {
            context.kept_point.set(Some(point));
            return Ok(now);
        }
    }
    client.ledger().await
}

/// Whether authentication is on, and the revision of rights. 3.5 tells them by a
/// proposal that 3.4 cannot carry out, and both may be members while one is upgraded to
/// the other; beside 3.6 there is no 3.4.
async fn authentication(
    client: &Client,
    version: &Version,
) -> Result<(Option<bool>, Option<u64>), ObserveError> {
    if (version.major, version.minor) < (3, 6) {
        return Ok((Some(client.authentication_enabled().await?), None));
    }
    let status = client.auth_status().await?;
    Ok((Some(status.enabled), Some(status.revision)))
}

/// What a client that made itself `root` may have left behind.
async fn audit(client: &Client, ledger: &Ledger) -> Result<Audit, ObserveError> {
    let known = ledger.names.keys().chain(ledger.issued.keys());
    let known = known.chain(ledger.signed.keys());
    let known: BTreeSet<CommonName> = known.cloned().collect();
    let mut audit = Audit {
        size: client.details().await?.size,
        root_has_password: client.takes_password("root").await?,
        usurpers: client.usurpers(&known).await?,
        passwords: BTreeSet::new(),
    };
    for name in known {
        if client.takes_password(name.as_str()).await? {
            audit.passwords.insert(name);
        }
    }
    Ok(audit)
}

/// Looks up users and roles of these names.
///
/// # Errors
/// etcd failed a call.
pub async fn access(
    client: &Client,
    cluster: &mut Cluster,
    names: BTreeSet<CommonName>,
) -> Result<(), ObserveError> {
    for name in names {
        let access = client.access(&name).await?;
        cluster.access.insert(name, access);
    }
    Ok(())
}

async fn reach(
    context: &Context,
    url: &str,
    credentials: &Credentials,
) -> Result<(Client, Vec<Member>), EtcdError> {
    let (client, _) = ask(context, url, credentials).await?;
    let members = client.members().await?;
    Ok((client, members))
}
