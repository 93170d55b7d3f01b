//! Whose names are, and what is signed: each plan is carried out on a copy of the
//! world, and what it publishes is signed by a real authority.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tls_certificates::answers;
use tls_certificates::requests::Request;

use super::*;
use crate::facts::observed::{Certificate, PrefixPolicy};
use crate::facts::reason::UnknownRequests;
use crate::facts::{Access, Databag};
use crate::plan::publish;
use crate::plan::restart::{Restart, RestartStep};
use crate::plan::testing::{Bench, DAY, NOW, certificate, client_authority, key, leaf};
use crate::plan::{Stage, access};
use crate::tls::OwnRequest;

fn csr(name: &str) -> String {
    let request = OwnRequest::create(name, &BTreeSet::new(), None);
    request.expect("a request").csr.trim().to_owned()
}

fn name(text: &str) -> CommonName {
    text.parse().expect("a name")
}

/// The relation with this number over which this application asks for these.
fn ask_to_sign(bench: &mut Bench, id: u32, app: u32, requests: &[&str]) {
    let signing = &mut bench.observed.clients.signing;
    let own = signing.remove(&RelationId(id)).map(|before| before.own);
    let mut asked: Vec<_> = requests
        .iter()
        .map(|csr| Request {
            csr: (*csr).to_owned(),
            is_ca: false,
        })
        .collect();
    asked.sort();
    let relation = SigningRelation {
        app: format!("app{app}").parse().ok(),
        asked: Ok(asked),
        refused: Vec::new(),
        own: own.unwrap_or_default(),
        units: BTreeSet::new(),
        is_noted: false,
    };
    signing.insert(RelationId(id), relation);
}

/// Carries out what is published over these relations; the certificates that were
/// signed.
fn sign(bench: &mut Bench) -> Vec<ClientCertificate> {
    let authority = client_authority().expect("an authority");
    let now = bench.observed.now;
    let mut signed = Vec::new();
    for publication in publish::plan(&bench.observed, &bench.cluster).signing {
        let mut answers = publication.unchanged;
        for to_sign in publication.to_sign {
            let seconds = to_sign.not_after.0 - now.0;
            let certificate = authority.sign_request(&to_sign.request, now, seconds);
            let certificate = certificate.expect("a certificate");
            signed.push(ClientCertificate::check(certificate.as_bytes(), now).expect("a client"));
            answers.push(Answer {
                csr: to_sign.csr,
                certificate,
                ca: authority.certificate.clone(),
                chain: Vec::new(),
                is_revoked: false,
            });
        }
        answers.sort_by(|one, other| one.csr.cmp(&other.csr));
        let signing = &mut bench.observed.clients.signing;
        let relation = signing.get_mut(&publication.relation.id).expect("read");
        let values = answers::write(&answers, &publication.errors).into_iter();
        relation.own = values
            .filter_map(|(key, value)| Some((key.to_owned(), value?)))
            .collect::<Databag>();
    }
    let rest = publish::plan(&bench.observed, &bench.cluster).signing;
    assert!(rest.is_empty(), "published twice: {rest:?}");
    signed
}

/// Why the only request of a relation has no certificate.
fn refusal(bench: &Bench, id: u32) -> String {
    let own = &bench.observed.clients.signing[&RelationId(id)].own;
    let errors = answers::read(own).expect("answers").errors;
    errors
        .first()
        .map_or_else(String::new, |error| error.message.clone())
}

/// An application with a certificate of ours and with access by it.
fn granted() -> (Bench, String) {
    let mut bench = Bench::new(3);
    bench.trust(&[]);
    ask_to_sign(&mut bench, 11, 1, &[&csr("alpha")]);
    bench.access();
    let signed = sign(&mut bench).remove(0);
    bench.ask(1, "/one/", Certificate::Text(signed.pem.clone()));
    bench.access();
    (bench, signed.pem)
}

