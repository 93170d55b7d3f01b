//! Why a common name cannot be had.

use super::{AppName, KeyRange, RequestKey, Requirer, Timestamp};

/// Why a common name cannot be had, whoever asks for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NameRefusal {
    /// It is `root`'s, the charm's or a member's.
    Reserved,
    /// An operator has credentials in it, for these keys.
    Credentials(KeyRange),
    /// Credentials in it were revoked; when it is free.
    Revoked(Timestamp),
    /// The charm signs certificates in it for this application.
    Signed(AppName),
    /// Certificates in it that the charm had signed were revoked; when it is free.
    SignedRevoked(Timestamp),
    /// This request has it, and who made it.
    Held(RequestKey, Requirer),
    /// A request had it, and a member still trusts its certificate.
    Releasing,
    /// etcd has a user or a role of this name which the charm has not made.
    Unmanaged,
    /// It was not looked up in etcd.
    Unknown,
}
