use super::*;

/// Requests made by Python's `cryptography` and by `openssl req`.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!($name, ".pem"))
    };
}

fn refusal(text: &str) -> CertificateRefusal {
    match ClientRequest::check(text) {
        Err(RequestRefusal::Content(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_that_clients_may_have_are_taken() {
    for text in [
        fixture!("rsa-2048"),
        fixture!("rsa-4096"),
        fixture!("p384"),
        fixture!("ed25519"),
        // A password is for whoever signs by hand; it says nothing here.
        fixture!("challenge"),
    ] {
        let request = ClientRequest::check(text).expect("a request");
        assert_eq!(request.common_name.as_str(), "app");
        // As Canonical's library writes it: without the last line end.
        assert_eq!(ClientRequest::check(text.trim()), Ok(request));
    }
}

#[test]
fn weak_and_unknown_keys_are_refused() {
    for (text, expected) in [
        (fixture!("rsa-1024"), CertificateRefusal::RsaSize(1024)),
        (fixture!("p521"), CertificateRefusal::KeyCurve),
    ] {
        assert_eq!(refusal(text), expected);
    }
    assert!(matches!(
        refusal(fixture!("sha1")),
        CertificateRefusal::SignatureAlgorithm(_)
    ));
}

#[test]
fn names_are_as_strict_as_those_of_certificates() {
    for (text, expected) in [
        (
            fixture!("two-names"),
            CertificateRefusal::CommonNameCount(2),
        ),
        (fixture!("no-name"), CertificateRefusal::CommonNameMissing),
    ] {
        assert_eq!(refusal(text), expected);
    }
    assert!(matches!(
        refusal(fixture!("invisible")),
        CertificateRefusal::CommonNameCharacters(_)
    ));
    assert!(matches!(
        refusal(fixture!("padded")),
        CertificateRefusal::CommonNamePadded(_)
    ));
}

#[test]
fn what_is_no_clients_certificate_is_refused() {
    for (text, expected) in [
        (fixture!("authority"), CertificateRefusal::Authority),
        (
            fixture!("cert-sign"),
            CertificateRefusal::CertificateSigning,
        ),
        (fixture!("server-auth"), CertificateRefusal::NotForClients),
    ] {
        assert_eq!(refusal(text), expected);
    }
    let told = RequestRefusal::Content(CertificateRefusal::CommonNameMissing).to_string();
    assert_eq!(told, "the request has no common name");
}

#[test]
fn texts_that_are_no_request_are_refused() {
    let good = fixture!("p384");
    let twice = format!("{good}{good}");
    let labelled = good.replace("CERTIFICATE REQUEST", "CERTIFICATE");
    let key = "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n";
    for (text, expected) in [
        ("", CertificateRefusal::Empty),
        ("hello", CertificateRefusal::TextOutside),
        (twice.as_str(), CertificateRefusal::TooManyBlocks(1)),
        (key, CertificateRefusal::PrivateKey),
    ] {
        assert_eq!(refusal(text), expected, "{text}");
    }
    assert!(matches!(
        refusal(&labelled),
        CertificateRefusal::ForeignBlock(_)
    ));
    let long = format!("{}{good}", "\n".repeat(MAX_BYTES));
    assert_eq!(refusal(&long), CertificateRefusal::TooLong(MAX_BYTES));
}

#[test]
fn no_byte_can_be_changed_or_left_out() {
    for text in [
        fixture!("rsa-2048"),
        fixture!("p384"),
        fixture!("challenge"),
    ] {
        let der = pem_text::decode_request(text.as_bytes()).expect("PEM");
        let encoded =
            |der: &[u8]| pem_text::encode(der).replace("CERTIFICATE", "CERTIFICATE REQUEST");
        assert!(ClientRequest::check(&encoded(&der)).is_ok());
        for at in 0..der.len() {
            for bit in [0x01, 0x80] {
                let mut other = der.clone();
                other[at] ^= bit;
                let taken = ClientRequest::check(&encoded(&other));
                assert!(taken.is_err(), "byte {at} of {}", der.len());
            }
        }
        for length in (0..der.len()).step_by(7) {
            assert!(ClientRequest::check(&encoded(&der[..length])).is_err());
        }
        assert!(ClientRequest::check(&encoded(&[&der[..], &[0]].concat())).is_err());
    }
}

#[test]
fn who_does_not_have_the_key_gets_nothing() {
    // The key of one request in another: only the signature tells.
    let read = |text: &str| pem_text::decode_request(text.as_bytes()).expect("PEM");
    let (one, other) = (read(fixture!("challenge")), read(fixture!("no-name")));
    let key = |der: &[u8]| {
        let (_, csr) = X509CertificationRequest::from_der(der).expect("a request");
        csr.certification_request_info.subject_pki.raw.to_vec()
    };
    // Both are of one key, so that of a new one takes its place.
    assert_eq!(key(&one), key(&other));
    let foreign = crate::OwnRequest::create("x", &Default::default(), None).expect("a request");
    let foreign = key(&read(&foreign.csr));
    let at = one
        .windows(foreign.len())
        .position(|part| part == key(&one))
        .expect("a key");
    let stolen = [&one[..at], &foreign, &one[at + foreign.len()..]].concat();
    let text = pem_text::encode(&stolen).replace("CERTIFICATE", "CERTIFICATE REQUEST");
    assert_eq!(ClientRequest::check(&text), Err(RequestRefusal::Signature));
}
