//! A data relation from the side of the charm that uses the service.
//!
//! A charm calls the same three functions of a [`Requirer`] in every hook, whatever
//! the hook is: [`Requirer::publish`] writes what is asked for, as far as it is not
//! written already; [`Requirer::answer`] reads what came of it; and
//! [`Requirer::identity`] is what a client logs in with where that is a
//! certificate. State is compared, so a hook that was killed or skipped is made
//! good by the next one. When a relation ends, [`Requirer::withdraw`] removes the
//! secrets that were made for it.
//!
//! Where the certificate is to be signed by somebody else, and etcd is the best
//! choice, [`SignedIdentity`] asks for it over `tls-certificates`.

mod credentials;
mod ending;
mod identity;
pub mod legacy;
mod requirer;
mod signed;

pub use credentials::{Credentials, SaveError};
pub use data_interfaces::requirer::{Access, Answer, Change, Missing};
pub use data_interfaces::{Dialect, Field, Interface};
pub use identity::{CertificatePolicy, Identity};
pub use requirer::{ClientCertificate, Requirer, RequirerError, Wish};
pub use signed::{SignedAnswer, SignedIdentity};

/// `etcd_client`: a prefix is asked for, and a certificate logs in.
pub const ETCD_CLIENT: Interface = Interface::ETCD_CLIENT;

/// `valkey_client`: a pattern of keys and channels is asked for, and a password
/// logs in.
pub const VALKEY_CLIENT: Interface = Interface::VALKEY_CLIENT;
