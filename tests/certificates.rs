//! The check of requirers' certificates, held against a corpus and against Go.
//!
//! etcd reads certificates with Go's crypto/x509. Whatever our check accepts,
//! Go must parse (or etcd does not start), must find unable to sign (or its
//! holder is root), must accept from a client, and must see the same common
//! name in. Go is asked for every certificate that is accepted here.

#![allow(
    clippy::too_many_lines,
    reason = "a story and a table are read from top to bottom"
)]

#[path = "certificates/corpus.rs"]
mod corpus;
#[path = "certificates/go.rs"]
mod go;
#[path = "certificates/mutate.rs"]
mod mutate;

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::SystemTime;

use corpus::recipe::{self, Recipe};
use corpus::{Entry, Outcome, pem};
use etcd_charm::facts::Timestamp;
use etcd_charm::tls::{Authority, ClientCertificate, OwnCertificate, TrustBundle};
use go::Go;

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// Made once, since RSA keys take their time.
static CORPUS: LazyLock<Vec<Entry>> = LazyLock::new(|| corpus::entries(now()));

#[test]
fn every_certificate_gets_its_verdict() {
    // openssl dates certificates by the clock, so it is looked at afterwards.
    let entries = &*CORPUS;
    let now = now();
    let wrong: Vec<_> = entries
        .iter()
        .filter_map(|entry| {
            let outcome = Outcome::of(&ClientCertificate::check(&entry.text, now));
            let expected = &entry.expected;
            (outcome != *expected)
                .then(|| format!("{}:\n  is {outcome:?}\n  not {expected:?}\n", entry.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.concat());
    let accepted = entries
        .iter()
        .filter(|entry| matches!(entry.expected, Outcome::Accepted(_)));
    assert!(entries.len() > 200 && accepted.count() > 40);
}

#[test]
fn names_of_the_corpus_are_unique() {
    let entries = &*CORPUS;
    let names: BTreeSet<_> = entries.iter().map(|entry| &entry.name).collect();
    assert_eq!(names.len(), entries.len());
}

#[test]
fn go_agrees_with_what_is_accepted_of_the_corpus() {
    let Some(go) = Go::find("go_agrees_with_what_is_accepted_of_the_corpus") else {
        return;
    };
    let entries = &*CORPUS;
    let texts = entries.iter().map(|entry| entry.text.clone()).collect();
    assert_go_agrees(&go, texts, now());
}

#[test]
fn go_agrees_with_what_is_accepted_of_every_small_change() {
    let Some(go) = Go::find("go_agrees_with_what_is_accepted_of_every_small_change") else {
        return;
    };
    let now = now();
    let mut texts = Vec::new();
    for der in [elliptic(now), edwards(now), rsa(now)] {
        for changed in mutate::bytes(&der)
            .into_iter()
            .chain(mutate::elements(&der))
        {
            texts.push(pem("CERTIFICATE", &changed).into_bytes());
        }
    }
    assert!(texts.len() > 20_000, "{} texts", texts.len());
    assert_go_agrees(&go, texts, now);
}

#[test]
fn every_small_change_of_the_text_is_survived() {
    let now = now();
    let text = pem("CERTIFICATE", &Recipe::good(now).der());
    let accepted: BTreeSet<_> = mutate::bytes(text.as_bytes())
        .iter()
        .filter_map(|changed| ClientCertificate::check(changed, now).ok())
        .map(|leaf| leaf.pem)
        .collect();
    // Whatever was between the lines, what is given on is our own encoding.
    assert!(accepted.contains(&text));
    for text in accepted {
        assert_eq!(
            ClientCertificate::read_back(&text).map(|leaf| leaf.pem),
            Ok(text)
        );
    }
}

#[test]
fn a_trust_file_of_the_whole_corpus_lets_etcd_start() {
    let Some(go) = Go::find("a_trust_file_of_the_whole_corpus_lets_etcd_start") else {
        return;
    };
    let entries = &*CORPUS;
    let now = now();
    let admin = Authority::create("admin", now, 86_400).expect("an authority");
    let mut bundle = TrustBundle::new(&admin.certificate).expect("a bundle");
    for entry in entries {
        if let Ok(leaf) = ClientCertificate::check(&entry.text, now) {
            bundle.add((&leaf).into());
        }
    }
    let text = bundle.render().expect("a text");
    assert_eq!(text.matches("BEGIN").count(), bundle.fingerprints().len());
    // The first certificate is the authority; that it is one is the only thing
    // that Go may have to say.
    let opinion = go.judge(&[text], now).remove(0);
    assert_eq!(opinion, Err("no \"it is an authority\"".to_owned()));
}

#[test]
fn what_the_charm_issues_passes_its_own_check_and_go() {
    let now = now();
    let authority = Authority::create("admin", now, 86_400).expect("an authority");
    let san = ["127.0.0.1", "fe80::1", "etcd.example.com"].map(str::to_owned);
    let issued = [
        authority.issue_client("root", now, 3600),
        authority.issue_server("etcd-0", &san.into(), now, 3600),
    ];
    let texts: Vec<_> = issued
        .into_iter()
        .map(|issued| issued.expect("a certificate").certificate.into_bytes())
        .collect();
    for text in &texts {
        let leaf = ClientCertificate::check(text, now).expect("a leaf");
        let own = OwnCertificate::read(&leaf.pem).expect("a certificate");
        assert!(own.issued_by(authority.own()));
    }
    if let Some(go) = Go::find("what_the_charm_issues_passes_its_own_check_and_go") {
        assert_go_agrees(&go, texts, now);
    }
}

/// Fails unless Go accepts what our check accepts, with the same name.
fn assert_go_agrees(go: &Go, texts: Vec<Vec<u8>>, now: Timestamp) {
    let total = texts.len();
    let accepted: Vec<_> = texts
        .into_iter()
        .filter_map(|text| ClientCertificate::check(&text, now).ok())
        .collect();
    assert!(!accepted.is_empty());
    let files: Vec<_> = accepted.iter().map(|leaf| leaf.pem.clone()).collect();
    let differences: Vec<_> = accepted
        .iter()
        .zip(go.judge(&files, now))
        .filter(|(leaf, opinion)| opinion.as_deref() != Ok(leaf.common_name.as_str()))
        .map(|(leaf, opinion)| format!("{opinion:?}\n{}", leaf.pem))
        .collect();
    let count = differences.len();
    assert!(
        differences.is_empty(),
        "Go disagrees about {count} of {} accepted of {total}:\n{}",
        accepted.len(),
        differences.into_iter().take(5).collect::<String>()
    );
}

/// A certificate with every extension that is let in.
fn elliptic(now: Timestamp) -> Vec<u8> {
    let names = recipe::sequence(&[
        &recipe::tlv(0x82, &[b"a.example.com"]),
        &recipe::tlv(0x81, &[b"a@example.com"]),
        &recipe::tlv(0x86, &[b"spiffe://example.com:80/a%20b"]),
        &recipe::tlv(0x87, &[&[127, 0, 0, 1]]),
        &recipe::tlv(0xa0, &[&[6, 1, 0x2a], &[0xa0, 3, 0x0c, 1, b'x']]),
        &recipe::tlv(0x88, &[&[0x2a, 3]]),
    ]);
    let client =
        b"\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01";
    let access = b"\x30\x0f\x30\x0d\x06\x08\x2b\x06\x01\x05\x05\x07\x30\x01\x86\x01x";
    let mut recipe = Recipe::good(now);
    recipe.extensions = Some(vec![
        recipe::extension(recipe::BASIC_CONSTRAINTS, true, recipe::CA_FALSE),
        recipe::extension(recipe::KEY_USAGE, true, &[3, 2, 7, 0x80]),
        recipe::extension(recipe::EXTENDED_KEY_USAGE, false, client),
        recipe::extension(recipe::SAN, false, &names),
        recipe::extension(14, false, &[4, 2, 1, 2]),
        recipe::extension(
            35,
            false,
            &[0x30, 10, 0x80, 1, 1, 0xa1, 2, 0x82, 0, 0x82, 1, 1],
        ),
        recipe::extension(
            31,
            false,
            &[0x30, 9, 0x30, 7, 0xa0, 5, 0xa0, 3, 0x86, 1, b'x'],
        ),
        recipe::extension(32, false, &[0x30, 8, 0x30, 6, 6, 2, 0x2a, 3, 0x30, 0]),
        recipe::any_extension(b"\x2b\x06\x01\x05\x05\x07\x01\x01", false, access),
        recipe::any_extension(&[0x2a, 3], false, b"unknown"),
    ]);
    recipe.der()
}

fn edwards(now: Timestamp) -> Vec<u8> {
    let mut recipe = Recipe::good(now);
    recipe.algorithm = recipe::sequence(&[recipe::ED25519]);
    recipe.key = recipe::key(&[recipe::ED25519], &[1; 32]);
    recipe.issuer = recipe::name(&[(recipe::CN, 0x14, b"\xe4"), (recipe::CN, 0x12, b"1 2")]);
    recipe.subject = recipe::name(&[
        (&[0x55, 4, 10], recipe::PRINTABLE, b"A B"),
        (recipe::CN, 0x16, b"a@b"),
    ]);
    recipe.validity = recipe::sequence(&[
        &recipe::utc_time(now),
        &recipe::tlv(0x18, &[b"20990228235959Z"]),
    ]);
    recipe.der()
}

fn rsa(now: Timestamp) -> Vec<u8> {
    let mut recipe = Recipe::good(now);
    recipe.algorithm = recipe::sequence(&[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00"]);
    recipe.key = recipe::rsa_key(2048);
    recipe.der()
}
