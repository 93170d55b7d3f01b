//! What a plan of access is made of.

use crate::facts::{ClientRecord, CommonName, IssuedRecord, KeyRange, LedgerWrite, NameClaim};

/// One write in etcd that concerns access.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AccessStep {
    /// Claims a free name and writes the record of its request. Where somebody
    /// else was first, the steps after it are not carried out.
    Claim(CommonName, NameClaim, Box<ClientRecord>),
    /// Claims a free name for an identity that the charm issues. Where somebody else
    /// was first, the steps after it are not carried out.
    ClaimIssued(CommonName, Box<IssuedRecord>),
    /// Replaces the record of such an identity that was seen by another one. Where it
    /// has changed since, the steps after it are not carried out.
    ReplaceIssued(CommonName, Box<IssuedRecord>, Box<IssuedRecord>),
    /// Notes in the ledger that rights are being taken away.
    Unsettle,
    /// Writes to the ledger, together.
    Ledger(Vec<LedgerWrite>),
    /// Makes a role.
    AddRole(CommonName),
    /// Lets a role read and write a range.
    GrantPermission(CommonName, KeyRange),
    /// Takes a range from a role.
    RevokePermission(CommonName, KeyRange),
    /// Makes a user without a password.
    AddUser(CommonName),
    /// Gives the user the role of the same name.
    GrantRole(CommonName),
    /// Takes a role that is not the charm's from a user that is.
    RevokeRole(CommonName, String),
    /// Removes a user.
    DeleteUser(CommonName),
    /// Removes a role.
    DeleteRole(CommonName),
    /// Takes a role from a user that nobody here made: `root`, or that of a client.
    TakeRole(String, String),
    /// Gives `root`, as which somebody can log in with a password, one that nobody
    /// knows.
    LockRoot,
}

impl AccessStep {
    /// Whether somebody may do less afterwards; etcd does this with any alarm.
    pub fn takes_rights(&self) -> bool {
        match self {
            Self::RevokePermission(..)
            | Self::RevokeRole(..)
            | Self::DeleteUser(_)
            | Self::DeleteRole(_)
            | Self::TakeRole(..)
            | Self::LockRoot => true,
            Self::Claim(..)
            | Self::ClaimIssued(..)
            | Self::ReplaceIssued(..)
            | Self::Unsettle
            | Self::Ledger(_)
            | Self::AddRole(_)
            | Self::GrantPermission(..)
            | Self::AddUser(_)
            | Self::GrantRole(_) => false,
        }
    }

    /// Whether it gives rights, or is a part of that.
    pub(super) fn gives_rights(&self) -> bool {
        match self {
            Self::AddRole(_)
            | Self::GrantPermission(..)
            | Self::AddUser(_)
            | Self::GrantRole(_) => true,
            Self::Claim(..) | Self::ClaimIssued(..) | Self::ReplaceIssued(..) => false,
            Self::Unsettle | Self::Ledger(_) => false,
            Self::RevokePermission(..) | Self::RevokeRole(..) | Self::DeleteUser(_) => false,
            Self::DeleteRole(_) | Self::TakeRole(..) | Self::LockRoot => false,
        }
    }

    /// What an operator should find in the log of it; `None` for the steps that
    /// only serve another.
    pub fn summary(&self) -> Option<String> {
        match self {
            Self::Claim(name, claim, record) => {
                let prefix = record.grant.as_ref().map(|grant| grant.prefix.to_string());
                let prefix = prefix.unwrap_or_default();
                let holder = &claim.holder;
                Some(format!("granted {prefix} to {name} of relation {holder}"))
            }
            Self::DeleteUser(name) => Some(format!("deleted user {name}")),
            Self::Ledger(writes) => {
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
            Self::GrantPermission(name, range) => {
                Some(format!("{name} may read and write {range}"))
            }
            Self::RevokePermission(name, range) => {
                Some(format!("{name} may no longer use {range}"))
            }
            Self::RevokeRole(name, role) => Some(format!("took role {role} from {name}")),
            Self::TakeRole(user, role) => Some(format!(
                "took role {role} from {user:?}, which nobody here made: delete it unless it is wanted"
            )),
            Self::LockRoot => Some("replaced a password of root, which has none".to_owned()),
            Self::ClaimIssued(..)
            | Self::ReplaceIssued(..)
            | Self::Unsettle
            | Self::AddRole(_)
            | Self::AddUser(_)
            | Self::GrantRole(_)
            | Self::DeleteRole(_) => None,
        }
    }
}
