//! Carries out what was planned, one step after the other, with no choice left.

use crate::lxd::{Client, LxdError};
use crate::plan::access::Step;

/// Makes one step true. "Already there" and "already gone" are success.
///
/// # Errors
/// LXD refuses, or cannot be asked any more.
pub async fn apply(client: &mut Client, step: &Step) -> Result<(), LxdError> {
    match step {
        Step::Add {
            fingerprint: _,
            der,
            name,
            projects,
        } => client.ensure_trusted(der, name, projects).await,
        Step::Update {
            fingerprint,
            name,
            projects,
        } => client.ensure_entry(fingerprint, name, projects).await,
        Step::Remove {
            fingerprint,
            name: _,
        } => client.ensure_untrusted(fingerprint).await,
    }
}
