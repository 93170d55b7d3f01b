//! Which members answer. A hook must end within seconds however many do not.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use crate::context::Context;
use crate::etcd::{Client, Credentials, EtcdError};
use crate::facts::{Member, MemberId, MemberStatus};

/// How long a member may take to tell its status, for which it needs nobody
/// else. One whose process is halted, or whose network is cut, never does; and
/// one that was started and has not found its cluster yet takes the connection
/// and says nothing.
const LIMIT: Duration = Duration::from_secs(2);

/// The status of the member at this URL, and the connection over which it was
/// told. Who did not answer once is not asked again by the same hook.
///
/// # Errors
/// The member does not answer.
pub(super) async fn ask(
    context: &Context,
    url: &str,
    credentials: &Credentials,
) -> Result<(Client, MemberStatus), EtcdError> {
    let silence = || EtcdError::Timeout {
        call: format!("ask {url}"),
        seconds: LIMIT.as_secs(),
    };
    if context.unreachable.borrow().contains(url) {
        return Err(silence());
    }
    let urls = [url.to_owned()];
    let client = Client::new(&urls, credentials, context.ledger_keys()).await?;
    let status = async {
        match client.status().await {
            // A connection that was just made can end with those of clients that
            // have lost their rights, without anything being wrong.
            Err(error) if error.is_unanswered() => client.status().await,
            answer => answer,
        }
    };
    match tokio::time::timeout(LIMIT, status).await {
        Ok(status) => Ok((client, status?)),
        Err(_) => {
            context.unreachable.borrow_mut().insert(url.to_owned());
            Err(silence())
        }
    }
}

/// The members among these that answer; all are asked at once.
pub(super) async fn others_that_answer(
    context: &Context,
    credentials: &Credentials,
    members: impl Iterator<Item = &Member>,
) -> BTreeSet<MemberId> {
    let asked = members.map(async |member| {
        // A member that does not answer is not an error of this hook.
        let url = member.client_urls.first()?;
        let answer = ask(context, url, credentials).await;
        answer.ok().map(|_| member.id)
    });
    join_all(asked).await.into_iter().flatten().collect()
}
