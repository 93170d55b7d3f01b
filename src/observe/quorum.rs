//! Which member speaks for the cluster, if any does.
//!
//! A member that has lost the majority still answers for itself: it tells its
//! status, and the member list as it knows it. What the cluster agrees on can
//! only be read where there is a leader. So the status is asked first, the own
//! member's before all others; only where that has no leader, or does not
//! answer, all others are asked, at once: a hook has to end within seconds
//! however many machines are unreachable.

use std::future::Future;
use std::time::Duration;

use futures_util::future::join_all;

use super::ObserveError;
use super::answering::ask;
use super::etcd::{cluster, member_urls};
use crate::connection::{credentials, own_url};
use crate::context::Context;
use crate::etcd::{Client, Credentials, EtcdError};
use crate::facts::observed::{Pass, Peers};
use crate::facts::{Cause, Cluster, Ledger, MemberId, MemberStatus, NoAnswer};
use crate::log::chain;

/// How long a member may take to tell what it knows of the others.
const LIST_LIMIT: Duration = Duration::from_secs(3);

/// How long the cluster may take to agree. A leader that has lost its majority
/// does not know it for a second or two, and an election takes as long.
const AGREEMENT_LIMIT: Duration = Duration::from_secs(6);

/// What asking the cluster came to.
pub enum Quorum {
    /// It agrees on what it is.
    Agreed(Box<Client>, Box<Cluster>),
    /// It cannot be asked, and why.
    Unknown(NoAnswer),
}

/// Asks the cluster what it is; the member of this unit unless it is known not to run.
///
/// # Errors
/// The ledger holds what this charm never writes, or a file of this machine
/// could not be read.
pub async fn quorum(
    context: &Context,
    peers: Option<&Peers>,
    pass: Pass,
    leader: bool,
    own_is_down: bool,
) -> Result<Quorum, ObserveError> {
    let Some(credentials) = credentials(context)? else {
        return Ok(Quorum::Unknown(NoAnswer::NoCertificate));
    };
    let asking = Asking {
        context,
        credentials: &credentials,
        pass,
        leader,
    };
    let mut urls = member_urls(context, peers);
    if own_is_down {
        let own = own_url(context);
        urls.retain(|url| Some(url) != own.as_ref());
    }
    let Some((first, others)) = urls.split_first() else {
        return Ok(Quorum::Unknown(NoAnswer::NoMember));
    };
    let mut reasons = Vec::new();
    let mut minority = Vec::new();
    let first = [(first.clone(), asking.status(first).await)];
    if let Some(agreed) = asking.agree(first, &mut minority, &mut reasons).await? {
        return Ok(agreed);
    }
    let others = others
        .iter()
        .map(|url| async { (url.clone(), asking.status(url).await) });
    let others = join_all(others).await;
    if let Some(agreed) = asking.agree(others, &mut minority, &mut reasons).await? {
        return Ok(agreed);
    }
    asking.minority(minority, reasons).await
}

/// A member that has no leader, and where it was asked.
struct Leaderless {
    url: String,
    client: Client,
    status: MemberStatus,
}

struct Asking<'a> {
    context: &'a Context,
    credentials: &'a Credentials,
    pass: Pass,
    leader: bool,
}

