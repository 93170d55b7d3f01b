//! Steps that concern access, in words for the log once they are done.

use crate::facts::LedgerWrite;
use crate::plan::access::AccessStep;

/// What an operator should find in the log of a step that concerns access; `None` for
/// those that only serve another.
pub fn logged(step: &AccessStep) -> Option<String> {
    match step {
        AccessStep::Claim(name, claim, record) => {
            let prefix = record.grant.as_ref().map(|grant| grant.prefix.to_string());
            let prefix = prefix.unwrap_or_default();
            let holder = &claim.holder;
            Some(format!("granted {prefix} to {name} of relation {holder}"))
        }
        AccessStep::DeleteUser(name) => Some(format!("deleted user {name}")),
        AccessStep::Ledger(writes) => {
            let refusals = writes.iter().filter_map(|write| match write {
                LedgerWrite::Record(key, record) => {
                    let reason = record.condition.as_ref()?.words();
                    Some(format!("relation {key}: {reason}"))
                }
                _ => None,
            });
            let refusals: Vec<_> = refusals.collect();
            (!refusals.is_empty()).then(|| refusals.join("; "))
        }
        AccessStep::GrantPermission(name, range) => {
            Some(format!("{name} may read and write {range}"))
        }
        AccessStep::RevokePermission(name, range) => {
            Some(format!("{name} may no longer use {range}"))
        }
        AccessStep::RevokeRole(name, role) => Some(format!("took role {role} from {name}")),
        AccessStep::TakeRole(user, role) => Some(format!(
            "took role {role} from {user:?}, which nobody here made: delete it unless it is wanted"
        )),
        AccessStep::LockRoot => Some("replaced a password of root, which has none".to_owned()),
        AccessStep::ClaimIssued(..)
        | AccessStep::ReplaceIssued(..)
        | AccessStep::Unsettle
        | AccessStep::AddRole(_)
        | AccessStep::AddUser(_)
        | AccessStep::GrantRole(_)
        | AccessStep::DeleteRole(_) => None,
    }
}
