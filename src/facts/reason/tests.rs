//! Every reason, and its words as ledgers have them.

use tls_certificates::requests;

use super::*;
use crate::facts::ConditionKind::{Refused, Waiting};
use crate::facts::{Condition, KeyRange, PrefixRefusal, RelationId, RequestKey};
use crate::tls::CertificateRefusal;

const FREE: Timestamp = Timestamp(1_800_000_000);

fn app() -> AppName {
    "app".parse().expect("a name")
}

/// Each refusal of a name, with what is said of a request for access and of one for a
/// certificate.
fn names() -> Vec<(NameRefusal, ConditionKind, &'static str, &'static str)> {
    let holder = RequestKey {
        relation: RelationId(1),
        request: None,
    };
    vec![
        (
            NameRefusal::Reserved,
            Refused,
            "common name web is reserved",
            "common name web is reserved",
        ),
        (
            NameRefusal::Credentials(KeyRange::of_clients()),
            Refused,
            "common name web is that of credentials issued to an operator",
            "common name web is that of credentials issued to an operator",
        ),
        (
            NameRefusal::Revoked(FREE),
            Waiting,
            "common name web was revoked, and is free after 2027-01-15T08:00:00Z",
            "common name web is that of credentials issued to an operator",
        ),
        (
            NameRefusal::Signed(app()),
            Refused,
            "common name web is held by app",
            "common name web is asked for over another relation",
        ),
        (
            NameRefusal::SignedRevoked(FREE),
            Waiting,
            "certificates of common name web were revoked, which is free after 2027-01-15T08:00:00Z",
            "common name web was revoked, and is free after 2027-01-15T08:00:00Z",
        ),
        (
            NameRefusal::Held(holder, Requirer::Application(app())),
            Refused,
            "common name web is held by app",
            "common name web is held by another application",
        ),
        (
            NameRefusal::Releasing,
            Waiting,
            "common name web is free once no member trusts its old certificate",
            "common name web is free once no member trusts its old certificate",
        ),
        (
            NameRefusal::Unmanaged,
            Refused,
            "etcd has a user or role web that is not the charm's",
            "common name web is that of a user or role that is not the charm's",
        ),
        (
            NameRefusal::Unknown,
            Waiting,
            "user web was not looked up yet",
            "common name web is that of a user or role that is not the charm's",
        ),
    ]
}

fn certificate_faults() -> Vec<(Reason, ConditionKind, &'static str)> {
    [
        (
            CertificateFault::Secret(SecretUnavailable::NoAccess),
            "access to the secret is not granted",
        ),
        (CertificateFault::NoKey, "its secret has no key `mtls-cert`"),
        (
            CertificateFault::KeyNotTaken,
            "it has not taken the encryption key yet",
        ),
        (
            CertificateFault::ForeignKey,
            "its encryption key is not ours",
        ),
        (
            CertificateFault::Token(TokenRefusal::Token),
            "the encrypted certificate does not fit the relation's key",
        ),
    ]
    .map(|(fault, text)| (Reason::UnreadableCertificate(fault), Waiting, text))
    .into()
}

fn of_certificate() -> Vec<(Reason, ConditionKind, &'static str)> {
    vec![
        (Reason::NoCertificate, Waiting, "no certificate yet"),
        (
            Reason::Certificate(CertificateRefusal::Empty),
            Refused,
            "there is no certificate",
        ),
        (
            Reason::ForeignCertificate,
            Refused,
            "its certificate was issued to another application",
        ),
        (
            Reason::UselessCertificate,
            Refused,
            "its certificate is not one that it may use here",
        ),
        (
            Reason::LeftOut(LeftOut::NoRoom),
            Refused,
            "certificate not trusted any more: there are too many names",
        ),
        (
            Reason::LeftOut(LeftOut::Refused(CertificateRefusal::KeyCurve)),
            Refused,
            "certificate not trusted any more: the curve of the key is not P-256 or P-384",
        ),
    ]
}

