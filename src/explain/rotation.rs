//! What an operator is told who has an authority replaced.

use crate::facts::Timestamp;
use crate::facts::authorities::AuthorityKind;

/// What happens next, and when the next authority of servers signs from.
pub fn begun(kind: AuthorityKind, from: Timestamp) -> String {
    match kind {
        AuthorityKind::Servers => format!(
            "The next authority is being made known to all members and clients; it signs from \
             {from} on. `juju status` shows how far it has come."
        ),
        AuthorityKind::Administrators => {
            "The next authority is being made known to all members, and then signs anew for all \
             units and relations. Credentials of people and tools have to be made anew, by \
             generate-client-certificates, once `juju status` says when they end."
                .to_owned()
        }
        AuthorityKind::Clients => {
            "The next CA is being made known to all members, and then signs anew for all \
             applications related over `certificates`. The present one is dropped when each of \
             them that has access shows its new certificate; `juju status` says who does not."
                .to_owned()
        }
    }
}
