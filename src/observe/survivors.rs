//! Which members there are of a cluster that is to be recreated, and what they have.

use std::error::Error;
use std::time::Duration;

use futures_util::future::join_all;

use super::ObserveError;
use super::etcd::{connect, member_urls};
use crate::connection;
use crate::context::Context;
use crate::etcd::{Client, EtcdError};
use crate::facts::observed::Peers;
use crate::facts::{Cause, Member, RaftProgress};
use crate::plan::refusal::OwnFault;

/// How long a member may take to tell how far it has come.
const PROGRESS_LIMIT: Duration = Duration::from_secs(5);

/// A member that answers.
pub struct Survivor {
    /// Where.
    pub url: String,
    /// A connection to it.
    pub client: Client,
    /// How far it has come.
    pub raft_progress: RaftProgress,
}

/// Every member of the newest cluster that answers, wherever it is known from.
pub async fn survivors(context: &Context, peers: Option<&Peers>) -> Vec<Survivor> {
    let asked = member_urls(context, peers);
    let mut survivors = ask(context, &asked).await;
    // One that no databag names may stand in the members' own list.
    let mut others = Vec::new();
    for survivor in &survivors {
        for member in survivor.client.members().await.unwrap_or_default() {
            let urls = member.client_urls.into_iter();
            others.extend(urls.filter(|url| !asked.contains(url)));
        }
    }
    others.sort();
    others.dedup();
    survivors.extend(ask(context, &others).await);
    survivors
}

async fn ask(context: &Context, urls: &[String]) -> Vec<Survivor> {
    let asked = urls.iter().map(|url| async move {
        let client = connection::client_at(context, url).await.ok()?;
        let raft_progress = tokio::time::timeout(PROGRESS_LIMIT, client.raft_progress()).await;
        let raft_progress: Option<Result<RaftProgress, EtcdError>> = raft_progress.ok();
        let raft_progress = raft_progress?.ok()?;
        let url = url.clone();
        Some(Survivor {
            url,
            client,
            raft_progress,
        })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

/// Whether one of them has a majority with it.
pub async fn any_agrees(survivors: &[Survivor]) -> bool {
    for survivor in survivors {
        if survivor.raft_progress.leader.is_some() && survivor.client.revision().await.is_ok() {
            return true;
        }
    }
    false
}

/// Who is on the member list of the cluster that these are of; nobody where there is
/// nobody to tell.
///
/// # Errors
/// etcd failed the call.
pub async fn members_of(survivors: &[Survivor]) -> Result<Vec<Member>, ObserveError> {
    match survivors.first() {
        Some(survivor) => Ok(survivor.client.members().await?),
        None => Ok(Vec::new()),
    }
}

/// A connection to this unit's member, which has a vote in a cluster that
/// agrees: what the old cluster is taken apart into.
///
/// # Errors
/// It does not serve, and why.
pub async fn own_voter(context: &Context) -> Result<Client, OwnFault> {
    let fails = |error: &dyn Error| OwnFault::Fails(Cause::of(error));
    let url = connection::own_url(context).ok_or(OwnFault::NoAddress)?;
    let client = connection::client_at(context, &url).await;
    let client = client.map_err(|error| fails(&error))?;
    let agreed = async {
        let status = client.status().await?;
        client.revision().await?;
        Ok::<_, EtcdError>(status)
    };
    match agreed.await {
        Ok(status) if status.learner => Err(OwnFault::NoVote),
        Ok(_) => Ok(client),
        Err(error) => Err(fails(&error)),
    }
}

/// Whether the cluster agrees on anything, whoever is asked.
pub async fn is_served(context: &Context, peers: Option<&Peers>) -> bool {
    match connect(context, peers).await {
        Ok((client, _)) => client.revision().await.is_ok(),
        Err(_) => false,
    }
}