fn of_relation() -> Vec<(Reason, ConditionKind, &'static str)> {
    vec![
        (
            Reason::UnreadableRelation,
            Waiting,
            "the relation cannot be read",
        ),
        (
            Reason::Relation(RelationRefusal::RequestsNotJson),
            Refused,
            "the requests are not JSON",
        ),
        (
            Reason::Unnamed {
                position: 0,
                refusal: RequestRefusal::NotAnObject,
            },
            Refused,
            "request 1 of the list: the request is not a JSON object",
        ),
        (
            Reason::Request(RequestRefusal::Resource(PrefixRefusal::Empty)),
            Refused,
            "the prefix is empty",
        ),
        (Reason::EndingRelation, Waiting, "the relation is ending"),
        (
            Reason::ConsumedOffer,
            Refused,
            "secrets cannot be shared with a consumed offer; offer etcd instead",
        ),
        (
            Reason::RefusedShare,
            Waiting,
            "Juju refused to share secrets with it; tried again in an hour",
        ),
        (
            Reason::SuspectedShare,
            Waiting,
            "Juju refused to share secrets with it or another",
        ),
        (
            Reason::RefusedAnswer,
            Waiting,
            "Juju does not take its answer; tried again later",
        ),
    ]
}

fn beside_others() -> Vec<(Reason, ConditionKind, &'static str)> {
    let overlap = Overlap {
        prefix: "/one/two/".parse().expect("a prefix"),
        granted: "/one/".parse().expect("a prefix"),
        holder: Requirer::Application(app()),
    };
    vec![
        (
            Reason::Remains,
            Waiting,
            "requests that it has replaced are cleaned up first",
        ),
        (
            Reason::NamesOfRelation(8_000),
            Refused,
            "names of its certificates exceed 8000 bytes",
        ),
        (
            Reason::Names(32_000),
            Refused,
            "names of all certificates exceed 32000 bytes: remove a relation",
        ),
        (
            Reason::Pace(FREE),
            Waiting,
            "its certificates change too often, next at 2027-01-15T08:00:00Z",
        ),
        (
            Reason::VulnerableEtcd("3.4.23".parse().expect("a version")),
            Refused,
            "attach etcd 3.6, or set allow-vulnerable-etcd: 3.4.23 isolates no clients",
        ),
        (
            Reason::Overlap(overlap),
            Refused,
            "prefix /one/two/ overlaps /one/ of app",
        ),
    ]
}

/// Every reason with its kind and its words, as they stand in ledgers.
pub(crate) fn reasons() -> Vec<(Reason, ConditionKind, &'static str)> {
    let name: CommonName = "web".parse().expect("a name");
    let names = names().into_iter();
    let names = names.map(|(refusal, kind, text, _)| {
        let reason = Reason::Name(name.clone(), refusal);
        (reason, kind, text)
    });
    of_relation()
        .into_iter()
        .chain(certificate_faults())
        .chain(of_certificate())
        .chain(beside_others())
        .chain(names)
        .collect()
}

/// Every refusal to sign with its words.
pub(crate) fn signing_refusals() -> Vec<(SigningRefusal, &'static str)> {
    let name: CommonName = "web".parse().expect("a name");
    let names = names().into_iter();
    let names =
        names.map(|(refusal, _, _, text)| (SigningRefusal::Name(name.clone(), refusal), text));
    let others = [
        (
            SigningRefusal::Databag(Unreadable::NotAList(requests::KEY)),
            "certificate_signing_requests is not a list in JSON",
        ),
        (
            SigningRefusal::Entry(2, EntryRefusal::Ca),
            "entry 2: ca is not true or false",
        ),
        (
            SigningRefusal::Authority,
            "certificates of authorities are not issued, only of clients",
        ),
        (
            SigningRefusal::Request(tls::RequestRefusal::Signature),
            "the request is not signed with its own key",
        ),
        (
            SigningRefusal::Requests(200),
            "more than 200 requests over one relation",
        ),
        (
            SigningRefusal::NamesOfRelation(100),
            "more than 100 common names over one relation",
        ),
        (
            SigningRefusal::Names(3_000),
            "more than 3000 common names over all relations",
        ),
    ];
    others.into_iter().chain(names).collect()
}

