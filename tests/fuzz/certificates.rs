//! Certificates from requirers, and what a damaged trust file may hold.
//! `tests/certificates` changes every byte and every element of the encoding;
//! here it is the text around it, and many changes at once.

use std::sync::OnceLock;
use std::time::SystemTime;

use etcd_charm::facts::Timestamp;
use etcd_charm::tls::{ClientCertificate, OwnCertificate, TrustBundle};
use pem::{EncodeConfig, LineEnding, Pem};
use proptest::prelude::*;
use proptest::sample::Index;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use crate::texts::{edited, edits};
use crate::{assert_line, cases};

/// What is taken from a requirer at most, and so the most that can come of it.
const MAX_BYTES: usize = 64 * 1024;

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        check(&bytes);
        check(pem::encode(&Pem::new("CERTIFICATE", bytes)).as_bytes());
    }

    #[test]
    fn a_changed_text_is_refused_or_means_the_same(
        which in 0..3_usize,
        edits in edits(),
        crlf in any::<bool>(),
    ) {
        let text = edited(&samples()[which], &edits);
        check(text.as_bytes());
        if crlf {
            check(text.replace('\n', "\r\n").as_bytes());
        }
        let _ = OwnCertificate::read(&text);
        if let Ok(bundle) = TrustBundle::parse(&text) {
            prop_assert!(TrustBundle::parse(&bundle.render().unwrap()).is_ok());
        }
    }

    #[test]
    fn a_changed_encoding_is_refused_or_still_a_leaf(
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..5),
        cut in prop::option::of(any::<Index>()),
    ) {
        let mut der = pem::parse(&samples()[0]).unwrap().into_contents();
        for (at, byte) in changes {
            let at = at.index(der.len());
            der[at] = byte;
        }
        if let Some(cut) = cut {
            der.truncate(cut.index(der.len()));
        }
        let unix = EncodeConfig::new().set_line_ending(LineEnding::LF);
        check(pem::encode_config(&Pem::new("CERTIFICATE", der), unix).as_bytes());
    }

    #[test]
    fn a_flood_is_refused(times in 1..2_000_usize, filler in "[ -~\n]{1,80}") {
        check(filler.repeat(times).as_bytes());
        check(samples()[0].repeat(times.min(200)).as_bytes());
        check(format!("{}{}", "\n".repeat(times * 40), samples()[0]).as_bytes());
    }
}

/// Checks a text and asserts what callers rely on.
fn check(text: &[u8]) {
    let now = Timestamp::from(SystemTime::now());
    let leaf = match ClientCertificate::check(text, now) {
        Ok(leaf) => leaf,
        Err(refusal) => return assert_line(&refusal.to_string()),
    };
    assert!(text.len() <= MAX_BYTES && leaf.pem.len() <= MAX_BYTES);
    let name = leaf.common_name.as_str();
    assert!((1..=64).contains(&name.chars().count()));
    assert!(!name.contains(char::is_control));
    assert!(leaf.not_after >= now);
    // It is one certificate in our own writing, which means itself.
    assert_eq!(leaf.pem.matches("-----BEGIN CERTIFICATE-----\n").count(), 1);
    assert_eq!(leaf.pem.matches("-----BEGIN").count(), 1);
    assert_eq!(ClientCertificate::read_back(&leaf.pem), Ok(leaf.clone()));
    assert_eq!(ClientCertificate::check(leaf.pem.as_bytes(), now), Ok(leaf));
}

/// A leaf, a leaf with its chain, and the chain alone.
fn samples() -> &'static [String; 3] {
    static SAMPLES: OnceLock<[String; 3]> = OnceLock::new();
    SAMPLES.get_or_init(|| {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let mut params = CertificateParams::new(vec!["client.example".to_owned()]).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "client1");
        let leaf = params
            .signed_by(&KeyPair::generate().unwrap(), &issuer)
            .unwrap()
            .pem();
        let now = Timestamp::from(SystemTime::now());
        let checked = ClientCertificate::check(leaf.as_bytes(), now);
        assert!(checked.is_ok(), "the sample itself is refused: {checked:?}");
        [leaf.clone(), leaf + &authority, authority]
    })
}
