//! Who is a member.

use std::time::{Duration, Instant};

use super::ApplyError;
use crate::context::Context;
use crate::etcd::Client;
use crate::host;
use crate::plan::membership::MembershipStep;

/// How long a hook waits for a learner to catch up. A small database is there
/// in a second; a large one is promoted by a later hook.
const PROMOTION_LIMIT: Duration = Duration::from_secs(15);

/// How long another unit may hold the lock of membership: longer than adding a
/// member takes, so that a unit that died does not block the others for long.
const LOCK_SECONDS: i64 = 30;

/// Carries the step out. `false` if it could not be done now, for a reason that
/// passes by itself.
///
/// # Errors
/// etcd refused, or this machine failed.
pub async fn membership(
    context: &mut Context,
    client: &Client,
    step: &MembershipStep,
) -> Result<bool, ApplyError> {
    match step {
        MembershipStep::EnableAuthentication => {
            client.ensure_authentication().await?;
            Ok(true)
        }
        MembershipStep::AddLearner(peer_url) => {
            let holder = context.hook.unit.to_string();
            let Some(lock) = client.try_lock("membership", &holder, LOCK_SECONDS).await? else {
                return Ok(false);
            };
            let added = client.add_learner(peer_url).await;
            client.unlock(lock).await?;
            Ok(added.map(|()| true)?)
        }
        MembershipStep::Join(founding) => {
            context.facts.founding = Some(host::Founding {
                initial_cluster: founding.initial_cluster.clone(),
                existing: founding.existing,
                token: founding.token.clone(),
            });
            context.facts.write(&context.paths)?;
            Ok(true)
        }
        MembershipStep::Promote(member) => {
            let begun = Instant::now();
            loop {
                if client.promote(*member).await? {
                    return Ok(true);
                }
                if begun.elapsed() > PROMOTION_LIMIT {
                    return Ok(false);
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}
