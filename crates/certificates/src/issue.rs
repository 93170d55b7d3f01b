//! The charm's own certificate authorities, and what they issue.
//!
//! The only part of this crate with randomness in it: each key is new, and
//! each serial number is made from a new key. Called when a plan is applied,
//! never while one is made.

use std::collections::BTreeSet;
use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
    SubjectPublicKeyInfo,
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use time::OffsetDateTime;

use super::own::{OwnCertificate, UnreadableCertificate, normal_form};
use super::pem_text;
use crate::{ClientRequest, CommonName, Timestamp};
use secret_value::Secret;

/// How far certificates are dated back. The machines of a model, and those of
/// its clients, do not agree on the time to the minute; without this a
/// certificate that is used at once would be refused as not yet valid by a
/// machine whose clock is behind.
const BACK_DATED_SECONDS: i64 = 10 * 60;

/// A certificate authority of the charm.
#[derive(Clone, Debug, Eq, PartialEq)]
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
        params.subject_alt_names = alternative_names(san)?;
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

    /// Issues the certificate that a client has asked for: its name and its key, and
    /// nothing else of the request. It is for clients only, and ends no later than
    /// the authority.
    ///
    /// # Errors
    /// The validity is not fit for a certificate, or the key is of a kind that
    /// cannot be encoded.
    pub fn sign_request(
        &self,
        request: &ClientRequest,
        now: Timestamp,
        validity_seconds: i64,
    ) -> Result<String, IssueError> {
        let mut params = self.leaf(request.common_name.as_str(), now, validity_seconds)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        // One key may be in several requests; no two certificates of an authority
        // may have one serial number.
        params.serial_number = Some(SerialNumber::from(random_bytes()?));
        let key = SubjectPublicKeyInfo::from_der(request.public_key());
        let key = key.map_err(IssueError::Signing)?;
        let certificate = params
            .signed_by(&key, &self.issuer()?)
            .map_err(IssueError::Signing)?;
        Ok(pem_text::encode(certificate.der()))
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
        let key = new_key()?;
        let certificate = params
            .signed_by(&key, &self.issuer()?)
            .map_err(IssueError::Signing)?;
        Ok(Issued {
            certificate: pem_text::encode(certificate.der()),
            key: Secret::new(key.serialize_pem()),
        })
    }

    fn issuer(&self) -> Result<Issuer<'static, KeyPair>, IssueError> {
        Issuer::from_ca_cert_pem(&self.certificate, read_key(&self.key)?)
            .map_err(IssueError::Signing)
    }
}

/// A request of ours to another authority, with the key that it is for.
#[derive(Clone, Debug)]
pub struct OwnRequest {
    /// PKCS #10 in PEM.
    pub csr: String,
    /// PEM, PKCS #8.
    pub key: Secret<String>,
}

impl OwnRequest {
    /// Asks for the certificate of a server with these IP addresses and DNS names,
    /// for a key that is there already or for a new one.
    ///
    /// No two requests are equal, be the names and the key the same: whoever
    /// answers them tells them apart by their bytes.
    ///
    /// # Errors
    /// A name is not fit for a certificate, or the key cannot be read.
    pub fn create(
        common_name: &str,
        san: &BTreeSet<String>,
        key: Option<&Secret<String>>,
    ) -> Result<Self, IssueError> {
        /// `x500UniqueIdentifier`, which libraries of this field use for the same.
        const UNIQUE_IDENTIFIER: [u64; 4] = [2, 5, 4, 45];
        let mut params = named(common_name)?;
        let unique: String = random_bytes()?.iter().map(|b| format!("{b:02x}")).collect();
        let unique_type = DnType::CustomDnType(UNIQUE_IDENTIFIER.to_vec());
        params.distinguished_name.push(unique_type, unique);
        params.subject_alt_names = alternative_names(san)?;
        let key = key.map_or_else(new_key, read_key)?;
        let request = params.serialize_request(&key);
        let request = request.and_then(|request| request.pem());
        Ok(Self {
            csr: request.map_err(IssueError::Signing)?.replace("\r\n", "\n"),
            key: Secret::new(key.serialize_pem()),
        })
    }
}

impl Issued {
    /// Whether the key is that of the certificate: both are files of their own,
    /// and a hook can be killed between writing the one and the other.
    pub fn belongs_together(certificate: &OwnCertificate, key: &Secret<String>) -> bool {
        let public_key = certificate.public_key();
        public_key.is_some_and(|public_key| Self::is_key_of(&public_key, key))
    }

    /// Whether this is the private key of an encoded public key.
    pub(super) fn is_key_of(public_key: &[u8], key: &Secret<String>) -> bool {
        read_key(key).is_ok_and(|key| key.subject_public_key_info() == public_key)
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
    if not_after <= now {
        return Err(IssueError::Validity(not_after));
    }
    let mut params = named(common_name)?;
    params.not_before = point(now.plus_seconds(-BACK_DATED_SECONDS))?;
    params.not_after = point(not_after)?;
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// What has this common name and nothing else.
fn named(common_name: &str) -> Result<CertificateParams, IssueError> {
    if common_name.parse::<CommonName>().is_err() {
        return Err(IssueError::Name(common_name.to_owned()));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

/// Sixteen bytes that nobody can foresee, from a new key as serial numbers are.
/// The first bit is 0, so that as a number they are positive.
fn random_bytes() -> Result<Vec<u8>, IssueError> {
    let mut bytes = Sha256::digest(new_key()?.public_key_raw())[..16].to_vec();
    bytes[0] &= 0x7f;
    Ok(bytes)
}

fn alternative_names(names: &BTreeSet<String>) -> Result<Vec<SanType>, IssueError> {
    names
        .iter()
        .map(|name| alternative_name(&normal_form(name)))
        .collect()
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
