//! What certificates are told apart by: names and fingerprints.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
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
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of a certificate's DER bytes.
    pub fn of_der(der: &[u8]) -> Self {
        use sha2::{Digest, Sha256};
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        let mut digits = String::with_capacity(64);
        for byte in Sha256::digest(der) {
            digits.push(DIGITS[usize::from(byte >> 4)]);
            digits.push(DIGITS[usize::from(byte & 15)]);
        }
        Self(digits)
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidIdentity;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fits {
            Ok(Self(text))
        } else {
            Err(InvalidIdentity::Fingerprint)
        }
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_name_has_one_to_64_printable_characters() {
        assert!("client1".parse::<CommonName>().is_ok());
        assert!("ü".repeat(64).parse::<CommonName>().is_ok());
        for text in ["", "a\nb", "a\u{7f}", &"x".repeat(65)] {
            assert!(text.parse::<CommonName>().is_err(), "{text:?}");
        }
    }
}
