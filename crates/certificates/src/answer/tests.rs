use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;

use super::*;
use crate::OwnRequest;

const NOW: Timestamp = Timestamp(1_800_000_000);
const DAY: i64 = 86_400;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW.0 + seconds).expect("a time")
}

/// A certificate authority of somebody else's.
struct Foreign {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Foreign {
    fn new(name: &str, above: Option<&Self>) -> Self {
        Self::until(name, above, 10 * DAY)
    }

    fn until(name: &str, above: Option<&Self>, end: i64) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params.not_before, params.not_after) = (at(-100 * DAY), at(end));
        let key = KeyPair::generate().expect("a key");
        let certificate = match above {
            Some(above) => params.signed_by(&key, &above.issuer),
            None => params.self_signed(&key),
        };
        Self {
            pem: certificate.expect("an authority").pem(),
            issuer: Issuer::new(params, key),
        }
    }

    fn sign(&self, csr: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
        let mut asked = CertificateSigningRequestParams::from_pem(csr).expect("a request");
        (asked.params.not_before, asked.params.not_after) = (at(0), at(DAY));
        change(&mut asked.params);
        asked.signed_by(&self.issuer).expect("a certificate").pem()
    }
}

fn names(all: &[&str]) -> BTreeSet<String> {
    all.iter().map(|name| (*name).to_owned()).collect()
}

fn wanted() -> BTreeSet<String> {
    names(&["10.0.0.1", "etcd-0.example.com"])
}

fn own() -> OwnRequest {
    OwnRequest::create("etcd-0", &wanted(), None).expect("a request")
}

fn check(
    certificate: &str,
    ca: &str,
    chain: &[&str],
    own: &OwnRequest,
) -> Result<ServerCertificate, AnswerRefusal> {
    let chain: Vec<_> = chain.iter().map(|pem| (*pem).to_owned()).collect();
    ServerCertificate::check(certificate, ca, &chain, &own.key, &wanted(), NOW)
}

#[test]
fn a_leaf_of_a_root_is_shown_alone() {
    let (root, own) = (Foreign::new("root", None), own());
    let leaf = root.sign(&own.csr, |_| {});
    for chain in [vec![], vec![leaf.as_str(), &root.pem]] {
        let found = check(&leaf, &root.pem, &chain, &own).expect("a certificate");
        assert_eq!(found.presented.matches("BEGIN").count(), 1);
        assert_eq!(found.authorities.len(), 1);
        assert_eq!(
            (found.not_before, found.not_after),
            (NOW, NOW.plus_seconds(DAY))
        );
    }
}

#[test]
fn intermediates_are_shown_and_every_authority_is_told() {
    let root = Foreign::new("root", None);
    let (upper, own) = (Foreign::new("upper", Some(&root)), own());
    let lower = Foreign::new("lower", Some(&upper));
    let leaf = lower.sign(&own.csr, |_| {});
    // Whatever the order, one text or several, and with what does not belong.
    let unrelated = Foreign::new("unrelated", None);
    let bundle = format!("{}{}", root.pem, upper.pem);
    for chain in [
        vec![leaf.as_str(), &lower.pem, &upper.pem, &root.pem],
        vec![unrelated.pem.as_str(), &bundle],
    ] {
        let found = check(&leaf, &lower.pem, &chain, &own).expect("a certificate");
        assert_eq!(found.presented.matches("BEGIN").count(), 3);
        assert_eq!(found.authorities.len(), 3);
    }
    let partial = check(&leaf, &lower.pem, &[], &own).expect("a certificate");
    assert_eq!(partial.presented.matches("BEGIN").count(), 2);
}

#[test]
fn nonsense_of_a_provider_is_refused() {
    let (root, own) = (Foreign::new("root", None), own());
    let leaf = root.sign(&own.csr, |_| {});
    let other = OwnRequest::create("etcd-0", &wanted(), None).expect("a request");
    let refusal = |certificate: &str, ca: &str, chain: &[&str]| {
        check(certificate, ca, chain, &own).expect_err("a refusal")
    };
    let of_another_key = root.sign(&other.csr, |_| {});
    assert_eq!(
        refusal(&of_another_key, &root.pem, &[]),
        AnswerRefusal::OtherKey
    );
    // Of the same name, and yet another authority.
    let namesake = Foreign::new("root", None);
    assert_eq!(
        refusal(&leaf, &namesake.pem, &[&root.pem]),
        AnswerRefusal::NotSigned
    );
    assert_eq!(refusal(&leaf, &leaf, &[]), AnswerRefusal::NotSigned);
    let long = " ".repeat(MAX_BYTES + 1);
    for text in ["", "x", &long, &format!("{leaf}{leaf}")] {
        let unreadable = AnswerRefusal::Unreadable("the certificate");
        assert_eq!(refusal(text, &root.pem, &[]), unreadable);
    }
    for text in ["", "x", &long] {
        assert_eq!(
            refusal(&leaf, text, &[]),
            AnswerRefusal::Unreadable("the CA")
        );
        assert_eq!(
            refusal(&leaf, &root.pem, &[text]),
            AnswerRefusal::Unreadable("the chain")
        );
    }
}

#[test]
fn a_certificate_that_would_not_serve_is_refused() {
    let (root, own) = (Foreign::new("root", None), own());
    let refusal = |certificate: &str, ca: &str, chain: &[&str]| {
        check(certificate, ca, chain, &own).expect_err("a refusal")
    };
    let ended = root.sign(&own.csr, |params| {
        (params.not_before, params.not_after) = (at(-DAY), at(-1));
    });
    let at_end = AnswerRefusal::Expired(NOW.plus_seconds(-1));
    assert_eq!(refusal(&ended, &root.pem, &[]), at_end);
    let early = root.sign(&own.csr, |params| params.not_before = at(301));
    let from = AnswerRefusal::NotYetValid(NOW.plus_seconds(301));
    assert_eq!(refusal(&early, &root.pem, &[]), from);
    assert!(
        check(
            &root.sign(&own.csr, |p| p.not_before = at(300)),
            &root.pem,
            &[],
            &own
        )
        .is_ok()
    );
    let short = root.sign(&own.csr, |params| {
        params.subject_alt_names.pop();
    });
    assert!(matches!(
        refusal(&short, &root.pem, &[]),
        AnswerRefusal::Name(_)
    ));
    let authority = root.sign(&own.csr, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    assert_eq!(
        refusal(&authority, &root.pem, &[]),
        AnswerRefusal::Authority
    );
    let client = root.sign(&own.csr, |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(
        refusal(&client, &root.pem, &[]),
        AnswerRefusal::NotForServers
    );
    let over = Foreign::until("over", None, -1);
    let of_over = over.sign(&own.csr, |_| {});
    let end = AnswerRefusal::AuthorityExpired(NOW.plus_seconds(-1));
    assert_eq!(refusal(&of_over, &over.pem, &[]), end);
}
