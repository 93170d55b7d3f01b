//! The certificate of a client and its key: when a new one is needed, how it is
//! made, and how both are kept for all units.

use certificates::{Authority, CommonName, IssueError, Issued, OwnCertificate, Timestamp};
use juju_hooks::SecretContent;
use secret_value::Secret;

const CERTIFICATE: &str = "client-cert";
const KEY: &str = "client-key";
const CERTIFICATE_BEFORE: &str = "client-cert-before";
const KEY_BEFORE: &str = "client-key-before";

/// What a certificate is to be like.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificatePolicy {
    /// Its common name, which becomes the user's: no other client of the provider
    /// may have it.
    pub common_name: CommonName,
    /// How long it is valid, from when it is made.
    pub valid_seconds: i64,
    /// How long before its end another one is made. Hooks come every few minutes,
    /// and the provider may take as long to trust it.
    pub renew_before_seconds: i64,
}

/// A certificate and its key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: Secret<String>,
}

/// What a client logs in with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    current: Pair,
    before: Option<Pair>,
}

impl Identity {
    /// The certificate that the provider was told, PEM.
    pub fn certificate(&self) -> &str {
        &self.current.certificate
    }

    /// Certificates and keys to try, the newest first. After a renewal the one
    /// before is the second: servers trust the new one when the provider has read
    /// it, and each at its own time.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &Secret<String>)> {
        let pairs = std::iter::once(&self.current).chain(&self.before);
        pairs.map(|pair| (pair.certificate.as_str(), &pair.key))
    }

    pub(crate) const fn of(current: Pair, before: Option<Pair>) -> Self {
        Self { current, before }
    }

    /// A new one, of which `before` was the last.
    pub(crate) fn make(
        policy: &CertificatePolicy,
        before: Option<Self>,
        now: Timestamp,
    ) -> Result<Self, IssueError> {
        let name = policy.common_name.as_str();
        // The provider trusts the certificate itself, so nobody has to know the
        // authority, and its key is kept by nobody.
        let authority = Authority::create(name, now, policy.valid_seconds)?;
        let issued = authority.issue_client(name, now, policy.valid_seconds)?;
        Ok(Self {
            current: Pair {
                certificate: issued.certificate,
                key: issued.key,
            },
            before: before.map(|before| before.current),
        })
    }

    /// Whether it is as the policy wants it, now and for long enough.
    pub(crate) fn fits(&self, policy: &CertificatePolicy, now: Timestamp) -> bool {
        let Ok(certificate) = OwnCertificate::read(&self.current.certificate) else {
            return false;
        };
        certificate.common_name == policy.common_name.as_str()
            && certificate.not_before <= now
            && now.plus_seconds(policy.renew_before_seconds) < certificate.not_after
            && Issued::belongs_together(&certificate, &self.current.key)
    }

    pub(crate) fn read(content: &SecretContent) -> Option<Self> {
        let pair = |certificate, key| {
            Some(Pair {
                certificate: content.get(certificate)?.to_owned(),
                key: Secret::new(content.get(key)?.to_owned()),
            })
        };
        Some(Self {
            current: pair(CERTIFICATE, KEY)?,
            before: pair(CERTIFICATE_BEFORE, KEY_BEFORE),
        })
    }

    pub(crate) fn content(&self) -> SecretContent {
        let keys = [(CERTIFICATE, KEY), (CERTIFICATE_BEFORE, KEY_BEFORE)];
        let pairs = keys.into_iter().zip(self.pairs());
        pairs
            .flat_map(|((certificate, key), pair)| {
                [
                    (certificate, pair.0.to_owned()),
                    (key, pair.1.expose().clone()),
                ]
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use certificates::ClientCertificate;

    use super::*;

    const NOW: Timestamp = Timestamp(1_770_000_000);

    fn policy() -> CertificatePolicy {
        CertificatePolicy {
            common_name: "client1".parse().expect("a name"),
            valid_seconds: 1000,
            renew_before_seconds: 300,
        }
    }

    #[test]
    fn a_strict_provider_takes_what_is_made() {
        let identity = Identity::make(&policy(), None, NOW).expect("a certificate");
        let text = identity.certificate().as_bytes();
        let read = ClientCertificate::check(text, NOW).expect("it is in order");
        assert_eq!(read.common_name.as_str(), "client1");
        assert_eq!(Identity::read(&identity.content()), Some(identity.clone()));
        assert_eq!(identity.pairs().count(), 1);
    }

    #[test]
    fn it_is_renewed_before_its_end_and_the_last_one_is_kept() {
        let first = Identity::make(&policy(), None, NOW).expect("a certificate");
        assert!(first.fits(&policy(), NOW));
        assert!(first.fits(&policy(), NOW.plus_seconds(699)));
        assert!(!first.fits(&policy(), NOW.plus_seconds(700)));
        assert!(!first.fits(&policy(), NOW.plus_seconds(-3600)));
        let renamed = CertificatePolicy {
            common_name: "client2".parse().expect("a name"),
            ..policy()
        };
        assert!(!first.fits(&renamed, NOW));

        let make = |before: &Identity| Identity::make(&policy(), Some(before.clone()), NOW);
        let second = make(&first).expect("a certificate");
        let third = make(&second).expect("a certificate");
        let texts: Vec<_> = third.pairs().map(|(certificate, _)| certificate).collect();
        assert_eq!(texts, [third.certificate(), second.certificate()]);
        assert_eq!(Identity::read(&third.content()), Some(third.clone()));

        let mut swapped = second;
        swapped.current.key.clone_from(&first.current.key);
        assert!(!swapped.fits(&policy(), NOW), "the key is another's");
        let damaged = SecretContent::from_iter([(CERTIFICATE, "x"), (KEY, "y")]);
        let damaged = Identity::read(&damaged).expect("both are there");
        assert!(!damaged.fits(&policy(), NOW));
        assert_eq!(Identity::read(&SecretContent::default()), None);
    }
}
