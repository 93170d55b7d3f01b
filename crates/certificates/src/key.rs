//! The public key of a certificate: RSA, P-256, P-384 or Ed25519.
//!
//! Go parses the key together with the certificate, so a key that Go cannot
//! parse in its trust file would keep a server from starting. P-521, though
//! secure, is not among the signature schemes that every TLS library offers.

use x509_parser::num_bigint::BigUint;

use super::der::{BIT_STRING, NULL, Reader, SEQUENCE};
use super::refusal::CertificateRefusal;

/// 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
/// 1.2.840.10045.2.1, `id-ecPublicKey`.
const ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
/// 1.3.101.112.
const ED25519: &[u8] = b"\x2b\x65\x70";

/// Below 2048 bits a key can be factored with much effort (RSA-829 was); above
/// 8192 Go's TLS ends the handshake, since checking costs a server too much.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A curve `y² = x³ - 3x + b` over the integers modulo `p` (FIPS 186-4, D.1.2).
struct Curve {
    oid: &'static [u8],
    bytes: usize,
    p: &'static [u8],
    b: &'static [u8],
}

const CURVES: [Curve; 2] = [
    Curve {
        // P-256: 1.2.840.10045.3.1.7.
        oid: b"\x2a\x86\x48\xce\x3d\x03\x01\x07",
        bytes: 32,
        p: b"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
        b: b"5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    },
    Curve {
        // P-384: 1.3.132.0.34.
        oid: b"\x2b\x81\x04\x00\x22",
        bytes: 48,
        p: b"ffffffffffffffffffffffffffffffffffffffffffffffff\
             fffffffffffffffeffffffff0000000000000000ffffffff",
        b: b"b3312fa7e23ee7e4988e056be3f82d19181d9c6efe814112\
             0314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    },
];

/// Checks a SubjectPublicKeyInfo.
///
/// # Errors
/// The key is of a kind or size that is not allowed, or Go would not parse it.
pub(super) fn check(mut info: Reader<'_>) -> Result<(), CertificateRefusal> {
    let mut algorithm = info.inner(SEQUENCE)?;
    let oid = algorithm.oid()?;
    if oid == RSA {
        // RFC 3279, 2.3.1: NULL must be there; Go refuses a key without it.
        info.ensure(algorithm.take(NULL)?.is_empty())?;
        algorithm.end()?;
        let mut bits = Reader::new("RSA key", info.bit_string_bytes()?);
        info.end()?;
        check_rsa(bits.inner(SEQUENCE)?)?;
        bits.end()
    } else if oid == ECDSA {
        let curve = algorithm.oid().map_err(|_| CertificateRefusal::KeyCurve)?;
        algorithm.end()?;
        let point = info.bit_string_bytes()?;
        info.end()?;
        CURVES
            .iter()
            .find(|known| known.oid == curve)
            .ok_or(CertificateRefusal::KeyCurve)?
            .check_point(point)
    } else if oid == ED25519 {
        // RFC 8410, 3: no parameters.
        algorithm.end()?;
        let key = info.bit_string_bytes()?;
        info.ensure(key.len() == 32)?;
        info.end()
    } else {
        // Still to be told apart from what is no key at all.
        info.take(BIT_STRING)?;
        Err(CertificateRefusal::KeyKind)
    }
}

/// `RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }`.
fn check_rsa(mut key: Reader<'_>) -> Result<(), CertificateRefusal> {
    let modulus = key.unsigned()?;
    let exponent = key.unsigned()?;
    key.end()?;
    let leading = modulus.first().map_or(0, |b| b.leading_zeros() as usize);
    let bits = modulus.len() * 8 - leading;
    if !RSA_BITS.contains(&bits) {
        return Err(CertificateRefusal::RsaSize(bits));
    }
    let is_odd = |digits: &[u8]| digits.last().is_some_and(|b| b & 1 == 1);
    // An even number is no product of two large primes, and an even exponent
    // has no inverse. Go reads the exponent into an int and wants it below
    // 2^31; 1 would make every signature valid.
    let sane_exponent = match exponent {
        [] | [1] | [_, _, _, _, _, ..] => false,
        [first, _, _, _] => *first < 0x80,
        _ => true,
    };
    key.ensure(is_odd(modulus) && is_odd(exponent) && sane_exponent)
}

impl Curve {
    /// Go's `ecdsa.ParseUncompressedPublicKey` takes a point in the form
    /// `04 x y` only, and only if it is on the curve.
    fn check_point(&self, point: &[u8]) -> Result<(), CertificateRefusal> {
        let number = |hex: &[u8]| BigUint::parse_bytes(hex, 16);
        let on_curve = || {
            let (form, coordinates) = point.split_first()?;
            let (x, y) = coordinates.split_at_checked(self.bytes)?;
            let (p, b) = (number(self.p)?, number(self.b)?);
            let in_form = *form == 4 && y.len() == self.bytes;
            let (x, y) = (BigUint::from_bytes_be(x), BigUint::from_bytes_be(y));
            let in_range = x < p && y < p;
            // 3x is moved to the other side, since there are no negatives.
            let equal = (&y * &y + &x * 3u32) % &p == (&x * &x * &x + b) % &p;
            Some(in_form && in_range && equal)
        };
        if on_curve() == Some(true) {
            Ok(())
        } else {
            Err(CertificateRefusal::Malformed("point of the EC key"))
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384};

    use super::*;

    #[test]
    fn points_of_real_keys_are_on_their_curves_and_no_others() {
        for (curve, algorithm) in CURVES
            .iter()
            .zip([&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384])
        {
            let key = KeyPair::generate_for(algorithm).expect("a key");
            let point = key.public_key_raw().to_vec();
            assert_eq!(curve.check_point(&point), Ok(()));
            for at in 0..point.len() {
                let mut other = point.clone();
                other[at] ^= 1;
                assert!(curve.check_point(&other).is_err(), "byte {at}");
            }
            assert!(curve.check_point(&point[..point.len() - 1]).is_err());
            assert!(curve.check_point(&[&point[..], &[0]].concat()).is_err());
            assert!(curve.check_point(&[]).is_err());
        }
    }
}
