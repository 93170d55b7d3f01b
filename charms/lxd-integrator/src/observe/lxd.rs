//! What LXD says.

use std::collections::BTreeMap;

use crate::facts::Lxd;
use crate::lxd::{Client, LxdError};
use crate::plan::credentials::Connection;

/// Asks who the server is, and what is in its trust store; none if it does not
/// trust us with that. Three requests at most.
///
/// # Errors
/// LXD cannot be asked: nothing may be concluded from that.
pub async fn lxd(client: &mut Client, connection: &Connection) -> Result<Option<Lxd>, LxdError> {
    let Some(server) = client.server().await? else {
        return Ok(None);
    };
    let members = match server.clustered {
        true => client.members().await?,
        false => Vec::new(),
    };
    Ok(Some(Lxd {
        entries: client.entries().await?,
        own: connection.own_fingerprint(),
        refused: BTreeMap::new(),
        server,
        members,
    }))
}
