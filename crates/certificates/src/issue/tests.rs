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

#[test]
fn a_request_is_signed_for_clients_only() {
    let authority = Authority::create("clients", NOW, 1000).expect("an authority");
    for text in [
        include_str!("../request/rsa-2048.pem"),
        include_str!("../request/rsa-4096.pem"),
        include_str!("../request/p384.pem"),
        include_str!("../request/ed25519.pem"),
    ] {
        let request = ClientRequest::check(text).expect("a request");
        let signed = [(); 2].map(|()| {
            authority
                .sign_request(&request, NOW, 5000)
                .expect("a certificate")
        });
        let client = crate::ClientCertificate::check(signed[0].as_bytes(), NOW);
        let client = client.expect("a client's certificate");
        assert_eq!(client.common_name.as_str(), "app");
        let other = Authority::create("clients", NOW, 1000).expect("an authority");
        let both = format!("{}{}", other.certificate, authority.certificate);
        let issuer = Some(authority.own().fingerprint.clone());
        assert_eq!(client.issuer_among(&both), issuer);
        assert_eq!(client.issuer_among(&other.certificate), None, "a namesake");
        // No longer than its authority.
        assert_eq!(client.not_after, NOW.plus_seconds(1000));
        let own = OwnCertificate::read(&signed[0]).expect("a certificate");
        assert!(own.issued_by(authority.own()));
        let ders = signed.map(|pem| der(&pem));
        let (_, one) = X509Certificate::from_der(&ders[0]).expect("a certificate");
        let (_, two) = X509Certificate::from_der(&ders[1]).expect("a certificate");
        assert_eq!(one.public_key().raw, request.public_key());
        assert_ne!(
            one.raw_serial(),
            two.raw_serial(),
            "one key, two certificates"
        );
        let uses = one.extended_key_usage().expect("one").expect("some").value;
        assert!(uses.client_auth && !uses.server_auth && !uses.any);
        // Of the subject only the name, and none of the names asked for.
        assert_eq!(one.subject().iter_attributes().count(), 1);
        assert!(
            one.subject_alternative_name()
                .expect("at most one")
                .is_none()
        );
        assert!(!one.is_ca());
    }
    let request = include_str!("../request/p384.pem");
    let request = ClientRequest::check(request).expect("a request");
    let ended = authority.sign_request(&request, NOW.plus_seconds(1000), 10);
    assert!(matches!(ended, Err(IssueError::Validity(_))));
}

#[test]
fn requests_of_ours_differ_with_one_key_and_names() {
    let san = ["10.0.0.1", "etcd.example.com"].map(str::to_owned).into();
    let first = OwnRequest::create("etcd-0", &san, None).expect("a request");
    let second = OwnRequest::create("etcd-0", &san, Some(&first.key)).expect("a request");
    assert_ne!(first.csr, second.csr);
    assert_eq!(first.key.expose(), second.key.expose());
    // What we send is what we would take, but for the use.
    let read = ClientRequest::check(&first.csr).expect("a request");
    assert_eq!(read.common_name.as_str(), "etcd-0");
    assert!(Issued::is_key_of(read.public_key(), &first.key));
    let third = OwnRequest::create("etcd-0", &san, None).expect("a request");
    assert!(!Issued::is_key_of(read.public_key(), &third.key));
    assert!(!format!("{first:?}").contains(first.key.expose().lines().nth(1).expect("a line")));
    let name = OwnRequest::create("a\nb", &san, None);
    assert!(matches!(name, Err(IssueError::Name(_))));
}