/// A number for each kind of reason: one that is added has none yet, so the compiler
/// leads here.
const fn number(reason: &Reason) -> usize {
    match reason {
        Reason::UnreadableRelation => 0,
        Reason::Relation(_) => 1,
        Reason::Unnamed { .. } => 2,
        Reason::Request(_) => 3,
        Reason::EndingRelation => 4,
        Reason::ConsumedOffer => 5,
        Reason::RefusedShare => 6,
        Reason::SuspectedShare => 7,
        Reason::RefusedAnswer => 8,
        Reason::NoCertificate => 9,
        Reason::UnreadableCertificate(CertificateFault::Secret(_)) => 10,
        Reason::UnreadableCertificate(CertificateFault::NoKey) => 11,
        Reason::UnreadableCertificate(CertificateFault::KeyNotTaken) => 12,
        Reason::UnreadableCertificate(CertificateFault::ForeignKey) => 13,
        Reason::UnreadableCertificate(CertificateFault::Token(_)) => 14,
        Reason::Certificate(_) => 15,
        Reason::ForeignCertificate => 16,
        Reason::UselessCertificate => 17,
        Reason::LeftOut(LeftOut::NoRoom) => 18,
        Reason::LeftOut(LeftOut::Refused(_)) => 19,
        Reason::Remains => 20,
        Reason::NamesOfRelation(_) => 21,
        Reason::Names(_) => 22,
        Reason::Pace(_) => 23,
        Reason::VulnerableEtcd(_) => 24,
        Reason::Overlap(_) => 25,
        Reason::Name(_, NameRefusal::Reserved) => 26,
        Reason::Name(_, NameRefusal::Credentials(_)) => 27,
        Reason::Name(_, NameRefusal::Revoked(_)) => 28,
        Reason::Name(_, NameRefusal::Signed(_)) => 29,
        Reason::Name(_, NameRefusal::SignedRevoked(_)) => 30,
        Reason::Name(_, NameRefusal::Held(..)) => 31,
        Reason::Name(_, NameRefusal::Releasing) => 32,
        Reason::Name(_, NameRefusal::Unmanaged) => 33,
        Reason::Name(_, NameRefusal::Unknown) => 34,
    }
}

#[test]
fn no_reason_is_left_out_here() {
    let reasons = reasons();
    let mut numbers: Vec<_> = reasons.iter().map(|(reason, ..)| number(reason)).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..=34).collect::<Vec<_>>());
}

/// A cluster in which any of these stands has nothing written anew when its charm is
/// refreshed.
#[test]
fn records_of_today_are_read_compared_and_written_as_they_are() {
    for (reason, kind, text) in reasons() {
        let kind = match kind {
            Refused => "refused",
            Waiting => "waiting",
        };
        let reason_text = serde_json::to_string(text).expect("JSON");
        let stored = format!(r#"{{"kind":"{kind}","reason":{reason_text}}}"#);
        let read: Condition = serde_json::from_str(&stored).expect("a condition");
        assert_eq!(read, Condition::from(&reason), "{reason:?}");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), stored);
    }
}

#[test]
fn refusals_to_sign_are_told_in_words_that_stay() {
    for (refusal, text) in signing_refusals() {
        assert_eq!(refusal.to_string(), text, "{refusal:?}");
        let is_of_name = matches!(refusal, SigningRefusal::Name(..));
        assert_eq!(refusal.code() == Code::DomainNotAllowed, is_of_name);
    }
}

#[test]
fn one_of_several_refusals_to_sign_is_on_record_whatever_their_order() {
    let mut refusals: Vec<_> = signing_refusals().into_iter().map(|(one, _)| one).collect();
    let unsigned = Unsigned::of(&app(), &refusals).expect("some");
    let first = "certificate_signing_requests is not a list in JSON";
    assert_eq!((unsigned.reason.as_str(), unsigned.others), (first, 15));
    let words = format!("{first}; so are 15 other requests");
    let condition = Condition::from(&unsigned);
    assert_eq!((condition.kind(), condition.words()), (Refused, &*words));
    refusals.reverse();
    assert_eq!(Unsigned::of(&app(), &refusals), Some(unsigned));
    let one = Unsigned::of(&app(), &refusals[..1]).expect("one");
    assert_eq!(one.words(), refusals[0].to_string());
    assert_eq!(Unsigned::of(&app(), []), None);
}
