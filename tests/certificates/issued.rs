//! Certificates as tools issue them, with their keys.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use etcd_charm::facts::Timestamp;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
};
use time::OffsetDateTime;

use super::{Entry, Outcome, pem};

/// Certificates from rcgen: each kind of key, with and without the chain.
pub(super) fn entries(now: Timestamp) -> Vec<Entry> {
    let authority = authority(now);
    let chain = pem("CERTIFICATE", &authority.1);
    let ca_text = chain.clone().into_bytes();
    let ca = Outcome::refused("the certificate is a CA certificate");
    let mut entries = vec![entry("CA", ca_text, ca, None)];
    for (kind, algorithm) in [
        ("P-256", &PKCS_ECDSA_P256_SHA256),
        ("P-384", &PKCS_ECDSA_P384_SHA384),
        ("Ed25519", &PKCS_ED25519),
    ] {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let leaf = params(now, "client");
        let signed = leaf.signed_by(&key, &authority.0).expect("a certificate");
        let own = leaf.self_signed(&key).expect("a certificate");
        let key = Some(key.serialize_pem());
        let signed = pem("CERTIFICATE", signed.der());
        for (what, text) in [
            ("alone", signed.clone()),
            ("with its chain", signed.clone() + &chain),
            ("signed by itself", pem("CERTIFICATE", own.der())),
        ] {
            let name = format!("{kind} {what}");
            entries.push(entry(
                &name,
                text.into_bytes(),
                Outcome::accepted(),
                key.clone(),
            ));
        }
        let first = Outcome::refused("the certificate is a CA certificate");
        let text = (chain.clone() + &signed).into_bytes();
        entries.push(entry(&format!("{kind} after its chain"), text, first, None));
    }
    entries
}

/// A name, arguments for the key, arguments for extensions, and the refusal.
type Case = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
    Option<String>,
);

/// RSA certificates, and others that rcgen does not make. Dates are those of
/// the clock.
///
/// # Panics
/// `openssl` is there and fails.
pub(super) fn openssl_entries() -> Vec<Entry> {
    // Tests run at the same time, as threads of one process or as processes.
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let directory = format!("openssl-{}-{call}", std::process::id());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(directory);
    std::fs::create_dir_all(&directory).expect("a directory");
    const LEAF: &[&str] = &["-addext", "basicConstraints=CA:FALSE"];
    let size = "the RSA key has 1024 bits: allowed are 2048 to 8192".to_owned();
    let algorithm = |oid| format!("the signature algorithm is not allowed: {oid}");
    let cases: [Case; 8] = [
        ("RSA 2048", &["-newkey", "rsa:2048"], LEAF, None),
        ("RSA 3072", &["-newkey", "rsa:3072"], LEAF, None),
        (
            "RSA-PSS signature",
            &[
                "-newkey",
                "rsa:2048",
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:32",
            ],
            LEAF,
            None,
        ),
        ("RSA 1024", &["-newkey", "rsa:1024"], LEAF, Some(size)),
        (
            "SHA-1",
            &["-newkey", "rsa:2048", "-sha1"],
            LEAF,
            Some(algorithm("1.2.840.113549.1.1.5")),
        ),
        (
            "MD5",
            &["-newkey", "rsa:2048", "-md5"],
            LEAF,
            Some(algorithm("1.2.840.113549.1.1.4")),
        ),
        (
            "P-521",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
            LEAF,
            Some("the curve of the key is not P-256 or P-384".to_owned()),
        ),
        (
            "the default of openssl req",
            &["-newkey", "rsa:2048"],
            &[],
            Some("the certificate is a CA certificate".to_owned()),
        ),
    ];
    let entries = cases.into_iter().map(|(name, key, extensions, refusal)| {
        let [key_file, file] = ["key.pem", "cert.pem"].map(|name| directory.join(name));
        let output = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=client",
            ])
            .args(key)
            .args(extensions)
            .arg("-keyout")
            .arg(&key_file)
            .arg("-out")
            .arg(&file)
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = std::fs::read(&file).expect("a certificate");
        let key = std::fs::read_to_string(&key_file).expect("a key");
        let expected = refusal.map_or_else(Outcome::accepted, Outcome::Refused);
        entry(&format!("openssl {name}"), text, expected, Some(key))
    });
    let entries = entries.collect();
    std::fs::remove_dir_all(&directory).expect("the directory goes");
    entries
}

/// An authority with its certificate in DER.
pub(crate) fn authority(now: Timestamp) -> (Issuer<'static, KeyPair>, Vec<u8>) {
    let mut params = params(now, "issuer");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().expect("a key");
    let der = params
        .self_signed(&key)
        .expect("a certificate")
        .der()
        .to_vec();
    (Issuer::new(params, key), der)
}

/// What a leaf is issued from.
pub(crate) fn params(now: Timestamp, common_name: &str) -> CertificateParams {
    let names = ["client.example.com".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).expect("names");
    let at = |seconds| OffsetDateTime::from_unix_timestamp(now.0 + seconds).expect("a time");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Clients");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = at(-3600);
    params.not_after = at(86_400);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn entry(name: &str, text: Vec<u8>, expected: Outcome, key: Option<String>) -> Entry {
    Entry {
        name: format!("issued: {name}"),
        text,
        expected,
        key,
    }
}