impl Asking<'_> {
    async fn status(&self, url: &str) -> Result<(Client, MemberStatus), NoAnswer> {
        let answer = ask(self.context, url, self.credentials).await;
        answer.map_err(|error| NoAnswer::Failed(Cause::of(&error)))
    }

    /// What the first of these that has a leader says of the cluster. Those
    /// that have none, and the reasons of those that fail, are kept.
    async fn agree(
        &self,
        answers: impl IntoIterator<Item = (String, Result<(Client, MemberStatus), NoAnswer>)>,
        minority: &mut Vec<Leaderless>,
        reasons: &mut Vec<NoAnswer>,
    ) -> Result<Option<Quorum>, ObserveError> {
        for (url, answer) in answers {
            match answer {
                Err(reason) => reasons.push(reason),
                Ok((client, status)) if status.leader.is_none() && !status.learner => {
                    minority.push(Leaderless {
                        url,
                        client,
                        status,
                    });
                }
                Ok((client, status)) => match self.read(client, status).await? {
                    Ok(agreed) => return Ok(Some(agreed)),
                    Err(reason) => {
                        reasons.push(reason);
                        // By now it may know that its leader has lost the
                        // majority, or that it was the leader itself.
                        if let Ok((client, status)) = self.status(&url).await
                            && status.leader.is_none()
                        {
                            minority.push(Leaderless {
                                url,
                                client,
                                status,
                            });
                        }
                    }
                },
            }
        }
        Ok(None)
    }

    /// Reads everything over one connection. The inner error is the reason why
    /// this member does not speak for the cluster.
    async fn read(
        &self,
        client: Client,
        status: MemberStatus,
    ) -> Result<Result<Quorum, NoAnswer>, ObserveError> {
        let read = async { cluster(self.context, &client, status, self.pass, self.leader).await };
        match within(AGREEMENT_LIMIT, read).await {
            Some(Ok(cluster)) => Ok(Ok(Quorum::Agreed(Box::new(client), Box::new(cluster)))),
            // Nothing passes by itself there, and a record that cannot be read
            // may be a grant.
            Some(Err(error @ ObserveError::Etcd(EtcdError::Ledger { .. }))) => Err(error),
            Some(Err(ObserveError::Etcd(error))) => Ok(Err(NoAnswer::Failed(Cause::of(&error)))),
            Some(Err(error)) => Err(error),
            None => Ok(Err(NoAnswer::Disagreement)),
        }
    }

    /// Whether those that answer are too few, and who is missing.
    async fn minority(
        &self,
        leaderless: Vec<Leaderless>,
        reasons: Vec<NoAnswer>,
    ) -> Result<Quorum, ObserveError> {
        let unknown = || {
            let reason = reasons.into_iter().next();
            Quorum::Unknown(reason.unwrap_or(NoAnswer::NoLeader))
        };
        let Some(first) = leaderless.first() else {
            return Ok(unknown());
        };
        // As this member knows it: the list is part of its own data.
        let Some(Ok(members)) = within(LIST_LIMIT, first.client.members()).await else {
            return Ok(unknown());
        };
        let answers = |id: MemberId, urls: &[String]| {
            leaderless
                .iter()
                .any(|member| member.status.member == id || urls.contains(&member.url))
        };
        let mut unreachable: Vec<String> = members
            .iter()
            .filter(|member| !member.learner && !answers(member.id, &member.client_urls))
            .map(|member| member.called(self.context.hook.unit.app()))
            .collect();
        unreachable.sort();
        let voters = members.iter().filter(|member| !member.learner).count();
        if voters - unreachable.len() > voters / 2 {
            // Enough are there, and are about to agree on a leader.
            return match leaderless.into_iter().next() {
                None => Ok(unknown()),
                Some(member) => Ok(match self.read(member.client, member.status).await? {
                    Ok(agreed) => agreed,
                    Err(reason) => Quorum::Unknown(reason),
                }),
            };
        }
        Ok(Quorum::Unknown(NoAnswer::Minority(unreachable)))
    }
}

/// The ledger as it is now, over the connection to a member that spoke for the cluster
/// before, when the ledger was this one; `None` where it does not any more.
///
/// # Errors
/// The ledger holds what this charm never writes.
pub async fn ledger(client: &Client, before: Ledger) -> Result<Option<Ledger>, ObserveError> {
    let read = async {
        match client.ledger_point() {
            Some(point) => client.ledger_since(before, point).await,
            None => client.ledger().await,
        }
    };
    match within(AGREEMENT_LIMIT, read).await {
        Some(Ok(ledger)) => Ok(Some(ledger)),
        Some(Err(error @ EtcdError::Ledger { .. })) => Err(error.into()),
        Some(Err(error)) => {
            tracing::debug!("{}", chain(&error));
            Ok(None)
        }
        None => Ok(None),
    }
}

async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, future).await.ok()
}
