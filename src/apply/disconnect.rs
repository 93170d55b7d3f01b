//! Ends the connections of clients to this unit's member.

use super::ApplyError;
use crate::connection::{client_at, own_url};
use crate::context::Context;
use crate::facts::Cause;
use crate::facts::observed::{Disconnection, NotEnded};
use crate::log;
use crate::workload::{Ended, end_connections};

/// Ends every established connection to the port for clients of this unit's
/// member, as soon as that member knows what the cluster agreed on before.
/// Connections between members, and etcd itself, are not touched.
///
/// # Errors
/// This unit has lost its certificate. All else is an outcome.
pub async fn disconnect(context: &Context) -> Result<Disconnection, ApplyError> {
    let Some(url) = own_url(context) else {
        return Ok(Disconnection::Postponed);
    };
    // A member that is behind would let a watch begin that is to be ended, so
    // it has to agree with the others first.
    let client = client_at(context, &url).await?;
    if let Err(error) = client.revision().await {
        tracing::debug!("connections stay open for now: {}", log::chain(&error));
        return Ok(Disconnection::Postponed);
    }
    drop(client);
    let address = url.trim_start_matches("https://");
    Ok(match end_connections(&context.commands, address) {
        Ok(Ended::All) => Disconnection::Done,
        Ok(Ended::Left(count)) => Disconnection::Failed(NotEnded::Left(count)),
        Err(error) => Disconnection::Failed(NotEnded::Failed(Cause::of(&error))),
    })
}
