//! Why requests are not in force as they stand: requests for access, and for
//! certificates. What is decided is a reason; its words, which the ledger keeps and
//! requirers are told, stand in [`words`] alone.

#[cfg(test)]
pub(crate) mod tests;
mod words;

use juju_hooks::SecretUnavailable;
use tls_certificates::Unreadable;
use tls_certificates::answers::Code;
use tls_certificates::requests::EntryRefusal;

use super::{
    AppName, CommonName, ConditionKind, NameRefusal, Prefix, Requirer, Timestamp, Unsigned, Version,
};
use crate::relation::{RelationRefusal, RequestRefusal, fernet::TokenRefusal};
use crate::tls;

/// Why a request for access is not in force, or its latest change is not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Juju does not let the relation be read now.
    UnreadableRelation,
    /// Nothing of what the requirer wrote can be used.
    Relation(RelationRefusal),
    /// An entry of the list of requests cannot be named.
    Unnamed {
        /// Its place in the list, from 0.
        position: usize,
        /// What is wrong with it.
        refusal: RequestRefusal,
    },
    /// The request makes no sense.
    Request(RequestRefusal),
    /// The relation ends, so no secret is shared over it.
    EndingRelation,
    /// Juju shares no secret with whoever offers.
    ConsumedOffer,
    /// Juju has refused to share secrets over this relation.
    RefusedShare,
    /// Juju has refused to share secrets over this relation or another one.
    SuspectedShare,
    /// Juju does not take what the requirer is to be answered.
    RefusedAnswer,
    /// There is no certificate yet.
    NoCertificate,
    /// There is a certificate, which cannot be read yet.
    UnreadableCertificate(CertificateFault),
    /// The certificate is not accepted.
    Certificate(tls::CertificateRefusal),
    /// The charm has issued the certificate, to another application.
    ForeignCertificate,
    /// The charm has issued the certificate, and not for this.
    UselessCertificate,
    /// The certificate on record is not trusted any more.
    LeftOut(LeftOut),
    /// The common name cannot be had.
    Name(CommonName, NameRefusal),
    /// What the relation has replaced is to be cleaned up first.
    Remains,
    /// Names of the relation's certificates take more than so many bytes.
    NamesOfRelation(usize),
    /// Names of all certificates take more than so many bytes.
    Names(usize),
    /// The relation brings new certificates too often; when the next one is taken.
    Pace(Timestamp),
    /// In this release a client can make itself `root`.
    VulnerableEtcd(Version),
    /// Others have some of the keys.
    Overlap(Overlap),
}

/// Why a certificate that is there cannot be read yet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificateFault {
    /// Its secret cannot be read.
    Secret(SecretUnavailable),
    /// Its secret does not hold it.
    NoKey,
    /// The requirer has not taken the encryption key over, and will send it anew.
    KeyNotTaken,
    /// It is encrypted with a key that is not ours.
    ForeignKey,
    /// It cannot be decrypted.
    Token(TokenRefusal),
}

/// Why a certificate on record has no place in a trust file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum LeftOut {
    /// A handshake has no room for its name.
    NoRoom,
    /// Today's rules refuse it.
    Refused(tls::CertificateRefusal),
}

/// A prefix that others have keys of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overlap {
    /// What is asked for.
    pub prefix: Prefix,
    /// What was granted before.
    pub granted: Prefix,
    /// To whom.
    pub holder: Requirer,
}

impl Reason {
    /// Who has to do something about it.
    pub const fn kind(&self) -> ConditionKind {
        match self {
            Self::Relation(_)
            | Self::Unnamed { .. }
            | Self::Request(_)
            | Self::ConsumedOffer
            | Self::Certificate(_)
            | Self::ForeignCertificate
            | Self::UselessCertificate
            | Self::LeftOut(_)
            | Self::NamesOfRelation(_)
            | Self::Names(_)
            | Self::VulnerableEtcd(_)
            | Self::Overlap(_) => ConditionKind::Refused,
            Self::UnreadableRelation
            | Self::EndingRelation
            | Self::RefusedShare
            | Self::SuspectedShare
            | Self::RefusedAnswer
            | Self::NoCertificate
            | Self::UnreadableCertificate(_)
            | Self::Remains
            | Self::Pace(_) => ConditionKind::Waiting,
            Self::Name(_, refusal) => match refusal {
                NameRefusal::Reserved
                | NameRefusal::Credentials(_)
                | NameRefusal::Signed(_)
                | NameRefusal::Held(..)
                | NameRefusal::Unmanaged => ConditionKind::Refused,
                NameRefusal::Revoked(_)
                | NameRefusal::SignedRevoked(_)
                | NameRefusal::Releasing
                | NameRefusal::Unknown => ConditionKind::Waiting,
            },
        }
    }
}

/// Why it is not known what certificates an application asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnknownRequests {
    /// Juju does not let the relation be read now.
    Relation,
    /// Not all units of the application are seen yet.
    Units,
    /// What one of them wrote makes no sense.
    Databag(Unreadable),
}

/// Why no certificate is signed for a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SigningRefusal {
    /// Nothing of a databag can be read.
    Databag(Unreadable),
    /// An entry of the list, counted from 1, is no request.
    Entry(usize, EntryRefusal),
    /// An authority is asked for.
    Authority,
    /// The request is not accepted.
    Request(tls::RequestRefusal),
    /// The common name cannot be had.
    Name(CommonName, NameRefusal),
    /// The relation has more than so many requests.
    Requests(usize),
    /// The relation has more than so many common names.
    NamesOfRelation(usize),
    /// All relations have more than so many common names.
    Names(usize),
}

impl SigningRefusal {
    /// The code of the interface for it.
    pub const fn code(&self) -> Code {
        match self {
            Self::Name(..) => Code::DomainNotAllowed,
            Self::Databag(_)
            | Self::Entry(..)
            | Self::Authority
            | Self::Request(_)
            | Self::Requests(_)
            | Self::NamesOfRelation(_)
            | Self::Names(_) => Code::Other,
        }
    }
}

impl Unsigned {
    /// What is on record of these refusals of one application; `None` where there is
    /// none of them.
    pub fn of<'r>(
        app: &AppName,
        refusals: impl IntoIterator<Item = &'r SigningRefusal>,
    ) -> Option<Self> {
        let refusals = refusals.into_iter();
        let mut words: Vec<_> = refusals.map(SigningRefusal::to_string).collect();
        // In an order of their own: that of the requests is drawn by lot.
        words.sort_unstable();
        let others = words.len().checked_sub(1)?;
        Some(Self {
            app: app.clone(),
            reason: words.swap_remove(0),
            others,
        })
    }
}
