//! The words of every reason, for operators and requirers. They are what the ledger
//! keeps: one that changes is written anew for each request that it is true of.
//!
//! What the parts of a request have wrong is said by those who read them, in crates that
//! know nothing of etcd; all else stands here.

use std::fmt;

use super::{CertificateFault, LeftOut, Overlap, Reason, SigningRefusal};
use crate::facts::{CommonName, Condition, ConditionKind, NameRefusal, Unsigned};
use crate::relation;

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnreadableRelation => "the relation cannot be read",
            Self::Relation(refusal) => return refusal.fmt(f),
            Self::Unnamed { position, refusal } => {
                return write!(f, "request {} of the list: {refusal}", position + 1);
            }
            Self::Request(refusal) => return refusal.fmt(f),
            Self::EndingRelation => "the relation is ending",
            Self::ConsumedOffer => {
                "secrets cannot be shared with a consumed offer; offer etcd instead"
            }
            Self::RefusedShare => "Juju refused to share secrets with it; tried again in an hour",
            Self::SuspectedShare => "Juju refused to share secrets with it or another",
            Self::RefusedAnswer => "Juju does not take its answer; tried again later",
            Self::NoCertificate => "no certificate yet",
            Self::UnreadableCertificate(fault) => return fault.fmt(f),
            Self::Certificate(refusal) => return refusal.fmt(f),
            Self::ForeignCertificate => "its certificate was issued to another application",
            Self::UselessCertificate => "its certificate is not one that it may use here",
            Self::LeftOut(why) => return write!(f, "certificate not trusted any more: {why}"),
            Self::Name(name, refusal) => return name_of_request(name, refusal, f),
            Self::Remains => "requests that it has replaced are cleaned up first",
            Self::NamesOfRelation(limit) => {
                return write!(f, "names of its certificates exceed {limit} bytes");
            }
            Self::Names(limit) => {
                return write!(
                    f,
                    "names of all certificates exceed {limit} bytes: remove a relation"
                );
            }
            Self::Pace(next) => {
                return write!(f, "its certificates change too often, next at {next}");
            }
            Self::VulnerableEtcd(version) => {
                return write!(
                    f,
                    "attach etcd 3.6, or set allow-vulnerable-etcd: {version} isolates no clients"
                );
            }
            Self::Overlap(overlap) => return overlap.fmt(f),
        })
    }
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(unavailable) => unavailable.fmt(f),
            Self::NoKey => write!(f, "its secret has no key `{}`", relation::CERTIFICATE),
            Self::KeyNotTaken => f.write_str("it has not taken the encryption key yet"),
            Self::ForeignKey => f.write_str("its encryption key is not ours"),
            Self::Token(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoom => f.write_str("there are too many names"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            prefix,
            granted,
            holder,
        } = self;
        write!(f, "prefix {prefix} overlaps {granted} of {holder}")
    }
}

/// What is said of a request for access in a name that it cannot have.
fn name_of_request(
    name: &CommonName,
    refusal: &NameRefusal,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match refusal {
        NameRefusal::Reserved => write!(f, "common name {name} is reserved"),
        NameRefusal::Credentials(_) => write!(
            f,
            "common name {name} is that of credentials issued to an operator"
        ),
        NameRefusal::Revoked(free) => {
            write!(
                f,
                "common name {name} was revoked, and is free after {free}"
            )
        }
        NameRefusal::Signed(app) => write!(f, "common name {name} is held by {app}"),
        NameRefusal::SignedRevoked(free) => write!(
            f,
            "certificates of common name {name} were revoked, which is free after {free}"
        ),
        NameRefusal::Held(_, holder) => write!(f, "common name {name} is held by {holder}"),
        NameRefusal::Releasing => write!(
            f,
            "common name {name} is free once no member trusts its old certificate"
        ),
        NameRefusal::Unmanaged => {
            write!(f, "etcd has a user or role {name} that is not the charm's")
        }
        NameRefusal::Unknown => write!(f, "user {name} was not looked up yet"),
    }
}

impl fmt::Display for SigningRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Databag(unreadable) => unreadable.fmt(f),
            Self::Entry(at, refusal) => write!(f, "entry {at}: {refusal}"),
            Self::Authority => {
                f.write_str("certificates of authorities are not issued, only of clients")
            }
            Self::Request(refusal) => refusal.fmt(f),
            Self::Name(name, refusal) => name_of_certificates(name, refusal, f),
            Self::Requests(limit) => write!(f, "more than {limit} requests over one relation"),
            Self::NamesOfRelation(limit) => {
                write!(f, "more than {limit} common names over one relation")
            }
            Self::Names(limit) => write!(f, "more than {limit} common names over all relations"),
        }
    }
}

/// What is said of a request for a certificate in a name that it cannot have. Of others
/// it says no more than has to be said.
fn name_of_certificates(
    name: &CommonName,
    refusal: &NameRefusal,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let why = match refusal {
        NameRefusal::Reserved => "is reserved",
        NameRefusal::Credentials(_) | NameRefusal::Revoked(_) => {
            "is that of credentials issued to an operator"
        }
        NameRefusal::Signed(_) => "is asked for over another relation",
        NameRefusal::SignedRevoked(free) => {
            return write!(
                f,
                "common name {name} was revoked, and is free after {free}"
            );
        }
        NameRefusal::Held(..) => "is held by another application",
        NameRefusal::Releasing => "is free once no member trusts its old certificate",
        NameRefusal::Unmanaged | NameRefusal::Unknown => {
            "is that of a user or role that is not the charm's"
        }
    };
    write!(f, "common name {name} {why}")
}

impl Unsigned {
    /// All of it in one line.
    pub fn words(&self) -> String {
        match self.others {
            0 => self.reason.clone(),
            others => format!("{}; so are {others} other requests", self.reason),
        }
    }
}

impl From<&Unsigned> for Condition {
    fn from(unsigned: &Unsigned) -> Self {
        Self::new(ConditionKind::Refused, unsigned.words())
    }
}
