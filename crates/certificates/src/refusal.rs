//! Why a requirer's certificate is not accepted.

use std::fmt;

use thiserror::Error;

use crate::Timestamp;

/// Why a requirer's certificate is not accepted: always the requirer's (or its
/// certificate authority's) to correct, never an error of this charm. The text
/// is one short line for a status; what comes from the requirer is in it only
/// escaped and cut.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum CertificateRefusal {
    /// BasicConstraints say that it is a certificate authority.
    #[error("the certificate is a CA certificate")]
    Authority,
    /// An extension that only a certificate authority's certificate may carry.
    #[error("the certificate has an extension for CAs only: {0}")]
    AuthorityExtension(Shown),
    /// What is between the PEM markers is not base64.
    #[error("block {0} is not valid base64")]
    Base64(usize),
    /// A certificate after the first cannot be parsed.
    #[error("certificate {0} of the chain is malformed")]
    ChainEntry(usize),
    /// keyUsage allows the signing of certificates.
    #[error("the certificate may sign certificates")]
    CertificateSigning,
    /// The common name has a control or an invisible character in it.
    #[error("the common name has control or invisible characters: {0}")]
    CommonNameCharacters(Shown),
    /// More than one common name: which one counts depends on who reads.
    #[error("the certificate has {0} common names")]
    CommonNameCount(usize),
    /// The common name has no character.
    #[error("the common name is empty")]
    CommonNameEmpty,
    /// There is no common name, so there is no name for the user.
    #[error("the certificate has no common name")]
    CommonNameMissing,
    /// White space at an end of the common name cannot be seen.
    #[error("the common name begins or ends with white space: \"{0}\"")]
    CommonNamePadded(Shown),
    /// Longer than X.509 allows.
    #[error("the common name is longer than 64 characters: {0}")]
    CommonNameTooLong(Shown),
    /// A string type that readers decode in different ways.
    #[error("the common name is not a UTF8String, PrintableString or IA5String")]
    CommonNameType,
    /// keyUsage allows the signing of revocation lists.
    #[error("the certificate may sign revocation lists")]
    CrlSigning,
    /// An extension that appears twice.
    #[error("the certificate has an extension twice: {0}")]
    DuplicateExtension(Shown),
    /// The text has nothing but white space in it.
    #[error("there is no certificate")]
    Empty,
    /// Not after the point in time of the check.
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
    /// A PEM block of another kind.
    #[error("a PEM block is not a CERTIFICATE but: {0}")]
    ForeignBlock(Shown),
    /// A PEM block with RFC 1421 headers.
    #[error("block {0} has PEM headers")]
    Headers(usize),
    /// A named curve that is not P-256 or P-384.
    #[error("the curve of the key is not P-256 or P-384")]
    KeyCurve,
    /// A key that is not RSA, ECDSA or Ed25519.
    #[error("the key is not RSA, P-256, P-384 or Ed25519")]
    KeyKind,
    /// A part of the certificate is not encoded as DER, RFC 5280 and Go want it.
    #[error("the certificate is malformed: {0}")]
    Malformed(&'static str),
    /// Larger than any honest leaf.
    #[error("the certificate itself is longer than {0} bytes")]
    LeafTooLong(usize),
    /// A PEM block that begins and does not end.
    #[error("block {0} has no END line")]
    MissingEnd(usize),
    /// extKeyUsage is present without the use that the certificate is meant for.
    #[error("the extended key usage does not include client authentication")]
    NotForClients,
    /// The input is not UTF-8 text, for example DER instead of PEM.
    #[error("the certificate is not PEM text")]
    NotText,
    /// Before the start of its validity.
    #[error("the certificate is not valid before {0}")]
    NotYetValid(Timestamp),
    /// A private key came with the certificate.
    #[error("a private key was sent: consider it disclosed and replace it")]
    PrivateKey,
    /// Two parsers disagree about the certificate.
    #[error("the certificate can be read in more than one way")]
    ReadersDisagree,
    /// An RSA key of a size that is weak, or that Go's TLS refuses.
    #[error("the RSA key has {0} bits: allowed are 2048 to 8192")]
    RsaSize(usize),
    /// A signature algorithm that is weak or unknown.
    #[error("the signature algorithm is not allowed: {0}")]
    SignatureAlgorithm(Shown),
    /// The subject is part of what a server sends to whoever connects.
    #[error("the subject is longer than {0} bytes")]
    SubjectTooLong(usize),
    /// Something that is not white space stands outside of the PEM blocks.
    #[error("there is text outside of the PEM blocks")]
    TextOutside,
    /// More blocks than any chain has.
    #[error("there are more than {0} certificates")]
    TooManyBlocks(usize),
    /// More bytes than any chain has.
    #[error("the text is longer than {0} bytes")]
    TooLong(usize),
    /// A critical extension that Go does not handle.
    #[error("the certificate has an unknown critical extension: {0}")]
    UnknownCriticalExtension(Shown),
    /// X.509 v1 or v2.
    #[error("the certificate is X.509 v{0}, not v3")]
    Version(u8),
}

/// A text that a requirer chose, made safe for a line of status: control and
/// invisible characters are escaped, and what is too long is cut.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shown(String);

impl Shown {
    /// As many characters, after escaping, as are still readable in a status.
    const MAX_CHARS: usize = 40;

    pub(super) fn new(text: &str) -> Self {
        let mut shown: String = text.escape_debug().take(Self::MAX_CHARS).collect();
        if text.escape_debug().nth(Self::MAX_CHARS).is_some() {
            shown.push('…');
        }
        Self(shown)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_one_short_line() {
        let hostile = format!("a\n\u{202e}\u{1b}[31m{}", "x".repeat(100));
        let text = CertificateRefusal::CommonNameCharacters(Shown::new(&hostile)).to_string();
        assert!(text.contains("a\\n\\u{202e}\\u{1b}[31m"), "{text}");
        assert!(text.chars().count() < 110, "{text}");
        assert!(!text.contains(char::is_control), "{text}");
    }
}
