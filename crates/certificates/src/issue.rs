//! The charm's own certificate authorities, and what they issue.
//!
//! The only part of this crate with randomness in it: each key is new, and
//! each serial number is made from a new key. Called when a plan is applied,
//! never while one is made.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType,
};
use thiserror::Error;
use time::OffsetDateTime;

use super::own::{OwnCertificate, UnreadableCertificate, normal_form};
use super::pem_text;
use crate::{CommonName, Timestamp};
use secret_value::Secret;

/// How far certificates are dated back. The machines of a model, and those of
/// its clients, do not agree on the time to the minute; without this a
/// certificate that is used at once would be refused as not yet valid by a
/// machine whose clock is behind.
const BACK_DATED_SECONDS: i64 = 10 * 60;

/// A certificate authority of the charm.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Its certificate, PEM.
    pub certificate: String,
    key: Secret<String>,
    own: OwnCertificate,
}

/// A certificate with the key that was made for it.
#[derive(Clone, Debug)]
pub struct Issued {
    /// PEM.
    pub certificate: String,
    /// PEM, PKCS #8.
    pub key: Secret<String>,
}

/// Why nothing was issued.
#[derive(Debug, Error)]
pub enum IssueError {
    /// The stored certificate of an authority cannot be read.
    #[error("failed to read the certificate of an authority")]
    Certificate(#[from] UnreadableCertificate),
    /// The stored key cannot be read, or is not that of the certificate.
    #[error("the key does not belong to the certificate of the authority")]
    Key,
    /// A name that cannot stand in a certificate: the caller's mistake.
    #[error("not a name for a certificate: {0:?}")]
    Name(String),
    /// A point in time that no certificate can state, or an authority that has
    /// come to its end.
    #[error("no certificate can be valid until {0}")]
    Validity(Timestamp),
    /// No key could be made, or nothing could be signed.
    #[error("failed to sign a certificate")]
    Signing(#[source] rcgen::Error),
}

impl Authority {
    /// Makes a new authority that is valid for so many seconds from `now`. It
    /// signs leaves only (path length 0).
    ///
    /// # Errors
    /// The name or the validity is not fit for a certificate.
    pub fn create(
        common_name: &str,
        now: Timestamp,
        validity_seconds: i64,
    ) -> Result<Self, IssueError> {
        let mut params = params(common_name, now, now.plus_seconds(validity_seconds))?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = false;
        let key = new_key()?;
        let certificate = params.self_signed(&key).map_err(IssueError::Signing)?;
        let certificate = pem_text::encode(certificate.der());
        Self::load(&certificate, Secret::new(key.serialize_pem()))
    }

    /// An authority as it was stored.
    ///
    /// # Errors
    /// Certificate or key cannot be read, or do not belong together: somebody
    /// changed what was stored.
    pub fn load(certificate: &str, key: Secret<String>) -> Result<Self, IssueError> {
        let own = OwnCertificate::read(certificate)?;
        if !own.issued_by(&own) || !Issued::belongs_together(&own, &key) {
            return Err(IssueError::Key);
        }
        Ok(Self {
            certificate: certificate.to_owned(),
            key,
            own,
        })
    }

    /// The private key, PEM, PKCS #8.
    pub fn key(&self) -> &Secret<String> {
        &self.key
    }

    /// What stands in the authority's certificate.
    pub fn own(&self) -> &OwnCertificate {
        &self.own
    }

    /// Issues the certificate of a member, for IP addresses and DNS names.
    /// Members connect to each other with it, so it is a client's too; it ends
    /// no later than the authority.
    ///
    /// # Errors
    /// A name or the validity is not fit for a certificate.
    pub fn issue_server(
        &self,
        common_name: &str,
        san: &BTreeSet<String>,
        now: Timestamp,
        validity_seconds: i64,
    ) -> Result<Issued, IssueError> {
        let mut params = self.leaf(common_name, now, validity_seconds)?;
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.subject_alt_names = san
            .iter()
            .map(|name| alternative_name(&normal_form(name)))
            .collect::<Result<_, _>>()?;
        self.sign(&params)
    }

    /// Issues the certificate of a client; it ends no later than the authority.
    ///
    /// # Errors
    /// The name or the validity is not fit for a certificate.
    pub fn issue_client(
        &self,
        common_name: &str,
        now: Timestamp,
        validity_seconds: i64,
    ) -> Result<Issued, IssueError> {
        let mut params = self.leaf(common_name, now, validity_seconds)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// What the certificates that are no authority's have in common.
    fn leaf(
        &self,
        common_name: &str,
        now: Timestamp,
        validity_seconds: i64,
    ) -> Result<CertificateParams, IssueError> {
        // A leaf that outlived its authority would look valid, and be refused.
        let not_after = now.plus_seconds(validity_seconds).min(self.own.not_after);
        let mut params = params(common_name, now, not_after)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        Ok(params)
    }

    fn sign(&self, params: &CertificateParams) -> Result<Issued, IssueError> {
        let authority_key = read_key(&self.key)?;
        let authority = Issuer::from_ca_cert_pem(&self.certificate, authority_key)
            .map_err(IssueError::Signing)?;
        let key = new_key()?;
        let certificate = params
            .signed_by(&key, &authority)
            .map_err(IssueError::Signing)?;
        Ok(Issued {
            certificate: pem_text::encode(certificate.der()),
            key: Secret::new(key.serialize_pem()),
        })
    }
}

impl Issued {
    /// Whether the key is that of the certificate: both are files of their own,
    /// and a hook can be killed between writing the one and the other.
    pub fn belongs_together(certificate: &OwnCertificate, key: &Secret<String>) -> bool {
        match (read_key(key), certificate.public_key()) {
            (Ok(key), Some(public_key)) => key.subject_public_key_info() == public_key,
            _ => false,
        }
    }
}

/// What every certificate has. The serial number is left to rcgen, which makes
/// it from the hash of the new public key: 159 bits that nobody can foresee,
/// and that no other certificate of ours has.
fn params(
    common_name: &str,
    now: Timestamp,
    not_after: Timestamp,
) -> Result<CertificateParams, IssueError> {
    if common_name.parse::<CommonName>().is_err() {
        return Err(IssueError::Name(common_name.to_owned()));
    }
    if not_after <= now {
        return Err(IssueError::Validity(not_after));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = point(now.plus_seconds(-BACK_DATED_SECONDS))?;
    params.not_after = point(not_after)?;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// A point in time that four digits of a year can state.
fn point(at: Timestamp) -> Result<OffsetDateTime, IssueError> {
    OffsetDateTime::from_unix_timestamp(at.0)
        .ok()
        .filter(|point| (1950..=9999).contains(&point.year()))
        .ok_or(IssueError::Validity(at))
}

fn alternative_name(name: &str) -> Result<SanType, IssueError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._*".contains(&b);
    match name.try_into() {
        Ok(dns) if !name.is_empty() && name.bytes().all(fits) => Ok(SanType::DnsName(dns)),
        _ => Err(IssueError::Name(name.to_owned())),
    }
}

fn new_key() -> Result<KeyPair, IssueError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(IssueError::Signing)
}

/// What rcgen says about a key that it cannot read is dropped: nothing about a
/// key belongs in a log.
fn read_key(key: &Secret<String>) -> Result<KeyPair, IssueError> {
    KeyPair::from_pem(key.expose()).map_err(|_| IssueError::Key)
}

#[cfg(test)]
mod tests;
