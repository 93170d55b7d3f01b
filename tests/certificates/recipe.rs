//! Certificates made byte by byte, for what no tool would issue. Nobody checks
//! the signature of a certificate that is trusted as itself, so there is none.

use etcd_charm::facts::Timestamp;
use time::OffsetDateTime;

pub(crate) const CA_FALSE: &[u8] = &[0x30, 0x00];
pub(crate) const P256_SHA256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
pub(crate) const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
pub(crate) const UTF8: u8 = 0x0c;
pub(crate) const PRINTABLE: u8 = 0x13;
pub(crate) const CN: &[u8] = &[0x55, 0x04, 0x03];
pub(crate) const BASIC_CONSTRAINTS: u8 = 19;
pub(crate) const KEY_USAGE: u8 = 15;
pub(crate) const EXTENDED_KEY_USAGE: u8 = 37;
pub(crate) const SAN: u8 = 17;

/// One element of DER.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|b| *b == 0).collect();
    let mut element = vec![tag];
    if content.len() < 0x80 {
        element.extend(digits.last().copied().or(Some(0)));
    } else {
        element.push(0x80 | u8::try_from(digits.len()).expect("few digits"));
        element.extend(digits);
    }
    element.extend(content);
    element
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, parts)
}

/// A name with one attribute in each of its parts.
pub(crate) fn name(attributes: &[(&[u8], u8, &[u8])]) -> Vec<u8> {
    let parts: Vec<u8> = attributes
        .iter()
        .flat_map(|(oid, tag, value)| {
            tlv(
                0x31,
                &[&sequence(&[&tlv(0x06, &[oid]), &tlv(*tag, &[value])])],
            )
        })
        .collect();
    sequence(&[&parts])
}

pub(crate) fn common_name(text: &str) -> Vec<u8> {
    name(&[(CN, UTF8, text.as_bytes())])
}

/// An extension with any object identifier.
pub(crate) fn any_extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    sequence(&[&tlv(0x06, &[oid]), critical, &tlv(0x04, &[value])])
}

/// An extension of 2.5.29.
pub(crate) fn extension(number: u8, critical: bool, value: &[u8]) -> Vec<u8> {
    any_extension(&[0x55, 0x1d, number], critical, value)
}

pub(crate) fn utc_time(at: Timestamp) -> Vec<u8> {
    let at = OffsetDateTime::from_unix_timestamp(at.0).expect("a time");
    let text = format!(
        "{:02}{:02}{:02}{:02}{:02}{:02}Z",
        at.year() % 100,
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    );
    tlv(0x17, &[text.as_bytes()])
}

pub(crate) fn key(algorithm: &[&[u8]], bits: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(algorithm), &tlv(0x03, &[&[0], bits])])
}

/// An RSA key of so many bits. The modulus is odd, and that is all it is.
pub(crate) fn rsa_key(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xa5; bits.div_ceil(8)];
    modulus[0] = if bits.is_multiple_of(8) {
        0x80
    } else {
        1 << (bits % 8 - 1)
    };
    rsa_key_of(&modulus, &[1, 0, 1])
}

pub(crate) fn rsa_key_of(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let integer = |digits: &[u8]| {
        let pad: &[u8] = if digits[0] & 0x80 == 0 { &[] } else { &[0] };
        tlv(0x02, &[pad, digits])
    };
    let numbers = sequence(&[&integer(modulus), &integer(exponent)]);
    key(&[RSA, &[5, 0]], &numbers)
}

pub(crate) const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
pub(crate) const EC: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
pub(crate) const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

/// The generator of P-256: a point of the curve that everybody knows.
pub(crate) const P256_POINT: &[u8] = b"\x04\
    \x6b\x17\xd1\xf2\xe1\x2c\x42\x47\xf8\xbc\xe6\xe5\x63\xa4\x40\xf2\
    \x77\x03\x7d\x81\x2d\xeb\x33\xa0\xf4\xa1\x39\x45\xd8\x98\xc2\x96\
    \x4f\xe3\x42\xe2\xfe\x1a\x7f\x9b\x8e\xe7\xeb\x4a\x7c\x0f\x9e\x16\
    \x2b\xce\x33\x57\x6b\x31\x5e\xce\xcb\xb6\x40\x68\x37\xbf\x51\xf5";

/// What goes into a certificate, each part as DER.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) version: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) outer_algorithm: Option<Vec<u8>>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) validity: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) key: Vec<u8>,
    /// What stands between the key and the extensions.
    pub(crate) unique_ids: Vec<u8>,
    /// None: no such field.
    pub(crate) extensions: Option<Vec<Vec<u8>>>,
    pub(crate) signature: Vec<u8>,
}

impl Recipe {
    /// A certificate that nobody could object to at this time.
    pub(crate) fn good(now: Timestamp) -> Self {
        Self {
            version: tlv(0xa0, &[&[2, 1, 2]]),
            serial: vec![2, 2, 0x12, 0x34],
            algorithm: sequence(&[P256_SHA256]),
            outer_algorithm: None,
            issuer: common_name("issuer"),
            validity: sequence(&[
                &utc_time(now.plus_seconds(-3600)),
                &utc_time(now.plus_seconds(86_400)),
            ]),
            subject: common_name("client"),
            key: key(&[EC, P256], P256_POINT),
            unique_ids: Vec::new(),
            extensions: Some(vec![extension(BASIC_CONSTRAINTS, true, CA_FALSE)]),
            signature: tlv(0x03, &[&[0, 0x30, 0x06, 2, 1, 1, 2, 1, 1]]),
        }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        let extensions = self
            .extensions
            .as_ref()
            .map(|list| tlv(0xa3, &[&sequence(&[&list.concat()])]))
            .unwrap_or_default();
        let fields = sequence(&[
            &self.version,
            &self.serial,
            &self.algorithm,
            &self.issuer,
            &self.validity,
            &self.subject,
            &self.key,
            &self.unique_ids,
            &extensions,
        ]);
        let algorithm = self.outer_algorithm.as_ref().unwrap_or(&self.algorithm);
        sequence(&[&fields, algorithm, &self.signature])
    }
}
