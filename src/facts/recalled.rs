//! Certificates on record, each read once: in a hook, and by one program.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Fingerprint, GrantView, Ledger, Records};
use crate::tls::{CertificateRefusal, ClientCertificate, TrustedLeaf};

/// What reading the certificates of grants came to. It is the same whenever it is
/// asked and however often, so this is no state: to read all of them is most of what
/// a restart for a new client costs this process, and several decisions need it.
///
/// What is known here is of certificates that are as they are on record, to the last
/// byte. Any other is read each time.
#[derive(Clone, Debug, Default)]
pub struct RecalledLeaves(Rc<RefCell<Records<Fingerprint, KnownLeaf>>>);

/// What is known of a certificate that is good, and is as it is on record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KnownLeaf {
    /// The checksum of its text, which tells it from another one on record.
    pub text: u32,
    /// How many bytes it adds to a handshake.
    pub named_bytes: usize,
}

impl RecalledLeaves {
    /// The certificate of a grant, by today's rules.
    ///
    /// # Errors
    /// See [`ClientCertificate::read_back`].
    pub fn of<'g>(
        &self,
        grant: impl Into<GrantView<'g>>,
    ) -> Result<TrustedLeaf, CertificateRefusal> {
        let grant = grant.into();
        let certificate = grant.certificate_text();
        if let Some(known) = self.noted(grant) {
            return Ok(TrustedLeaf {
                fingerprint: grant.leaf(),
                pem: certificate.to_owned(),
                named_bytes: known.named_bytes,
            });
        }
        let leaf = TrustedLeaf::from(&ClientCertificate::read_back(certificate)?);
        // A record may say another fingerprint than its certificate has.
        if leaf.fingerprint == grant.leaf() && leaf.pem == certificate {
            let known = KnownLeaf {
                text: crc32fast::hash(leaf.pem.as_bytes()),
                named_bytes: leaf.named_bytes,
            };
            self.note(leaf.fingerprint.clone(), known);
        }
        Ok(leaf)
    }

    /// How many bytes the certificate of a grant adds to a handshake.
    ///
    /// # Errors
    /// See [`ClientCertificate::read_back`].
    pub fn named_bytes<'g>(
        &self,
        grant: impl Into<GrantView<'g>>,
    ) -> Result<usize, CertificateRefusal> {
        let grant = grant.into();
        match self.noted(grant) {
            Some(known) => Ok(known.named_bytes),
            None => self.of(grant).map(|leaf| leaf.named_bytes),
        }
    }

    /// What is known of the certificate of a grant, if anything is.
    pub fn noted<'g>(&self, grant: impl Into<GrantView<'g>>) -> Option<KnownLeaf> {
        let grant = grant.into();
        let known = self.0.borrow().get(&grant.leaf()).copied();
        known.filter(|known| known.text == crc32fast::hash(grant.certificate))
    }

    /// What is known of the certificates that are on record in this ledger.
    pub fn on_record(&self, ledger: &Ledger) -> Records<Fingerprint, KnownLeaf> {
        let all = self.0.borrow();
        let mut known = all.clone();
        let granted: BTreeSet<&[u8]> = ledger
            .grant_views()
            .map(|(_, grant)| grant.fingerprint)
            .collect();
        for entry in all.entries() {
            if !granted.contains(entry.text()) {
                known.remove(entry.key());
            }
        }
        known
    }

    /// Takes over what was known before, which counts where this does not know better.
    pub fn take_over(&self, known: Records<Fingerprint, KnownLeaf>) {
        let mut all = self.0.borrow_mut();
        let own = std::mem::replace(&mut *all, known);
        for (leaf, known) in own.iter() {
            all.insert(leaf.clone(), *known);
        }
    }

    /// Notes what [`RecalledLeaves::noted`] has said of the certificate of this
    /// fingerprint before.
    pub fn note(&self, leaf: Fingerprint, known: KnownLeaf) {
        self.0.borrow_mut().insert(leaf, known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Grant, Prefix, Timestamp};
    use crate::tls::Authority;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn grant(name: &str) -> Grant {
        let authority = Authority::create("requirer", NOW, 1_000_000).expect("an authority");
        let issued = authority.issue_client(name, NOW, 1000).expect("a leaf");
        let leaf = ClientCertificate::read_back(&issued.certificate).expect("a leaf");
        Grant {
            common_name: leaf.common_name,
            prefix: Prefix::new("/a/".to_owned()).expect("a prefix"),
            certificate: leaf.pem,
            issuer: None,
            fingerprint: leaf.fingerprint,
            not_after: leaf.not_after,
            granted_at: NOW,
        }
    }

    #[test]
    fn what_was_read_is_never_taken_for_another_certificate() {
        let recalled = RecalledLeaves::default();
        let (one, mut other) = (grant("one"), grant("other"));
        let leaf = recalled.of(&one).expect("a leaf");
        assert_eq!(recalled.of(&one), Ok(leaf));
        other.fingerprint.clone_from(&one.fingerprint);
        let leaf = recalled.of(&other).expect("a leaf");
        assert_eq!(leaf.pem, other.certificate);
        assert_ne!(leaf.fingerprint, other.fingerprint);
        assert_eq!(recalled.named_bytes(&one), Ok(15 + 3));
        assert_eq!(recalled.named_bytes(&other), Ok(15 + 5));
        other.certificate = "junk".to_owned();
        assert!(recalled.of(&other).is_err());
        assert!(recalled.of(&other).is_err());
    }
}
