//! Certificates on record, each read once in a hook.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Fingerprint, Grant};
use crate::tls::{CertificateRefusal, ClientCertificate};

/// What reading the certificates of grants came to. It is the same whenever it is
/// asked and however often, so this is no state: to read all of them is most of what
/// a restart for a new client costs this process, and several decisions need it.
#[derive(Clone, Debug, Default)]
pub struct RecalledLeaves(Rc<RefCell<BTreeMap<Fingerprint, Rc<ClientCertificate>>>>);

impl RecalledLeaves {
    /// The certificate of a grant, by today's rules.
    ///
    /// # Errors
    /// See [`ClientCertificate::recall`].
    pub fn of(&self, grant: &Grant) -> Result<Rc<ClientCertificate>, CertificateRefusal> {
        let known = self.0.borrow().get(&grant.fingerprint).cloned();
        // A record may say another fingerprint than its certificate has.
        if let Some(known) = known.filter(|known| known.pem == grant.certificate) {
            return Ok(known);
        }
        let leaf = Rc::new(ClientCertificate::recall(&grant.certificate)?);
        let mut all = self.0.borrow_mut();
        all.insert(grant.fingerprint.clone(), leaf.clone());
        Ok(leaf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Prefix, Timestamp};
    use crate::tls::Authority;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn grant(name: &str) -> Grant {
        let authority = Authority::create("requirer", NOW, 1_000_000).expect("an authority");
        let issued = authority.issue_client(name, NOW, 1000).expect("a leaf");
        let leaf = ClientCertificate::recall(&issued.certificate).expect("a leaf");
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
        assert_eq!(leaf.common_name.as_str(), "other");
        other.certificate = "junk".to_owned();
        assert!(recalled.of(&other).is_err());
        assert!(recalled.of(&other).is_err());
    }
}
