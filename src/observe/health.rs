//! How each member is, by its own word.

use std::time::{Duration, Instant};

use super::ObserveError;
use crate::connection::client_at;
use crate::context::Context;
use crate::facts::observed::Peers;
use crate::facts::{Answer, Cause, Health, Member, MemberHealth, NoRead, Silence};
use crate::plan::members::unit_at;

/// How long a member may take for an answer. One without a quorum would think
/// for seven seconds before it says so.
const PATIENCE: Duration = Duration::from_secs(3);

/// Asks every member for its state, and for a read as a client would make it.
///
/// # Errors
/// This unit has no administrator's certificate. That a member does not answer
/// is no error.
pub async fn health(
    context: &Context,
    peers: Option<&Peers>,
    mut members: Vec<Member>,
) -> Result<Health, ObserveError> {
    // etcd lists them by random numbers.
    members.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
    let mut asked = Vec::new();
    for member in members {
        let answer = match member.client_urls.first() {
            Some(url) => ask(context, url, member.learner).await?,
            None => Answer::Unreachable(Silence::NotStarted),
        };
        let unit = peers.and_then(|peers| unit_at(peers, &member)).cloned();
        asked.push(MemberHealth::new(member, unit.as_ref(), answer));
    }
    Ok(Health {
        app: context.hook.unit.app().clone(),
        members: asked,
    })
}

async fn ask(context: &Context, url: &str, learner: bool) -> Result<Answer, ObserveError> {
    let client = client_at(context, url).await?.with_limit(PATIENCE);
    let details = match client.details().await {
        Ok(details) => Box::new(details),
        Err(error) => return Ok(Answer::Unreachable(Silence::Failed(Cause::of(&error)))),
    };
    if learner {
        return Ok(Answer::Answers(details, Err(NoRead::NoVote)));
    }
    // The connection stands by now, so that this is the time of a client that
    // is connected.
    let begun = Instant::now();
    let round_trip = match client.agrees().await {
        Ok(()) => Ok(begun.elapsed()),
        Err(error) => Err(NoRead::Failed(Cause::of(&error))),
    };
    Ok(Answer::Answers(details, round_trip))
}
