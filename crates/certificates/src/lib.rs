//! Certificates of a service that trusts its clients one by one: what a client
//! sends is checked, what the service trusts is assembled, and what the service
//! itself uses is read and issued.
//!
//! Nothing in here knows Juju, relations or what is served. Everything but
//! [`Authority`] and [`OwnRequest`] is pure: time is passed in, and nothing is read or written.
//!
//! Whoever parses a client's certificate after us is often a program in Go, which
//! may end at its start on a trust file that Go's crypto/x509 cannot parse, so the check of a [`ClientCertificate`] must accept no more
//! than Go does, and must see the same name. It therefore reads the DER
//! encoding itself, knows only what it can judge, and refuses the rest. What
//! it accepts is read once more by an independent parser, which must agree.

mod answer;
mod bundle;
mod certificate;
mod der;
mod element;
mod extensions;
mod identity;
mod issue;
mod key;
mod leaf;
mod name;
mod own;
mod pem_text;
mod refusal;
mod request;
mod signature;
mod time;
mod uri;

pub use answer::{AnswerRefusal, ServerCertificate};
pub use bundle::{BundleError, TrustBundle, TrustedLeaf, certificates_in, digest};
pub use identity::{CommonName, Fingerprint, InvalidIdentity};
pub use issue::{Authority, IssueError, Issued, OwnRequest};
pub use leaf::ClientCertificate;
pub use own::{OwnCertificate, Renewal, UnreadableCertificate, needs_new};
pub use refusal::CertificateRefusal;
pub use request::{ClientRequest, RequestRefusal};
pub use time::Timestamp;
