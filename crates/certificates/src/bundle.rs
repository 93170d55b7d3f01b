//! The client trust file of a server: whom it lets connect.
//!
//! Whoever holds a certificate authority in this file can name any user, `root`
//! included; and servers exit at their start when they cannot parse it. So it
//! has authorities only of our own, the leaves of clients one by one, and it is
//! parsed again as a whole before it is given out.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use thiserror::Error;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::leaf::{ClientCertificate, entry_bytes, read_leaf};
use super::pem_text;
use super::refusal::CertificateRefusal;
use crate::Fingerprint;

/// The certificates of a client trust file: a set, so two bundles are equal
/// when they trust the same certificates, in whatever order they were built.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustBundle {
    authorities: BTreeMap<Fingerprint, Entry>,
    leaves: BTreeMap<Fingerprint, Entry>,
}

/// One certificate of a trust file.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    pem: String,
    /// What it adds to the list of names in a handshake.
    named_bytes: usize,
}

/// A leaf as a trust file takes it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustedLeaf {
    /// Of the DER encoding.
    pub fingerprint: Fingerprint,
    /// The leaf alone, encoded by us.
    pub pem: String,
    /// What it adds to the list of names in a handshake.
    pub named_bytes: usize,
}

impl From<&ClientCertificate> for TrustedLeaf {
    fn from(leaf: &ClientCertificate) -> Self {
        Self {
            fingerprint: leaf.fingerprint.clone(),
            pem: leaf.pem.clone(),
            named_bytes: leaf.named_bytes(),
        }
    }
}

/// Why a text is no trust file.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum BundleError {
    /// What was given as our own authority is none: the caller is at fault.
    #[error("certificate {0} is not a certificate authority")]
    NotAnAuthority(usize),
    /// There is no authority in it, so our own administrator could not connect.
    #[error("there is no certificate authority")]
    NoAuthority,
    /// What was rendered does not read as what was put in: a mistake in this
    /// module. The trust file in place must be left as it is.
    #[error("the rendered trust file does not read as it should")]
    NotAsRendered,
    /// The text is not PEM, or a leaf is not one that a check lets through.
    #[error("failed to read certificate {number} of the trust file")]
    Certificate {
        /// Counted from 1; 0 is the text as a whole.
        number: usize,
        /// What is the matter with it.
        source: CertificateRefusal,
    },
}

impl TrustBundle {
    /// A bundle that trusts the charm's own authority, or both authorities
    /// while one replaces the other, and nobody else.
    ///
    /// # Errors
    /// `admin_ca_pem` is not PEM text of authorities only.
    pub fn new(admin_ca_pem: &str) -> Result<Self, BundleError> {
        let mut authorities = BTreeMap::new();
        for (index, der) in decode(admin_ca_pem)?.iter().enumerate() {
            let entry = authority(der).ok_or(BundleError::NotAnAuthority(index + 1))?;
            authorities.insert(Fingerprint::of_der(der), entry);
        }
        Ok(Self {
            authorities,
            leaves: BTreeMap::new(),
        })
    }

    /// Trusts the certificate of a client too. Adding it twice is adding it
    /// once. That it is what it says, and no authority, is looked at when the text is
    /// made.
    pub fn add(&mut self, leaf: TrustedLeaf) {
        let TrustedLeaf {
            fingerprint,
            pem,
            named_bytes,
        } = leaf;
        self.leaves.insert(fingerprint, Entry { pem, named_bytes });
    }

    /// The text of the trust file: authorities first, then leaves, each in the
    /// order of fingerprints, so equal bundles are equal byte for byte.
    ///
    /// # Errors
    /// [`BundleError::NotAsRendered`], when the text is not read back as the
    /// same set.
    pub fn render(&self) -> Result<String, BundleError> {
        let text: String = self
            .authorities
            .values()
            .chain(self.leaves.values())
            .map(|entry| entry.pem.as_str())
            .collect();
        // Each leaf was read whole when it was checked, and what has its fingerprint
        // is the same to the last byte.
        let is_as_put_in = Self::fingerprints_in(&text).is_ok_and(|(authorities, leaves)| {
            authorities.iter().eq(self.authorities.keys()) && leaves.iter().eq(self.leaves.keys())
        });
        match is_as_put_in {
            true => Ok(text),
            false => Err(BundleError::NotAsRendered),
        }
    }

