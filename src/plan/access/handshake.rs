//! What requests share in every handshake: a server sends the name of each
//! certificate that it trusts to whoever connects, in one list.

use super::Planner;
use crate::facts::observed::Observed;
use crate::facts::{Grant, GrantView, Reason, RequestKey};
use crate::plan::trusted::pinned;
use crate::tls::TrustBundle;

/// Longest list that requests are granted for, our own authorities included.
/// TLS has room for 65,535 bytes. Java's clients read no message of a handshake
/// that is longer than 32,768 (`jdk.tls.maxHandshakeMessageSize`), and there is
/// more in that message than the list. It has room for 1,200 names of a bare
/// common name of 14 characters, or for 240 with five attributes of common length.
const MAX_NAMED_BYTES: usize = 32_000;

/// Longest part of it that one relation may take: a quarter, so that others find
/// room beside one that asks for all it can get. A hundred requests fit, each
/// with a common name of 64 characters.
const MAX_NAMED_BYTES_OF_RELATION: usize = 8_000;

impl Planner<'_, '_> {
    /// Whether the name of this certificate has room beside those of others.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn admit_to_handshakes(
        &self,
        key: &RequestKey,
        grant: &Grant,
    ) -> Result<(), Reason> {
        // The name of its authority is there already.
        if grant.issuer.is_some() {
            return Ok(());
        }
        let new = named_bytes(self.observed, grant.into());
        // It is replaced. With a name that is no longer, even one from before there
        // was any bound can be.
        let held = self.ledger.clients.get(key);
        let held = held.and_then(|record| record.grant.as_ref());
        let held = held.filter(|held| held.issuer.is_none());
        if held.is_some_and(|held| new <= named_bytes(self.observed, held.into())) {
            return Ok(());
        }
        let authorities = self.observed.machine.client_trust();
        let authorities = authorities.and_then(|ca| TrustBundle::new(&ca).ok());
        let mut all = new + authorities.map_or(0, |bundle| bundle.named_bytes());
        let mut of_relation = new;
        for (other, granted) in pinned(&self.ledger) {
            let is_of_relation = other.relation() == key.relation;
            if is_of_relation && other.key() == key {
                continue;
            }
            let bytes = named_bytes(self.observed, granted);
            all += bytes;
            if is_of_relation {
                of_relation += bytes;
            }
        }
        if of_relation > MAX_NAMED_BYTES_OF_RELATION {
            return Err(Reason::NamesOfRelation(MAX_NAMED_BYTES_OF_RELATION));
        }
        if all > MAX_NAMED_BYTES {
            return Err(Reason::Names(MAX_NAMED_BYTES));
        }
        Ok(())
    }
}

/// One that today's rules refuse is in no trust file.
fn named_bytes(observed: &Observed, grant: GrantView<'_>) -> usize {
    observed.recalled.named_bytes(grant).unwrap_or(0)
}
