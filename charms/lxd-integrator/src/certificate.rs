//! Which certificates are handed to LXD at all. LXD trusts the exact
//! certificate, whoever issued it and whatever its name is, so only what can
//! never be right, or should alarm somebody, is refused here; what LXD refuses on
//! top is shown with LXD's own words.

use certificates::{Fingerprint, Timestamp};
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate, X509Version};
use x509_parser::public_key::PublicKey;

/// Longest text of one certificate, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;

/// LXD refuses shorter RSA keys (`shared/cert.go`).
const MIN_RSA_BITS: usize = 2048;

/// OIDs of the keys that LXD's TLS accepts beside RSA.
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const ED25519: &str = "1.3.101.112";
/// P-256, P-384 and P-521.
const CURVES: [&str; 3] = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];

/// A certificate that may be registered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Certificate {
    /// SHA-256 of the DER encoding.
    pub fingerprint: Fingerprint,
    /// The certificate.
    pub der: Vec<u8>,
    /// The text as the requirer wrote it, by which it knows it again.
    pub text: String,
    /// The last second of its validity.
    pub not_after: Timestamp,
}

/// Why a certificate is refused; the requirer is at fault.
#[derive(Clone, Copy, Debug, Eq, Error, Ord, PartialEq, PartialOrd)]
pub enum CertificateRefusal {
    /// Its validity is over.
    #[error("its certificate has expired")]
    Expired,
    /// A kind of key that LXD cannot use.
    #[error("the key of its certificate is neither RSA, ECDSA (P-256, P-384, P-521) nor Ed25519")]
    Key,
    /// Not X.509, or more than one certificate, or another kind of text.
    #[error("its certificate is not one PEM block of an X.509 certificate")]
    Malformed,
    /// Its validity is yet to begin.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// Trusting ourselves for somebody else would let them lock us out.
    #[error("it sent the integrator's own certificate")]
    Ours,
    /// Somebody pasted a private key: it must be replaced at once.
    #[error("it sent a private key: replace that key, and send the certificate alone")]
    PrivateKey,
    /// The trust store has it as a server's, or for metrics alone.
    #[error("its certificate is in the trust store for another use")]
    Purpose,
    /// Version 1 or 2.
    #[error("its certificate is not of X.509 version 3")]
    Version,
    /// An RSA key that is too short.
    #[error("the RSA key of its certificate is shorter than 2048 bits")]
    WeakKey,
}

impl Certificate {
    /// Checks the text of one element of `client_certificates` at a point in
    /// time.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn check(text: &str, now: Timestamp) -> Result<Self, CertificateRefusal> {
        if text.contains("PRIVATE KEY") {
            return Err(CertificateRefusal::PrivateKey);
        }
        let malformed = CertificateRefusal::Malformed;
        let blocks = pem::parse_many(text).map_err(|_| malformed)?;
        let [block] = &blocks[..] else {
            return Err(malformed);
        };
        if block.tag() != "CERTIFICATE" {
            return Err(malformed);
        }
        let ([], parsed) = X509Certificate::from_der(block.contents()).map_err(|_| malformed)?
        else {
            return Err(malformed);
        };
        if parsed.version() != X509Version::V3 {
            return Err(CertificateRefusal::Version);
        }
        check_key(&parsed)?;
        let validity = parsed.validity();
        let not_after = Timestamp(validity.not_after.timestamp());
        if now < Timestamp(validity.not_before.timestamp()) {
            return Err(CertificateRefusal::NotYetValid);
        }
        if now > not_after {
            return Err(CertificateRefusal::Expired);
        }
        Ok(Self {
            fingerprint: Fingerprint::of_der(block.contents()),
            der: block.contents().to_vec(),
            text: text.to_owned(),
            not_after,
        })
    }
}

fn check_key(certificate: &X509Certificate<'_>) -> Result<(), CertificateRefusal> {
    let key = certificate.public_key();
    if let Ok(PublicKey::RSA(rsa)) = key.parsed() {
        return match rsa.key_size() < MIN_RSA_BITS {
            true => Err(CertificateRefusal::WeakKey),
            false => Ok(()),
        };
    }
    let algorithm = key.algorithm.algorithm.to_id_string();
    let curve = key.algorithm.parameters.as_ref();
    let curve = curve.and_then(|parameters| parameters.as_oid().ok());
    let fits = match algorithm.as_str() {
        ED25519 => true,
        EC_PUBLIC_KEY => curve.is_some_and(|oid| CURVES.contains(&&*oid.to_id_string())),
        _ => false,
    };
    fits.then_some(()).ok_or(CertificateRefusal::Key)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from(SystemTime::now())
    }

    fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let params = CertificateParams::new(Vec::new()).expect("parameters");
        let certificate = params.self_signed(&key).expect("signed");
        (certificate.pem(), key.serialize_pem())
    }

    #[test]
    fn certificates_of_each_kind_are_taken_without_a_name() {
        for algorithm in [&PKCS_ED25519, &PKCS_ECDSA_P384_SHA384] {
            let (text, _) = made(algorithm);
            let windows = text.replace('\n', "\r\n");
            let taken = Certificate::check(&text, now()).expect("it is fine");
            let again = Certificate::check(&windows, now()).expect("it is fine");
            assert_eq!(taken.fingerprint, again.fingerprint);
            assert_eq!(taken.text, text);
        }
    }

    #[test]
    fn what_can_never_be_right_is_refused_with_its_reason() {
        let (text, key) = made(&PKCS_ED25519);
        let both = format!("{text}{key}");
        let two = format!("{text}{text}");
        let cut = &text[..text.len() / 2];
        let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, refusal) in [
            (&*both, CertificateRefusal::PrivateKey),
            (&key, CertificateRefusal::PrivateKey),
            (&two, CertificateRefusal::Malformed),
            (cut, CertificateRefusal::Malformed),
            (junk, CertificateRefusal::Malformed),
            ("", CertificateRefusal::Malformed),
        ] {
            assert_eq!(Certificate::check(text, now()), Err(refusal), "{text}");
        }
    }

    #[test]
    fn it_has_to_be_valid_now() {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
        let text = params.self_signed(&key).expect("signed").pem();
        let at = |seconds| Certificate::check(&text, Timestamp(seconds));
        assert!(at(1_600_000_000).is_ok());
        assert_eq!(at(1_700_000_000), Err(CertificateRefusal::Expired));
        assert_eq!(at(1_500_000_000), Err(CertificateRefusal::NotYetValid));
    }
}