    /// Reads a trust file that was rendered before. Certificates may have
    /// expired in the meantime.
    ///
    /// # Errors
    /// The text was not rendered by us, or something changed it since.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let mut bundle = Self {
            authorities: BTreeMap::new(),
            leaves: BTreeMap::new(),
        };
        for (index, der) in decode(text)?.iter().enumerate() {
            if let Some(entry) = authority(der) {
                bundle.authorities.insert(Fingerprint::of_der(der), entry);
            } else {
                let (leaf, _) = read_leaf(der).map_err(|source| BundleError::Certificate {
                    number: index + 1,
                    source,
                })?;
                bundle.add((&leaf).into());
            }
        }
        if bundle.authorities.is_empty() {
            return Err(BundleError::NoAuthority);
        }
        Ok(bundle)
    }

    /// The authorities and the certificates of clients in a trust file that was
    /// rendered before, for comparison only: what is no authority counts as a
    /// client's, whatever is in it, and so stands out as one that nobody wants.
    ///
    /// # Errors
    /// The text is not PEM, or there is no authority in it.
    pub fn fingerprints_in(
        text: &str,
    ) -> Result<(BTreeSet<Fingerprint>, BTreeSet<Fingerprint>), BundleError> {
        let (authorities, leaves): (Vec<_>, Vec<_>) = decode(text)?
            .into_iter()
            .partition(|der| authority(der).is_some());
        if authorities.is_empty() {
            return Err(BundleError::NoAuthority);
        }
        let all = |ders: &[Vec<u8>]| ders.iter().map(|der| Fingerprint::of_der(der)).collect();
        Ok((all(&authorities), all(&leaves)))
    }

    /// Everything that is trusted, our own authorities included: as long as
    /// this set is the same, no member has to be restarted.
    pub fn fingerprints(&self) -> BTreeSet<Fingerprint> {
        self.authorities
            .keys()
            .chain(self.leaves.keys())
            .cloned()
            .collect()
    }

    /// The authorities that are trusted.
    pub fn authorities(&self) -> BTreeSet<Fingerprint> {
        self.authorities.keys().cloned().collect()
    }

    /// The certificates of clients that are trusted.
    pub fn leaves(&self) -> BTreeSet<Fingerprint> {
        self.leaves.keys().cloned().collect()
    }

    /// How long the list of names is that a server with this trust file sends in
    /// each handshake. TLS has room for 65,535 bytes, and a server with more to
    /// say lets nobody in.
    pub fn named_bytes(&self) -> usize {
        let entries = self.authorities.values().chain(self.leaves.values());
        entries.map(|entry| entry.named_bytes).sum()
    }

    /// Whether a client's certificate is trusted.
    pub fn trusts(&self, leaf: &Fingerprint) -> bool {
        self.leaves.contains_key(leaf)
    }
}

fn decode(text: &str) -> Result<Vec<Vec<u8>>, BundleError> {
    pem_text::decode(text.as_bytes(), usize::MAX)
        .map_err(|source| BundleError::Certificate { number: 0, source })
}

/// The identifier of BasicConstraints, 2.5.29.19, in DER. What does not have it
/// anywhere is no authority.
const BASIC_CONSTRAINTS: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x13];

/// An extension whose value is an empty sequence, in DER: where it is that of
/// BasicConstraints, it says that a certificate is no authority.
const NO_AUTHORITY: [u8; 4] = [0x04, 0x02, 0x30, 0x00];

/// That an extension is critical, in DER, before its value.
const CRITICAL: [u8; 3] = [0x01, 0x01, 0xff];

/// Whether these bytes cannot be those of an authority, which is told without reading
/// the certificate: wherever the identifier stands, and one of these places is where
/// it counts, what follows is an extension that says so.
fn is_no_authority(der: &[u8]) -> bool {
    let length = BASIC_CONSTRAINTS.len();
    let windows = der.windows(length).enumerate();
    let mut found = windows.filter(|(_, bytes)| *bytes == BASIC_CONSTRAINTS);
    found.all(|(at, _)| {
        let rest = &der[at + length..];
        let rest = rest.strip_prefix(&CRITICAL).unwrap_or(rest);
        rest.starts_with(&NO_AUTHORITY)
    })
}

/// An authority as we issue them, v3 and CA:TRUE; `None` for anything else.
fn authority(der: &[u8]) -> Option<Entry> {
    if is_no_authority(der) {
        return None;
    }
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) if certificate.version().0 == 2 && certificate.is_ca() => {
            Some(Entry {
                pem: pem_text::encode(der),
                named_bytes: entry_bytes(certificate.subject().as_raw().len()),
            })
        }
        _ => None,
    }
}