#[test]
fn a_name_is_claimed_before_anything_is_signed_in_it() {
    let mut bench = Bench::new(1);
    ask_to_sign(
        &mut bench,
        11,
        1,
        &[&csr("alpha"), &csr("alpha"), &csr("beta")],
    );
    assert!(
        publish::plan(&bench.observed, &bench.cluster)
            .signing
            .iter()
            .all(|publication| { publication.to_sign.is_empty() })
    );
    bench.access();
    let record = &bench.cluster.ledger.signed[&name("alpha")];
    assert_eq!(record.not_after, NOW.plus_seconds(30 * DAY));
    assert_eq!(record.app.as_str(), "app1");
    let signed = sign(&mut bench);
    assert_eq!(signed.len(), 3);
    for certificate in signed {
        let record = &bench.cluster.ledger.signed[&certificate.common_name];
        assert!(certificate.not_after <= record.not_after);
    }
    assert_eq!(bench.access(), [""; 0], "nobody has access yet");
    assert!(sign(&mut bench).is_empty());
}

#[test]
fn access_by_it_takes_no_restart_and_has_all_endpoints_at_once() {
    let (mut bench, certificate) = granted();
    let grant = bench.record(1).grant.clone().expect("a grant");
    assert_eq!(grant.certificate, certificate);
    assert!(grant.issuer.is_some());
    match bench.stage() {
        Stage::Publish(publication) => {
            assert_eq!(publication.relations[0].answers[0].endpoints.len(), 3);
        }
        other => panic!("{other:?}"),
    }
    assert!(bench.cluster.ledger.names[&name("alpha")].leaves.is_empty());
    assert!(bench.cluster.ledger.paces.is_empty());
}

