//! The signature algorithms that a certificate may be signed with.

use super::der::{NULL, OID, Reader};
use super::name::dotted;
use super::refusal::{CertificateRefusal, Shown};

/// 1.2.840.113549.1.1.11, .12 and .13: SHA-256, SHA-384 and SHA-512 with RSA.
const RSA: [&[u8]; 3] = [
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d",
];
/// 1.2.840.10045.4.3.2, .3 and .4: ECDSA with SHA-256, SHA-384 and SHA-512.
const ECDSA: [&[u8]; 3] = [
    b"\x2a\x86\x48\xce\x3d\x04\x03\x02",
    b"\x2a\x86\x48\xce\x3d\x04\x03\x03",
    b"\x2a\x86\x48\xce\x3d\x04\x03\x04",
];
/// 1.3.101.112.
const ED25519: &[u8] = b"\x2b\x65\x70";
/// 1.2.840.113549.1.1.10, RSASSA-PSS, whose parameters name the hash.
const RSA_PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";

/// Whether a certificate signed with this algorithm is taken; `algorithm` is
/// the content of its AlgorithmIdentifier.
///
/// MD5 and SHA-1 have been used to make two certificates with one signature, so
/// a certificate authority that still signs with them may have signed another
/// certificate than the one it saw. It is a list of what is allowed, because
/// the list of what is broken grows.
///
/// # Errors
/// The algorithm is not on the list, or its parameters are not those of its RFC.
pub(super) fn check(mut algorithm: Reader<'_>) -> Result<(), CertificateRefusal> {
    let whole = algorithm.clone();
    let oid = algorithm.oid()?;
    let allowed = if RSA.contains(&oid) {
        // RFC 4055 wants NULL; some issuers leave it out, and Go takes both.
        algorithm.is_empty() || algorithm.take(NULL)?.is_empty()
    } else if oid == ED25519 || ECDSA.contains(&oid) {
        // RFC 8410 and RFC 5758: no parameters.
        true
    } else {
        return if oid == RSA_PSS && is_allowed_pss(whole)? {
            Ok(())
        } else {
            Err(CertificateRefusal::SignatureAlgorithm(Shown::new(&dotted(
                oid,
            ))))
        };
    };
    algorithm.ensure(allowed)?;
    algorithm.end()
}

/// RSASSA-PSS as TLS 1.3 and Go's `getSignatureAlgorithmFromAI` know it: one
/// hash for message and mask, and a salt of the hash's length.
fn is_allowed_pss(mut algorithm: Reader<'_>) -> Result<bool, CertificateRefusal> {
    algorithm.take(OID)?;
    let parameters = algorithm.any()?.whole;
    algorithm.end()?;
    // SHA-256, SHA-384, SHA-512: 2.16.840.1.101.3.4.2.1 and on.
    Ok([(1, 32), (2, 48), (3, 64)].into_iter().any(|(hash, salt)| {
        let hash = [
            &b"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02"[..],
            &[hash],
            b"\x05\x00",
        ]
        .concat();
        let expected = [
            &b"\x30\x34\xa0\x0f"[..],
            &hash,
            b"\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08",
            &hash,
            b"\xa2\x03\x02\x01",
            &[salt],
        ]
        .concat();
        parameters == expected
    }))
}
