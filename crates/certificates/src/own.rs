//! The charm's own certificates: what stands in them, and when one needs to be
//! issued again.

use std::collections::BTreeSet;
use std::net::IpAddr;

use thiserror::Error;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::pem_text;
use crate::{Fingerprint, Timestamp};

/// A certificate that the charm issued, read back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OwnCertificate {
    /// The subject's common name.
    pub common_name: String,
    /// IP addresses and DNS names that it is valid for, as [`needs_new`]
    /// compares them.
    pub san: BTreeSet<String>,
    /// The first second of its validity.
    pub not_before: Timestamp,
    /// The last second of its validity.
    pub not_after: Timestamp,
    /// Of the DER encoding.
    pub fingerprint: Fingerprint,
    der: Vec<u8>,
}

/// The text is not a certificate that the charm could have issued. The file or
/// the secret that it comes from was changed by somebody else.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("failed to read a certificate of the charm")]
pub struct UnreadableCertificate;

/// Why a certificate has to be issued again.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Renewal {
    /// It was signed by another authority than the present one.
    #[error("the authority has changed")]
    AuthorityChanged,
    /// Its end has come near.
    #[error("the certificate ends at {0}")]
    EndIsNear(Timestamp),
    /// There is none yet.
    #[error("there is no certificate yet")]
    Missing,
    /// It is for other addresses and names than are wanted now.
    #[error("the certificate is for other addresses")]
    NamesChanged,
    /// Its validity is yet to begin: the clock was ahead when it was issued.
    #[error("the certificate begins only at {0}")]
    NotYetValid(Timestamp),
}

/// Whether, and why, a certificate has to be issued (again) for the addresses
/// and names in `wanted`, signed by `authority`. It is renewed from
/// `renew_before_seconds` before its end.
///
/// The order of addresses never matters, nor the spelling of an address.
pub fn needs_new(
    certificate: Option<&OwnCertificate>,
    wanted: &BTreeSet<String>,
    authority: &OwnCertificate,
    now: Timestamp,
    renew_before_seconds: i64,
) -> Option<Renewal> {
    let Some(certificate) = certificate else {
        return Some(Renewal::Missing);
    };
    let wanted: BTreeSet<_> = wanted.iter().map(|name| normal_form(name)).collect();
    if !certificate.issued_by(authority) {
        return Some(Renewal::AuthorityChanged);
    }
    if certificate.san != wanted {
        return Some(Renewal::NamesChanged);
    }
    if now < certificate.not_before {
        return Some(Renewal::NotYetValid(certificate.not_before));
    }
    // No certificate outlives its authority, so one that ends together with it
    // could not be replaced by a better one: it is the authority's turn, and
    // until then every hook would issue in vain.
    let replaceable = certificate.not_after < authority.not_after;
    let near = now.plus_seconds(renew_before_seconds) >= certificate.not_after;
    (replaceable && near).then_some(Renewal::EndIsNear(certificate.not_after))
}

impl OwnCertificate {
    /// Reads the first certificate of `pem`.
    ///
    /// # Errors
    /// The text is not PEM of certificates, or the first cannot be parsed.
    pub fn read(pem: &str) -> Result<Self, UnreadableCertificate> {
        let blocks =
            pem_text::decode(pem.as_bytes(), usize::MAX).map_err(|_| UnreadableCertificate)?;
        let der = blocks.into_iter().next().ok_or(UnreadableCertificate)?;
        Self::from_der(der).ok_or(UnreadableCertificate)
    }

    /// Whether `authority` signed this certificate: its name is the issuer's
    /// and its key verifies the signature. The key identifiers are not looked
    /// at; they are only a hint which authority to try.
    pub fn issued_by(&self, authority: &Self) -> bool {
        let Ok((_, this)) = X509Certificate::from_der(&self.der) else {
            return false;
        };
        let Ok((_, authority)) = X509Certificate::from_der(&authority.der) else {
            return false;
        };
        authority.is_ca()
            && this.issuer().as_raw() == authority.subject().as_raw()
            && this.verify_signature(Some(authority.public_key())).is_ok()
    }

    /// The encoded public key (SubjectPublicKeyInfo).
    pub(super) fn public_key(&self) -> Option<Vec<u8>> {
        let (_, certificate) = X509Certificate::from_der(&self.der).ok()?;
        Some(certificate.public_key().raw.to_vec())
    }