#[test]
fn a_member_that_has_not_loaded_the_authority_is_no_endpoint_yet() {
    let (mut bench, _) = granted();
    for trust in bench.cluster.ledger.members.values_mut().skip(1) {
        trust.client_authorities.clear();
    }
    let Stage::Publish(publication) = bench.stage() else {
        panic!("nothing to do");
    };
    assert_eq!(publication.relations[0].answers[0].endpoints.len(), 1);
    // One of an earlier revision restarts once, for it alone.
    let authority = bench
        .observed
        .machine
        .client_ca
        .clone()
        .expect("an authority");
    let loaded = bench.observed.machine.loaded_authorities.as_mut();
    let own = client_authority().expect("an authority").own();
    loaded.expect("some").remove(&own.fingerprint);
    match bench.stage() {
        Stage::Restart(RestartStep::Restart(Restart::InTurn(restart))) => {
            assert!(restart.trust.contains(&authority))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_certificate_is_of_use_to_its_own_application_only() {
    let (mut bench, certificate) = granted();
    bench.ask(2, "/two/", Certificate::Text(certificate));
    bench.access();
    let reason = "its certificate was issued to another application";
    assert_eq!(bench.condition(2), reason);
    assert!(bench.record(2).grant.is_none());
    // Nor is its name, by another certificate or over another relation.
    bench.ask_as(2, "/two/", "alpha", 2);
    bench.access();
    assert_eq!(bench.condition(2), "common name alpha is held by app1");
    ask_to_sign(&mut bench, 12, 2, &[&csr("alpha")]);
    bench.access();
    assert!(sign(&mut bench).is_empty());
    assert_eq!(
        refusal(&bench, 12),
        "common name alpha is asked for over another relation"
    );
}

#[test]
fn names_of_others_are_not_signed() {
    let mut bench = Bench::new(1);
    bench.ask_as(2, "/two/", "beta", 1);
    bench.access();
    bench.user("hand-made").user = Some(BTreeSet::new());
    for (requested, reason) in [
        ("root", "common name root is reserved"),
        ("etcd-charm:db-1", "common name etcd-charm:db-1 is reserved"),
        ("etcd-7", "common name etcd-7 is reserved"),
        ("beta", "common name beta is held by another application"),
        (
            "hand-made",
            "common name hand-made is that of a user or role that is not the charm's",
        ),
    ] {
        ask_to_sign(&mut bench, 11, 1, &[&csr(requested)]);
        let present = bench.cluster.access.get(&name("hand-made")).cloned();
        bench.access();
        assert!(sign(&mut bench).is_empty(), "{requested}");
        assert_eq!(refusal(&bench, 11), reason);
        assert_eq!(
            bench.cluster.access.get(&name("hand-made")).cloned(),
            present
        );
    }
    ask_to_sign(&mut bench, 11, 1, &["nonsense"]);
    bench.access();
    assert!(sign(&mut bench).is_empty());
    assert_eq!(
        refusal(&bench, 11),
        "there is text outside of the PEM blocks"
    );
}

#[test]
fn without_its_relation_a_certificate_opens_nothing_until_it_ends() {
    let (mut bench, certificate) = granted();
    bench.observed.clients.signing.clear();
    let lines = bench.access_all();
    assert!(lines.contains(&"delete user alpha".to_owned()), "{lines:?}");
    assert!(bench.cluster.access[&name("alpha")].user.is_none());
    assert!(bench.record(1).grant.is_none());
    // Not by a certificate of its own either, and not over another relation.
    bench.ask_as(1, "/one/", "alpha", 1);
    bench.access();
    assert!(
        bench.condition(1).contains("were revoked"),
        "{}",
        bench.condition(1)
    );
    ask_to_sign(&mut bench, 12, 1, &[&csr("alpha")]);
    bench.access();
    assert!(sign(&mut bench).is_empty());
    assert!(
        refusal(&bench, 12).contains("was revoked"),
        "{}",
        refusal(&bench, 12)
    );
    // Its end has to be seen for a day.
    let end = ClientCertificate::read_back(&certificate)
        .expect("a leaf")
        .not_after;
    for (now, is_free) in [
        (end, false),
        (end.plus_seconds(1), false),
        (end.plus_seconds(DAY), false),
        (end.plus_seconds(DAY + 2), true),
    ] {
        bench.observed.now = now;
        bench.observed.clients.signing.clear();
        bench.access_all();
        assert_eq!(
            !bench.cluster.ledger.signed.contains_key(&name("alpha")),
            is_free
        );
    }
    ask_to_sign(&mut bench, 12, 2, &[&csr("alpha")]);
    bench.leave(1);
    bench.access_all();
    assert_eq!(sign(&mut bench).len(), 1);
}

#[test]
fn a_renewal_goes_on_and_a_withdrawal_ends() {
    let (mut bench, first) = granted();
    bench.observed.now = NOW.plus_seconds(27 * DAY);
    ask_to_sign(&mut bench, 11, 1, &[&csr("alpha")]);
    assert_eq!(bench.access(), ["write alpha of certificates of app1"]);
    let second = sign(&mut bench).remove(0);
    assert_ne!(second.pem, first);
    bench.ask(1, "/one/", Certificate::Text(second.pem.clone()));
    bench.access();
    assert_eq!(
        bench
            .record(1)
            .grant
            .as_ref()
            .map(|grant| &grant.certificate),
        Some(&second.pem)
    );
    // Nothing is asked for any more; then it is, again over the same relation.
    ask_to_sign(&mut bench, 11, 1, &[]);
    let lines = bench.access_all();
    assert!(lines.contains(&"delete user alpha".to_owned()), "{lines:?}");
    ask_to_sign(&mut bench, 11, 1, &[&csr("alpha")]);
    let lines = bench.access();
    assert!(lines.contains(&"add user alpha".to_owned()), "{lines:?}");
}

#[test]
fn what_cannot_be_read_is_not_withdrawn() {
    let (mut bench, _) = granted();
    let unknown = Err(UnknownRequests::Units);
    let signing = &mut bench.observed.clients.signing;
    signing.get_mut(&RelationId(11)).expect("one").asked = unknown;
    assert_eq!(bench.access(), [""; 0]);
    assert!(sign(&mut bench).is_empty());
    // Nor what another event does not speak of.
    bench.observed.clients.signing.clear();
    bench.observed.clients.scope = Scope::Only([RelationId(1)].into());
    assert_eq!(bench.access(), [""; 0]);
}

#[test]
fn an_application_changes_the_way_in_place() {
    let mut bench = Bench::new(1);
    bench.ask_as(1, "/one/", "alpha", 1);
    bench.access();
    bench.trust(&[leaf("alpha", 1)]);
    ask_to_sign(&mut bench, 11, 1, &[&csr("alpha")]);
    assert_eq!(bench.access(), ["write alpha of certificates of app1"]);
    let signed = sign(&mut bench).remove(0);
    bench.ask(1, "/one/", Certificate::Text(signed.pem));
    bench.access();
    let grant = bench.record(1).grant.as_ref().expect("a grant");
    assert!(grant.issuer.is_some());
    assert!(bench.cluster.access[&name("alpha")].user.is_some());
    // And back.
    bench.ask_as(1, "/one/", "alpha", 2);
    bench.access();
    let grant = bench.record(1).grant.as_ref().expect("a grant");
    assert!(grant.issuer.is_none());
}

#[test]
fn a_thousand_requests_are_cut_to_what_one_relation_may_have() {
    let mut bench = Bench::new(1);
    let all: Vec<_> = (0..MAX_NAMES_OF_RELATION + 5)
        .map(|at| csr(&format!("n{at}")))
        .collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    ask_to_sign(&mut bench, 11, 1, &all);
    ask_to_sign(&mut bench, 12, 2, &[&csr("beta")]);
    bench.access();
    assert_eq!(sign(&mut bench).len(), MAX_NAMES_OF_RELATION + 1);
    assert_eq!(
        refusal(&bench, 11),
        "more than 100 common names over one relation"
    );
}

/// What may happen between two plans.
#[derive(Clone, Debug)]
enum Happens {
    Asks {
        relation: u32,
        name: usize,
    },
    Withdraws {
        relation: u32,
    },
    Leaves {
        relation: u32,
    },
    Uses {
        app: u32,
        certificate: usize,
    },
    Pins {
        app: u32,
        name: usize,
    },
    GivesUp {
        app: u32,
    },
    Passes {
        days: i64,
    },
    /// A snapshot is taken.
    Saves,
    /// It is restored; no member may be there to tell what was since.
    Restores {
        knows: bool,
    },
}

const NAMES: [&str; 2] = ["alpha", "beta"];

fn happens() -> impl Strategy<Value = Happens> {
    let relation = || 11..14u32;
    let app = || 1..4u32;
    prop_oneof![
        4 => (relation(), 0..NAMES.len()).prop_map(|(relation, name)| Happens::Asks { relation, name }),
        1 => relation().prop_map(|relation| Happens::Withdraws { relation }),
        1 => relation().prop_map(|relation| Happens::Leaves { relation }),
        4 => (app(), 0..8usize).prop_map(|(app, certificate)| Happens::Uses { app, certificate }),
        1 => (app(), 0..NAMES.len()).prop_map(|(app, name)| Happens::Pins { app, name }),
        1 => app().prop_map(|app| Happens::GivesUp { app }),
        2 => (1..40i64).prop_map(|days| Happens::Passes { days }),
        1 => Just(Happens::Saves),
        1 => any::<bool>().prop_map(|knows| Happens::Restores { knows }),
    ]
}

/// What the relations say that applications are answered.
fn answered(bench: &Bench) -> BTreeMap<CommonName, SignedName> {
    let mut all = BTreeMap::new();
    for (id, relation) in &bench.observed.clients.signing {
        let answers = answers::read(&relation.own).expect("answers");
        for answer in answers.certificates {
            let leaf = ClientCertificate::read_back(&answer.certificate).expect("a leaf");
            let record = SignedName {
                relation: *id,
                app: relation.app.clone().expect("a name"),
                not_after: leaf.not_after,
                ended_at: None,
                is_revoked: false,
            };
            all.insert(leaf.common_name, record);
        }
    }
    all
}

/// Restores what was saved. Where nobody knows what was since, certificates are of
/// no concern that neither the snapshot nor a relation knows.
fn restore(bench: &mut Bench, saved: &Cluster, knows: bool, all: &mut Vec<Signed>) {
    let before = std::mem::replace(&mut bench.cluster, saved.clone()).ledger;
    let answered = answered(bench);
    let before = knows.then_some(&before.signed);
    let (names, writes) = bench.cluster.ledger.keep_signed(before, &answered);
    for write in &writes {
        bench.cluster.ledger.apply(write);
    }
    for name in names {
        // Neither user nor role is left.
        let nobody = Access {
            user: None,
            role: None,
        };
        bench.cluster.access.insert(name, nobody);
    }
    all.retain(|signed| {
        let record = bench
            .cluster
            .ledger
            .signed
            .get(&signed.certificate.common_name);
        knows
            || record.is_some_and(|record| {
                record.relation.0 == signed.relation
                    && record.not_after >= signed.certificate.not_after
            })
    });
}

/// A certificate that was signed, and for which application.
struct Signed {
    certificate: ClientCertificate,
    relation: u32,
}

/// Nobody but who a valid certificate was signed for has access in its name, and
/// without its relation nobody has.
fn judge(bench: &Bench, all: &[Signed]) {
    let now = bench.observed.now;
    for signed in all
        .iter()
        .filter(|signed| now <= signed.certificate.not_after)
    {
        let name = &signed.certificate.common_name;
        // Relation 11 is of application 1, and so on.
        let owner = format!("app{}", signed.relation - 10);
        for other in all
            .iter()
            .filter(|other| now <= other.certificate.not_after)
        {
            let is_same = other.certificate.common_name == *name;
            assert!(
                !is_same || other.relation == signed.relation,
                "{name} was signed twice"
            );
        }
        let record = bench.cluster.ledger.signed.get(name);
        let record = record.expect("a valid certificate is on record");
        assert!(signed.certificate.not_after <= record.not_after);
        assert_eq!(record.app.as_str(), owner);
        let asked = bench
            .observed
            .clients
            .signing
            .get(&RelationId(signed.relation));
        let is_asked_for = asked.is_some_and(|asked| names_of(asked).contains(name));
        let access = bench.cluster.access.get(name);
        let is_user = access.is_some_and(|access| access.user.is_some());
        let mut grants = bench.cluster.ledger.grants();
        let granted = grants.find(|(_, grant)| grant.common_name == *name);
        let app = granted.and_then(|(key, _)| bench.cluster.ledger.clients[key].app.clone());
        assert!(is_asked_for || !is_user, "{name} is revoked and has a user");
        assert_eq!(
            is_user,
            granted.is_some(),
            "a user of {name} and no grant, or the reverse"
        );
        assert!(
            app.is_none_or(|app| app.as_str() == owner),
            "{name} is another's user"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn names_are_nobody_elses_while_a_certificate_is_valid(
        events in proptest::collection::vec(happens(), 1..25),
    ) {
        let mut bench = Bench::new(1);
        bench.observed.options.prefix_policy = PrefixPolicy::Shared;
        let mut all: Vec<Signed> = Vec::new();
        let mut saved = None;
        for event in events {
            match event {
                Happens::Saves => saved = Some(bench.cluster.clone()),
                Happens::Restores { knows } => {
                    if let Some(saved) = &saved {
                        restore(&mut bench, saved, knows, &mut all);
                    }
                }
                Happens::Asks { relation, name } => {
                    ask_to_sign(&mut bench, relation, relation - 10, &[&csr(NAMES[name])]);
                }
                Happens::Withdraws { relation } => {
                    ask_to_sign(&mut bench, relation, relation - 10, &[]);
                }
                Happens::Leaves { relation } => {
                    bench.observed.clients.signing.remove(&RelationId(relation));
                }
                Happens::Uses { app, certificate } => {
                    if let Some(signed) = all.iter().rev().nth(certificate) {
                        let text = Certificate::Text(signed.certificate.pem.clone());
                        bench.ask(app, "/one/", text);
                    }
                }
                Happens::Pins { app, name } => bench.ask_as(app, "/one/", NAMES[name], app),
                Happens::GivesUp { app } => bench.leave(app),
                Happens::Passes { days } => {
                    bench.observed.now = bench.observed.now.plus_seconds(days * DAY);
                }
            }
            bench.access_all();
            let known: BTreeSet<_> = bench.cluster.ledger.clients.keys().cloned().collect();
            prop_assert!(known.iter().all(|known| *known == key(known.relation.0)));
            for certificate in sign(&mut bench) {
                let record = &bench.cluster.ledger.signed[&certificate.common_name];
                let relation = record.relation.0;
                all.push(Signed { certificate, relation });
            }
            let steps = access::plan(&bench.observed, &bench.cluster, &mut bench.report);
            prop_assert_eq!(steps, []);
            judge(&bench, &all);
        }
    }
}

#[test]
fn a_pinned_certificate_is_none_of_ours() {
    let mut bench = Bench::new(1);
    let text = certificate("alpha", 1);
    let pinned = ClientCertificate::read_back(&text).expect("a leaf");
    let authority = client_authority().expect("an authority");
    assert_eq!(pinned.issuer_among(&authority.certificate), None);
    bench.ask_as(1, "/one/", "alpha", 1);
    bench.access();
    assert!(
        bench
            .record(1)
            .grant
            .as_ref()
            .is_some_and(|grant| grant.issuer.is_none())
    );
}
