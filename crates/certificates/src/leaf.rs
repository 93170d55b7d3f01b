//! The strict check of a requirer's certificate.

use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate::Certificate;
use super::pem_text;
use super::refusal::CertificateRefusal;
use crate::{CommonName, Fingerprint, Timestamp};

/// A chain has a few KiB. More is a mistake, or meant to cost us time.
const MAX_BYTES: usize = 64 * 1024;

/// Largest leaf, in DER: ten times what common ones have. Every leaf that is let
/// in stands in the ledger, which every hook reads, and in every trust file.
const MAX_LEAF_BYTES: usize = 16 * 1024;

/// A leaf, its authorities up to the root, and some to spare.
const MAX_BLOCKS: usize = 10;

/// The certificate of a client, after every check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClientCertificate {
    /// The one common name, which is the name of a user.
    pub common_name: CommonName,
    /// Of the DER encoding.
    pub fingerprint: Fingerprint,
    /// The leaf alone, encoded by us: 64 columns, LF, a new line at the end.
    pub pem: String,
    /// The last second of its validity.
    pub not_after: Timestamp,
    /// How many bytes its subject has, in DER.
    subject_bytes: usize,
}

impl ClientCertificate {
    /// What it adds to the list of names that a server which trusts it sends in
    /// each handshake.
    pub fn named_bytes(&self) -> usize {
        entry_bytes(self.subject_bytes)
    }

    /// Checks what a requirer sent: the leaf, and after it perhaps its chain.
    ///
    /// All of the text must be in order, even what is not used: the chain is
    /// parsed and then dropped, since a certificate authority that a requirer
    /// sends must never be trusted.
    ///
    /// # Errors
    /// The requirer is at fault: the first rule that does not hold.
    pub fn check(text: &[u8], now: Timestamp) -> Result<Self, CertificateRefusal> {
        let (leaf, not_before) = read(text)?;
        // Go compares in the same way, both ends included.
        if now < not_before {
            return Err(CertificateRefusal::NotYetValid(not_before));
        }
        if now > leaf.not_after {
            return Err(CertificateRefusal::Expired(leaf.not_after));
        }
        Ok(leaf)
    }

    /// Which of these authorities, PEM, has signed it: one of ours, since whoever
    /// holds an authority's key can name any user.
    pub fn issuer_among(&self, authorities: &str) -> Option<Fingerprint> {
        let leaf = pem_text::decode(self.pem.as_bytes(), 1).ok()?.pop()?;
        let authorities = pem_text::decode(authorities.as_bytes(), usize::MAX).ok()?;
        let (_, leaf) = X509Certificate::from_der(&leaf).ok()?;
        let signer = authorities.iter().find(|der| {
            X509Certificate::from_der(der).is_ok_and(|(_, authority)| {
                authority.is_ca()
                    && leaf.issuer().as_raw() == authority.subject().as_raw()
                    && leaf.verify_signature(Some(authority.public_key())).is_ok()
            })
        })?;
        Some(Fingerprint::of_der(signer))
    }

    /// Reads back a certificate that was checked before, and may have expired
    /// since: all rules of [`ClientCertificate::check`] but those of time.
    ///
    /// # Errors
    /// The text is not one that a check let through; or the rules have become
    /// stricter since.
    pub fn read_back(text: &str) -> Result<Self, CertificateRefusal> {
        read(text.as_bytes()).map(|(leaf, _)| leaf)
    }
}

/// What a name adds to the list of names in a handshake: RFC 8446, 4.2.4, has two
/// bytes for the length of each.
pub(super) fn entry_bytes(name_bytes: usize) -> usize {
    name_bytes + 2
}

/// The leaf, and the first second of its validity.
fn read(text: &[u8]) -> Result<(ClientCertificate, Timestamp), CertificateRefusal> {
    if text.len() > MAX_BYTES {
        return Err(CertificateRefusal::TooLong(MAX_BYTES));
    }
    let blocks = pem_text::decode(text, MAX_BLOCKS)?;
    let Some((der, chain)) = blocks.split_first() else {
        return Err(CertificateRefusal::Empty);
    };
    if der.len() > MAX_LEAF_BYTES {
        return Err(CertificateRefusal::LeafTooLong(MAX_LEAF_BYTES));
    }
    let leaf = read_leaf(der)?;
    for (index, der) in chain.iter().enumerate() {
        if !matches!(X509Certificate::from_der(der), Ok(([], _))) {
            return Err(CertificateRefusal::ChainEntry(index + 2));
        }
    }
    Ok(leaf)
}

/// A leaf in DER, as [`read`] gives it.
pub(super) fn read_leaf(der: &[u8]) -> Result<(ClientCertificate, Timestamp), CertificateRefusal> {
    let certificate = Certificate::read(der)?;
    if !second_reader_agrees(der, &certificate) {
        return Err(CertificateRefusal::ReadersDisagree);
    }
    let leaf = ClientCertificate {
        common_name: certificate.common_name,
        fingerprint: Fingerprint::of_der(der),
        // Our own encoding, never the requirer's bytes: what is between and
        // around its blocks must not reach a trust file.
        pem: pem_text::encode(der),
        not_after: certificate.not_after,
        subject_bytes: certificate.subject_bytes,
    };
    Ok((leaf, certificate.not_before))
}

/// Whether a parser with nothing in common with ours reads the same. A mistake
/// of our own reader then costs a refusal instead of the wrong user.
fn second_reader_agrees(der: &[u8], ours: &Certificate) -> bool {
    let Ok(([], theirs)) = X509Certificate::from_der(der) else {
        return false;
    };
    let names: Vec<_> = theirs
        .subject()
        .iter_common_name()
        .map(|name| name.as_str())
        .collect();
    let validity = theirs.validity();
    theirs.version().0 == 2
        && !theirs.is_ca()
        && matches!(names.as_slice(), [Ok(name)] if *name == ours.common_name.as_str())
        && validity.not_before.timestamp() == ours.not_before.0
        && validity.not_after.timestamp() == ours.not_after.0
}
