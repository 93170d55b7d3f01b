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
}