/// The certificates of a text, each as PEM of our own encoding; none of one that
/// cannot be read.
pub fn certificates_in(text: &str) -> BTreeSet<String> {
    let blocks = pem_text::decode(text.as_bytes(), usize::MAX).unwrap_or_default();
    blocks.iter().map(|der| pem_text::encode(der)).collect()
}

/// Tells one text of certificates from another, in a few characters.
pub fn digest(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::issue::Authority;
    use super::*;
    use crate::Timestamp;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn authority(name: &str) -> Authority {
        Authority::create(name, NOW, 1_000_000).expect("an authority")
    }

    fn leaf(authority: &Authority, name: &str) -> ClientCertificate {
        let issued = authority
            .issue_client(name, NOW, 1000)
            .expect("a certificate");
        ClientCertificate::check(issued.certificate.as_bytes(), NOW).expect("a leaf")
    }

    #[test]
    fn the_order_never_matters() {
        let (admin, other) = (authority("admin"), authority("other"));
        let leaves = [leaf(&other, "a"), leaf(&other, "b"), leaf(&other, "c")];
        let mut forth = TrustBundle::new(&admin.certificate).expect("a bundle");
        let mut back = forth.clone();
        leaves.iter().for_each(|leaf| forth.add(leaf.into()));
        leaves.iter().rev().for_each(|leaf| back.add(leaf.into()));
        back.add((&leaves[0]).into());
        assert_eq!(forth, back);
        let text = forth.render().expect("a text");
        assert_eq!(Ok(text.clone()), back.render());
        let parsed = TrustBundle::parse(&text).expect("a bundle");
        assert_eq!(parsed, forth);
        let authorities = parsed.authorities.keys().cloned().collect();
        let read = TrustBundle::fingerprints_in(&text);
        assert_eq!(read, Ok((authorities, parsed.leaves())));
        assert_eq!(parsed.fingerprints().len(), 4);
        assert!(leaves.iter().all(|leaf| parsed.trusts(&leaf.fingerprint)));
        // Each name is a sequence of a set of a sequence of an identifier of five
        // bytes and a text; ours are `admin`, `a`, `b` and `c`.
        assert_eq!(parsed.named_bytes(), 4 * (2 + 6 + 5 + 2) + 5 + 3);
    }

    #[test]
    fn what_says_that_it_is_no_authority_is_not_read_as_one() {
        let of_authority = pem_text::decode(authority("admin").certificate.as_bytes(), 1);
        let of_authority = of_authority.expect("a certificate").remove(0);
        assert!(super::authority(&of_authority).is_some());
        assert!(!is_no_authority(&of_authority));
        let says = |value: &[u8]| [&BASIC_CONSTRAINTS[..], value].concat();
        let (no, yes) = ([0x04, 0x02, 0x30, 0x00], [0x04, 0x05, 0x30, 0x03]);
        let critical = [&CRITICAL[..], &no].concat();
        assert!(is_no_authority(b"anything else"));
        assert!(is_no_authority(&says(&no)));
        assert!(is_no_authority(&says(&critical)));
        for value in [&yes[..], &[], &no[..3], &[0x04, 0x03, 0x30, 0x01, 0x00]] {
            assert!(!is_no_authority(&says(value)), "{value:x?}");
        }
        // Whichever of them counts.
        assert!(!is_no_authority(&[says(&no), says(&yes)].concat()));
        assert!(!is_no_authority(&[says(&yes), says(&no)].concat()));
    }

    #[test]
    fn an_authority_is_not_let_in_as_a_leaf_nor_a_leaf_as_an_authority() {
        let (admin, other) = (authority("admin"), authority("other"));
        let mut leaf = leaf(&other, "a");
        let refusal = TrustBundle::new(&leaf.pem);
        assert_eq!(refusal, Err(BundleError::NotAnAuthority(1)));
        let alone = TrustBundle::parse(&leaf.pem);
        assert_eq!(alone, Err(BundleError::NoAuthority));
        // Somebody else's certificate under the fingerprint of a leaf.
        leaf.pem.clone_from(&other.certificate);
        let mut bundle = TrustBundle::new(&admin.certificate).expect("a bundle");
        bundle.add((&leaf).into());
        assert_eq!(bundle.render(), Err(BundleError::NotAsRendered));
        leaf.pem = "junk\n".to_owned();
        bundle.add((&leaf).into());
        assert_eq!(bundle.render(), Err(BundleError::NotAsRendered));
    }
}