    fn from_der(der: Vec<u8>) -> Option<Self> {
        let ([], certificate) = X509Certificate::from_der(&der).ok()? else {
            return None;
        };
        let common_name = certificate.subject().iter_common_name().next()?;
        let common_name = common_name.as_str().ok()?.to_owned();
        let mut san = BTreeSet::new();
        if let Some(extension) = certificate.subject_alternative_name().ok()? {
            for name in &extension.value.general_names {
                san.insert(address_or_name(name)?);
            }
        }
        let not_before = Timestamp(certificate.validity().not_before.timestamp());
        let not_after = Timestamp(certificate.validity().not_after.timestamp());
        Some(Self {
            common_name,
            san,
            not_before,
            not_after,
            fingerprint: Fingerprint::of_der(&der),
            der,
        })
    }
}

/// One form per address and name: `::1` for `0:0:0:0:0:0:0:1`, lower case.
pub(super) fn normal_form(name: &str) -> String {
    name.parse::<IpAddr>()
        .map_or_else(|_| name.to_ascii_lowercase(), |address| address.to_string())
}

pub(super) fn address_or_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(normal_form(name)),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            Some(v4.or(v6).ok()?.to_string())
        }
        // The charm issues and asks for no others.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::issue::Authority;
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_000);
    const DAY: i64 = 86_400;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn authority() -> (Authority, OwnCertificate) {
        let authority = Authority::create("server", NOW, 1000 * DAY).expect("an authority");
        let read = OwnCertificate::read(&authority.certificate).expect("its certificate");
        (authority, read)
    }

    #[test]
    fn a_certificate_is_renewed_for_a_reason_only() {
        let (authority, ca) = authority();
        let san = set(&["10.0.0.1", "fe80::1", "Etcd.example.com"]);
        let issued = authority
            .issue_server("etcd-0", &san, NOW, 100 * DAY)
            .expect("a certificate");
        let own = OwnCertificate::read(&issued.certificate).expect("a certificate");
        assert_eq!(own.common_name, "etcd-0");
        assert_eq!(own.not_after, NOW.plus_seconds(100 * DAY));
        let ask = |san: &[&str], days: i64| {
            let now = NOW.plus_seconds(days * DAY);
            needs_new(Some(&own), &set(san), &ca, now, 30 * DAY)
        };
        let same = ["etcd.example.com", "fe80:0:0:0:0:0:0:1", "10.0.0.1"];
        assert_eq!(ask(&same, 0), None);
        assert_eq!(ask(&same, 69), None);
        assert_eq!(ask(&same, 70), Some(Renewal::EndIsNear(own.not_after)));
        assert_eq!(ask(&same, -1), Some(Renewal::NotYetValid(own.not_before)));
        assert_eq!(ask(&same[..2], 0), Some(Renewal::NamesChanged));
        let none = needs_new(None, &san, &ca, NOW, 0);
        assert_eq!(none, Some(Renewal::Missing));
    }

    #[test]
    fn another_authority_of_the_same_name_is_another() {
        let (authority, ca) = authority();
        let (_, other) = self::authority();
        let issued = authority
            .issue_client("root", NOW, DAY)
            .expect("a certificate");
        let own = OwnCertificate::read(&issued.certificate).expect("a certificate");
        assert!(own.issued_by(&ca) && ca.issued_by(&ca));
        assert!(!own.issued_by(&other) && !ca.issued_by(&own));
        let reason = needs_new(Some(&own), &set(&[]), &other, NOW, 0);
        assert_eq!(reason, Some(Renewal::AuthorityChanged));
    }

    #[test]
    fn near_the_end_of_the_authority_nothing_is_issued_in_vain() {
        let (authority, ca) = authority();
        let late = NOW.plus_seconds(990 * DAY);
        let issued = authority
            .issue_client("root", late, 100 * DAY)
            .expect("a certificate");
        let own = OwnCertificate::read(&issued.certificate).expect("a certificate");
        assert_eq!(own.not_after, ca.not_after);
        assert_eq!(needs_new(Some(&own), &set(&[]), &ca, late, 30 * DAY), None);
    }

    #[test]
    fn other_texts_are_no_certificate() {
        for text in [
            "",
            "x",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        ] {
            assert_eq!(OwnCertificate::read(text), Err(UnreadableCertificate));
        }
    }
}
