//! The other authority that may sign for members: what an application that is
//! related over `client-certificates` has answered, and what members show of it.

mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tls_certificates::Unreadable;
use tls_certificates::answers::{Answers, Code};

use super::{AppName, RelationId, Secret, Timestamp};
use crate::tls::AnswerRefusal;

/// The relation with the provider, as this unit sees it.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The relation.
    pub relation: RelationId,
    /// The application at the other end.
    pub app: AppName,
    /// The requests of this unit that stand in its databag.
    pub published: Option<String>,
    /// What it has answered to all units, if that makes sense.
    pub answers: Result<Answers, Unreadable>,
}

/// Why it is not known whether there is a provider.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProviderUnknown {
    /// This pass had no reason to look.
    NotLookedAt,
    /// Juju does not let the relation be read now.
    Relation,
}

/// What this unit has asked the provider for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PendingRequest {
    /// The relation over which it asks.
    pub relation: RelationId,
    /// The addresses and names that it asks for.
    pub names: BTreeSet<String>,
    /// When it was made.
    pub made_at: Timestamp,
    /// PKCS #10, PEM.
    pub csr: String,
    /// The key that the certificate is to be for, PEM.
    pub key: Secret<String>,
}

/// A certificate with those above it, and its key, as etcd reads them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyPair {
    /// PEM; the first is the server's own.
    pub certificates: String,
    /// PEM, PKCS #8.
    pub key: Secret<String>,
}

impl KeyPair {
    /// The label with which the key begins.
    const KEY: &'static str = "-----BEGIN PRIVATE KEY-----";

    /// Both in one text, so that no reader ever sees a certificate beside the key
    /// of another.
    pub fn text(&self) -> Secret<String> {
        Secret::new(self.certificates.clone() + self.key.expose())
    }

    /// What [`Self::text`] has made; `None` of any other text.
    pub fn read(text: &Secret<String>) -> Option<Self> {
        let text = text.expose();
        let (certificates, key) = text.split_at(text.find(Self::KEY)?);
        Some(Self {
            certificates: certificates.to_owned(),
            key: Secret::new(key.to_owned()),
        })
    }
}

/// What a provider has answered to this unit, after every check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ProviderAnswer {
    /// Nothing yet.
    Asked,
    /// That the certificate must not be used any more.
    Revoked,
    /// That there will be none.
    Refused {
        /// Why, in its own words.
        message: String,
        /// The code of the interface for it.
        code: Code,
    },
    /// What cannot be read.
    Unreadable(Unreadable),
    /// What the member cannot use.
    Unfit(AnswerRefusal),
    /// A certificate that has ended.
    Ended(Timestamp),
    /// A certificate that the member cannot show yet.
    NotShown(NotShown),
    /// A certificate that the member shows; until when.
    Shown(Timestamp),
}

/// Why a member does not show what a provider has signed: not everybody who will check
/// it knows the provider's authority.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotShown {
    /// etcd cannot be asked who there is to know it.
    NoEtcd,
    /// So many others are known already, and older ones have to be forgotten first.
    TooMany(usize),
    /// Clients are about to be told.
    NotTold,
    /// This unit is about to confirm that it told its own.
    NotConfirmed,
    /// The units of these members have not confirmed it.
    Behind(Vec<String>),
    /// Clients have time until then.
    Grace(Timestamp),
}

/// How it stands with the provider, as a unit notes it for an operator.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ProviderNote {
    /// The application.
    pub app: AppName,
    /// What it has answered to this unit.
    pub state: ProviderState,
    /// When the certificate of it ends that the member shows, where that is near.
    pub ending: Option<Timestamp>,
}

/// What a provider has answered to this unit, in the words of the revision of the charm
/// that noted it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ProviderState {
    /// Nothing yet.
    Asked,
    /// That the certificate must not be used any more.
    Revoked,
    /// That there will be none, and why.
    Refused(String),
    /// What cannot be used, and why.
    Unfit(String),
    /// A certificate, whose authority not everybody knows yet; who does not.
    Learned(String),
    /// A certificate that the member shows; until when.
    Shown(Timestamp),
}

/// The authorities of providers that everybody is told of.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Announced {
    /// Their certificates, PEM.
    pub authorities: BTreeSet<String>,
    /// From when members may show what they have signed. `None` while some of them
    /// are about to be forgotten: no member begins to show any of it then.
    pub from: Option<Timestamp>,
}

impl Announced {
    /// Their certificates as one text.
    pub fn text(&self) -> String {
        self.authorities.iter().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_read_as_it_was_written() {
        let pair = KeyPair {
            certificates: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n".to_owned(),
            key: Secret::new("-----BEGIN PRIVATE KEY-----\ny\n".to_owned()),
        };
        assert_eq!(KeyPair::read(&pair.text()), Some(pair));
        assert_eq!(KeyPair::read(&Secret::new("x".to_owned())), None);
    }
}
