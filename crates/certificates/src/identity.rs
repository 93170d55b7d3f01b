//! What certificates are told apart by: names and fingerprints.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A text that is not the name or fingerprint it should be. The text itself is
/// left out: it may be long, and anybody's.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum InvalidIdentity {
    /// Too long, empty, or with control characters.
    #[error("not a common name: 1 to 64 characters, and no control characters")]
    CommonName,
    /// No SHA-256.
    #[error("not a certificate fingerprint: 64 lower-case hexadecimal digits")]
    Fingerprint,
}

/// The common name of a client certificate: 1 to 64 characters (RFC 5280, `ub-common-name`), no control
/// characters.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommonName(String);

impl CommonName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommonName {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = text.chars().count();
        if (1..=64).contains(&length) && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidIdentity::CommonName)
        }
    }
}

impl TryFrom<String> for CommonName {
    type Error = InvalidIdentity;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CommonName> for String {
    fn from(name: CommonName) -> Self {
        name.0
    }
}

impl fmt::Display for CommonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The SHA-256 of a certificate's DER bytes, 64 lower-case hexadecimal digits.
///
/// The digits lie in the value itself. Sets of as many as there are clients are read,
/// compared and copied, and with a text of its own each of them would cost several times
/// as much.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint([u8; 64]);

impl Fingerprint {
    /// The fingerprint of a certificate's DER bytes.
    pub fn of_der(der: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (two, byte) in digits.chunks_exact_mut(2).zip(Sha256::digest(der)) {
            two[0] = DIGITS[usize::from(byte >> 4)];
            two[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(digits)
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are ASCII")
    }

    /// Not inlined: this crate is compiled for speed, those that call it may not be.
    #[inline(never)]
    fn read(text: &str) -> Result<Self, InvalidIdentity> {
        let digits: [u8; 64] = text
            .as_bytes()
            .try_into()
            .map_err(|_| InvalidIdentity::Fingerprint)?;
        // Without a branch for each digit, many of them are looked at in one step.
        let fits = digits.iter().fold(true, |fits, digit| {
            fits & (digit.is_ascii_digit() | matches!(digit, b'a'..=b'f'))
        });
        match fits {
            true => Ok(Self(digits)),
            false => Err(InvalidIdentity::Fingerprint),
        }
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::read(text)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidIdentity;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::read(&text)
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.as_str().to_owned()
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fingerprint").field(&self.as_str()).finish()
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Digits)
    }
}

/// Reads a fingerprint where it stands, without a copy of the text.
struct Digits;

impl Visitor<'_> for Digits {
    type Value = Fingerprint;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("64 lower-case hexadecimal digits")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Fingerprint::read(text).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::StrDeserializer;

    use super::*;

    #[test]
    fn a_common_name_has_one_to_64_printable_characters() {
        assert!("client1".parse::<CommonName>().is_ok());
        assert!("ü".repeat(64).parse::<CommonName>().is_ok());
        for text in ["", "a\nb", "a\u{7f}", &"x".repeat(65)] {
            assert!(text.parse::<CommonName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_fingerprint_has_64_digits_and_is_read_as_it_was_written() {
        let fingerprint = Fingerprint::of_der(b"");
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(fingerprint.as_str(), text);
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(text.parse(), Ok(fingerprint.clone()));
        let read = |text: &str| {
            let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
            Fingerprint::deserialize(text)
        };
        assert_eq!(read(text), Ok(fingerprint));
        let (upper, long) = (text.to_uppercase(), format!("{text}0"));
        for wrong in ["", &text[1..], &long, &upper, &text.replace('0', "ü")[..64]] {
            assert!(Fingerprint::try_from(wrong.to_owned()).is_err(), "{wrong}");
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
