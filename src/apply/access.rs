//! Users, roles and the ledger.

use super::ApplyError;
use crate::etcd::Client;
use crate::plan::access::AccessStep;
use crate::relation::fernet;

/// Carries the steps out. `false` where a name turns out to be claimed by somebody
/// else meanwhile, or what is on record of it has changed: the rest is left for the
/// next plan, which will see it.
///
/// # Errors
/// etcd failed a call; what was done so far stands in the ledger.
pub async fn access(client: &Client, steps: &[AccessStep]) -> Result<bool, ApplyError> {
    // Nobody but the leader takes rights, and this unit may lead no more.
    if steps.iter().any(AccessStep::takes_rights) {
        client.ensure_unchanged().await?;
    }
    for step in steps {
        match step {
            AccessStep::Claim(name, claim, record) => {
                if !client.claim_name(name, claim, record).await? {
                    return Ok(false);
                }
            }
            AccessStep::ClaimIssued(name, record) => {
                if !client.claim_issued(name, record).await? {
                    return Ok(false);
                }
            }
            AccessStep::ReplaceIssued(name, seen, record) => {
                if !client.replace_issued(name, seen, record).await? {
                    return Ok(false);
                }
            }
            AccessStep::Unsettle => client.unsettle().await?,
            AccessStep::Ledger(writes) => client.write_ledger(writes).await?,
            AccessStep::AddRole(name) => client.ensure_role(name.as_str()).await?,
            AccessStep::GrantPermission(name, range) => {
                client.ensure_permission(name.as_str(), range).await?;
            }
            AccessStep::RevokePermission(name, range) => {
                client.ensure_no_permission(name.as_str(), range).await?;
            }
            AccessStep::AddUser(name) => client.ensure_user(name.as_str()).await?,
            AccessStep::GrantRole(name) => {
                client
                    .ensure_role_of_user(name.as_str(), name.as_str())
                    .await?;
            }
            AccessStep::RevokeRole(name, role) => {
                client.ensure_role_not_of_user(name.as_str(), role).await?;
            }
            AccessStep::DeleteUser(name) => client.ensure_no_user(name.as_str()).await?,
            AccessStep::DeleteRole(name) => client.ensure_no_role(name.as_str()).await?,
            AccessStep::TakeRole(user, role) => {
                client.ensure_role_not_of_user(user, role).await?;
            }
            AccessStep::LockRoot => client.set_password("root", &fernet::new_key()).await?,
        }
    }
    Ok(true)
}
