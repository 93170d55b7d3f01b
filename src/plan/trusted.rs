//! Whom a member should trust: the charm's own authorities, and the leaf of every
//! grant on record that none of them has signed, as far as today's rules and the protocol let them in.

use crate::facts::observed::Leaves;
use crate::facts::reason::LeftOut;
use crate::facts::{ClientRecord, Entry, GrantView, Ledger, RecalledLeaves, RequestKey};
use crate::tls::TrustBundle;

/// Longest list of names in a handshake that a trust file may cause. TLS has
/// room for 65,535 bytes, and a server with more to say lets nobody in, its own
/// administrator included. Admission stops at half of it, so what stands between
/// was granted before there was any bound, and is let in.
const MAX_NAMED_BYTES: usize = 60_000;

/// What is wrong with our own authorities, without which there is no trust file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AuthorityFault {
    /// This unit does not have them yet.
    Unknown,
    /// What this unit has cannot be read.
    Unreadable,
}

/// A trust file, and the leaves on record that have no place in it.
pub(super) struct Trusted {
    pub(super) bundle: TrustBundle,
    pub(super) left_out: Vec<(RequestKey, LeftOut)>,
}

/// The trust file that a member should have. A leaf that cannot be in it is left
/// out, and nobody else waits for it.
///
/// # Errors
/// What is missing of our own.
pub(super) fn trusted(
    authorities: Option<&str>,
    ledger: &Ledger,
    recalled: &RecalledLeaves,
) -> Result<Trusted, AuthorityFault> {
    let mut bundle = authorities
        .ok_or(AuthorityFault::Unknown)
        .and_then(|ca| TrustBundle::new(ca).map_err(|_| AuthorityFault::Unreadable))?;
    let mut left_out = Vec::new();
    let mut named_bytes = bundle.named_bytes();
    // Who was there first stays.
    let mut grants: Vec<_> = pinned(ledger).collect();
    // They stand in the order of their keys.
    grants.sort_by_key(|(_, grant)| grant.granted_at);
    for (entry, grant) in grants {
        match recalled.of(grant) {
            Ok(leaf) if named_bytes + leaf.named_bytes > MAX_NAMED_BYTES => {
                left_out.push((entry.key().clone(), LeftOut::NoRoom));
            }
            Ok(leaf) => {
                named_bytes += leaf.named_bytes;
                bundle.add(leaf);
            }
            Err(refusal) => left_out.push((entry.key().clone(), LeftOut::Refused(refusal))),
        }
    }
    Ok(Trusted { bundle, left_out })
}

/// The leaves that the ledger grants access.
pub(super) fn granted(ledger: &Ledger) -> Leaves {
    pinned(ledger).map(|(_, grant)| grant.leaf()).collect()
}

/// The grants whose leaves members have to trust one by one.
pub(super) fn pinned(
    ledger: &Ledger,
) -> impl Iterator<Item = (Entry<'_, RequestKey, ClientRecord>, GrantView<'_>)> {
    let grants = ledger.grant_views();
    grants.filter(|(_, grant)| grant.issuer.is_none())
}
