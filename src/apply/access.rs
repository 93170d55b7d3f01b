//! Users, roles and the ledger.

use super::ApplyError;
use crate::etcd::{Change, Client};
use crate::plan::access::AccessStep;
use crate::relation::fernet;

/// What came of steps of access.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccessChange {
    /// Each was carried out, and etcd has said of none that it was so already.
    Made,
    /// Each was carried out, or was before.
    Repeated,
    /// Not all of them were: a name turned out to be claimed by somebody else
    /// meanwhile, or what is on record of it has changed. The rest is left for the
    /// next plan, which will see it.
    CutShort,
}

impl AccessChange {
    /// Whether all steps were carried out.
    pub(super) fn is_whole(self) -> bool {
        self != Self::CutShort
    }

    fn add(&mut self, change: Change) {
        match change {
            Change::Made => {}
            Change::Unsure => *self = Self::Repeated,
        }
    }
}

/// Carries the steps out.
///
/// # Errors
/// etcd failed a call; what was done so far stands in the ledger.
pub async fn access(client: &Client, steps: &[AccessStep]) -> Result<AccessChange, ApplyError> {
    // Nobody but the leader takes rights, and this unit may lead no more.
    if steps.iter().any(AccessStep::takes_rights) {
        client.ensure_unchanged().await?;
    }
    let mut all = AccessChange::Made;
    for step in steps {
        match step {
            AccessStep::Claim(name, claim, record) => {
                if !client.claim_name(name, claim, record).await? {
                    return Ok(AccessChange::CutShort);
                }
            }
            AccessStep::ClaimIssued(name, record) => {
                if !client.claim_issued(name, record).await? {
                    return Ok(AccessChange::CutShort);
                }
            }
            AccessStep::ReplaceIssued(name, seen, record) => {
                if !client.replace_issued(name, seen, record).await? {
                    return Ok(AccessChange::CutShort);
                }
            }
            AccessStep::Unsettle => client.unsettle().await?,
            AccessStep::Ledger(writes) => client.write_ledger(writes).await?,
            AccessStep::AddRole(name) => all.add(client.ensure_role(name.as_str()).await?),
            AccessStep::GrantPermission(name, range) => {
                all.add(client.ensure_permission(name.as_str(), range).await?);
            }
            AccessStep::RevokePermission(name, range) => {
                all.add(client.ensure_no_permission(name.as_str(), range).await?);
            }
            AccessStep::AddUser(name) => all.add(client.ensure_user(name.as_str()).await?),
            AccessStep::GrantRole(name) => {
                let name = name.as_str();
                all.add(client.ensure_role_of_user(name, name).await?);
            }
            AccessStep::RevokeRole(name, role) => {
                all.add(client.ensure_role_not_of_user(name.as_str(), role).await?);
            }
            AccessStep::DeleteUser(name) => all.add(client.ensure_no_user(name.as_str()).await?),
            AccessStep::DeleteRole(name) => all.add(client.ensure_no_role(name.as_str()).await?),
            AccessStep::TakeRole(user, role) => {
                all.add(client.ensure_role_not_of_user(user, role).await?);
            }
            AccessStep::LockRoot => client.set_password("root", &fernet::new_key()).await?,
        }
    }
    Ok(all)
}
