use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::*;

const NOW: Timestamp = Timestamp(1_800_000_000);

fn authority() -> Authority {
    Authority::create("server", NOW, 1000).expect("an authority")
}

fn der(pem: &str) -> Vec<u8> {
    pem_text::decode(pem.as_bytes(), 1).expect("PEM").remove(0)
}

#[test]
fn an_authority_signs_leaves_only() {
    let der = der(&authority().certificate);
    let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
    let constraints = certificate.basic_constraints().expect("one").expect("some");
    assert!(constraints.critical && constraints.value.ca);
    assert_eq!(constraints.value.path_len_constraint, Some(0));
    let usage = certificate.key_usage().expect("one").expect("some").value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    let has_identifier = certificate.extensions().iter().any(|e| {
        matches!(
            e.parsed_extension(),
            ParsedExtension::SubjectKeyIdentifier(_)
        )
    });
    assert!(has_identifier);
    assert!(certificate.raw_serial().len() <= 20);
}

#[test]
fn a_members_certificate_serves_both_ways() {
    let authority = authority();
    let san = ["10.0.0.1", "etcd.example.com"].map(str::to_owned).into();
    let issued = authority
        .issue_server("etcd-0", &san, NOW, 5000)
        .expect("a certificate");
    let der = der(&issued.certificate);
    let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
    let uses = certificate
        .extended_key_usage()
        .expect("one")
        .expect("some");
    assert!(uses.value.server_auth && uses.value.client_auth);
    assert!(!certificate.is_ca());
    let own = OwnCertificate::read(&issued.certificate).expect("a certificate");
    assert_eq!(own.san, san);
    // Dated back, and no longer valid than its authority.
    assert_eq!(own.not_before, NOW.plus_seconds(-600));
    assert_eq!(own.not_after, NOW.plus_seconds(1000));
    assert!(Issued::belongs_together(&own, &issued.key));
    assert!(!Issued::belongs_together(&own, authority.key()));
}

#[test]
fn no_two_certificates_have_the_same_serial_number() {
    let authority = authority();
    let serials: BTreeSet<_> = (0..20)
        .map(|_| {
            let issued = authority.issue_client("a", NOW, 10).expect("a certificate");
            let der = der(&issued.certificate);
            let (_, certificate) = X509Certificate::from_der(&der).expect("a certificate");
            certificate.raw_serial().to_vec()
        })
        .collect();
    assert_eq!(serials.len(), 20);
}

#[test]
fn an_authority_is_loaded_with_its_own_key_only() {
    let (one, other) = (authority(), authority());
    let loaded = Authority::load(&one.certificate, one.key().clone()).expect("an authority");
    let issued = loaded.issue_client("a", NOW, 10).expect("a certificate");
    let leaf = OwnCertificate::read(&issued.certificate).expect("a certificate");
    assert!(leaf.issued_by(one.own()));
    let keys = [other.key().clone(), Secret::new("junk".to_owned())];
    for key in keys {
        let error = Authority::load(&one.certificate, key).expect_err("another key");
        assert!(matches!(error, IssueError::Key), "{error}");
    }
    let leaf = Authority::load(&issued.certificate, issued.key);
    assert!(leaf.is_err(), "a leaf is no authority");
}

#[test]
fn what_cannot_stand_in_a_certificate_is_not_issued() {
    let authority = authority();
    for name in ["", "a\nb", &"x".repeat(65)] {
        let error = authority.issue_client(name, NOW, 10).expect_err("no name");
        assert!(matches!(error, IssueError::Name(_)), "{error}");
    }
    for name in ["", "a b", "ü", "10.0.0.1/8"] {
        let san = [name.to_owned()].into();
        let error = authority
            .issue_server("a", &san, NOW, 10)
            .expect_err("no address");
        assert!(matches!(error, IssueError::Name(_)), "{error}");
    }
    let ended = authority.issue_client("a", NOW.plus_seconds(1000), 10);
    assert!(matches!(ended, Err(IssueError::Validity(_))));
    let endless = Authority::create("a", NOW, i64::MAX);
    assert!(matches!(endless, Err(IssueError::Validity(_))));
}

#[test]
fn debug_output_has_no_key() {
    let authority = authority();
    let key = authority.key().expose().lines().nth(1).expect("a line");
    assert!(!format!("{authority:?}").contains(key));
}
