//! What others are told, and when.

use crate::facts::observed::{AcrossModels, Certificate, Pass};
use crate::facts::{
    ClientRecord, Databag, Known, LedgerWrite, MemberId, MemberName, Reason, RelationId, SecretUri,
};
use crate::plan::Stage;
use crate::plan::publish::{Changes, Publication, RelationPublication, while_waiting};
use crate::plan::testing::{Bench, key, leaf, member};
use crate::relation;
use crate::relation::peer::UnitData;

const USER: &str = "secret:0000000000000000user";
const TLS: &str = "secret:00000000000000000tls";

fn uri(text: &str) -> SecretUri {
    text.parse().expect("a URI")
}

/// A bench with `alpha` granted to 1, and trusted by all members.
fn granted(members: u64) -> Bench {
    let mut bench = Bench::new(members);
    bench.serve(1, "/one/", "alpha");
    bench.trust(&[leaf("alpha", 1)]);
    bench
}

/// As [`granted`], and the answer stands already.
fn answered(members: u64) -> Bench {
    let mut bench = granted(members);
    let answer = answer(&publication(&mut bench)).clone();
    let made = [
        (answer.answers[0].user.label.clone(), uri(USER)),
        (answer.answers[0].tls.label.clone(), uri(TLS)),
    ];
    for (key, value) in answer.changes(&made.into()) {
        let value = value.expect("nothing is deleted");
        bench.relation(1).own.insert(key, value);
    }
    let record = ClientRecord {
        answer: Some(answer.answers[0].digest.clone()),
        ..bench.record(1).clone()
    };
    bench
        .cluster
        .ledger
        .apply(&LedgerWrite::Record(key(1), record));
    bench
}

fn publication(bench: &mut Bench) -> Publication {
    match bench.stage() {
        Stage::Publish(publication) => *publication,
        stage => panic!("{stage:?}"),
    }
}

fn answer(publication: &Publication) -> &RelationPublication {
    assert_eq!(publication.relations.len(), 1);
    &publication.relations[0]
}

#[test]
fn an_answer_is_whole() {
    let publication = publication(&mut granted(2));
    let relation = answer(&publication);
    // Without the URIs of both secrets nothing is said at all.
    assert!(relation.changes(&Default::default()).is_empty());
    let [answer] = relation.answers.as_slice() else {
        panic!("one request, one answer");
    };
    assert_eq!(answer.user.label, "etcd-client.1.user.secret");
    assert_eq!(answer.tls.label, "etcd-client.1.tls.secret");
    assert_eq!(answer.user.content["username"].expose(), "alpha");
    assert_eq!(
        answer.user.content["uris"].expose(),
        "https://10.0.0.1:2379,https://10.0.0.2:2379"
    );
    let ca = answer.tls.content["tls-ca"].expose();
    assert_eq!(ca, "the servers' authority");
    let made = [
        (answer.user.label.clone(), uri(USER)),
        (answer.tls.label.clone(), uri(TLS)),
    ];
    let changes = relation.changes(&made.into());
    let change = |key: &str| changes[key].as_deref();
    assert_eq!(change("endpoints"), Some("10.0.0.1:2379,10.0.0.2:2379"));
    assert_eq!(change("secret-user"), Some(USER));
    assert_eq!(change("secret-tls"), Some(TLS));
    assert_eq!(change("version"), Some("3.6.14"));
    assert_eq!(changes.len(), 4);
}

#[test]
fn only_members_that_are_ready_are_published() {
    let mut bench = granted(4);
    bench.cluster.members[1].learner = true;
    let trusts = &mut bench.cluster.ledger.members;
    trusts.remove(&MemberName::new("etcd-2"));
    let restarting = trusts.get_mut(&MemberName::new("etcd-3"));
    let restarting = restarting.expect("a member");
    restarting.starting = Some(std::mem::take(&mut restarting.loaded));
    let publication = publication(&mut bench);
    let endpoints = &answer(&publication).answers[0].endpoints;
    assert_eq!(*endpoints, ["10.0.0.1:2379"]);
    bench.cluster.ledger.members.clear();
    bench.observed.leader = true;
    assert!(matches!(bench.stage(), Stage::Restart(_)));
}

#[test]
fn an_answer_that_stands_is_left_alone() {
    let publication = publication(&mut answered(2));
    assert!(publication.relations.is_empty());
    assert!(publication.ledger.is_empty());
    assert!(publication.obsolete_secrets.is_empty());
}

#[test]
fn contents_that_change_are_forgotten_before_they_are_written() {
    let mut bench = answered(1);
    bench.cluster.members.push(member(1));
    bench.cluster.answering.insert(MemberId(101));
    let trust = bench.cluster.ledger.members[&MemberName::new("etcd-0")].clone();
    let members = &mut bench.cluster.ledger.members;
    members.insert(MemberName::new("etcd-1"), trust);
    let publication = publication(&mut bench);
    let invalidated = ClientRecord {
        answer: None,
        ..bench.record(1).clone()
    };
    assert_eq!(
        publication.ledger,
        [LedgerWrite::Record(key(1), invalidated)]
    );
    let relation = answer(&publication);
    assert!(!relation.answers[0].is_verified());
    // The secrets are changed in place, so their URIs are told already.
    let changes: Vec<_> = relation.changes(&Default::default()).into_keys().collect();
    assert_eq!(changes, ["endpoints"]);
}

#[test]
fn nothing_changes_while_no_member_is_ready() {
    let mut bench = answered(2);
    bench.serve(1, "/one/", "beta");
    // No restart is safe now, so nobody trusts the new certificate yet.
    bench.cluster.answering.remove(&MemberId(101));
    let publication = publication(&mut bench);
    assert!(publication.relations.is_empty(), "{publication:?}");
    assert!(publication.ledger.is_empty());
}

#[test]
fn an_answer_goes_together_with_its_secrets() {
    let mut bench = answered(1);
    bench.ask(1, "/one/", Certificate::Absent);
    bench.access();
    bench.observed.pass = Pass::Event;
    let publication = publication(&mut bench);
    let obsolete = &publication.relations[0].obsolete_secrets;
    assert_eq!(*obsolete, [uri(USER), uri(TLS)]);
    let changes = answer(&publication).changes(&Default::default());
    assert!(changes.values().all(Option::is_none));
    let keys: Vec<_> = changes.into_keys().collect();
    assert_eq!(keys, ["endpoints", "secret-tls", "secret-user", "version"]);
}

#[test]
fn what_cannot_be_read_keeps_its_answer() {
    let mut bench = answered(1);
    bench.relation(1).asked = Err(Reason::Relation(relation::RelationRefusal::RequestsNotJson));
    bench.access();
    let publication = publication(&mut bench);
    assert!(publication.relations.is_empty());
    assert!(publication.obsolete_secrets.is_empty());
}

#[test]
fn the_secrets_of_a_relation_that_ends_go_with_it() {
    let mut bench = answered(1);
    let mut own = bench.relation(1).own.clone();
    let key = "secret:0000000000000000key1";
    own.insert(relation::ENCRYPTION_SECRET.to_owned(), key.to_owned());
    bench.leave(1);
    bench.access();
    bench.observed.pass = Pass::Event;
    bench.observed.clients.broken.insert(RelationId(1), own);
    let publication = publication(&mut bench);
    let obsolete = [uri(USER), uri(TLS), uri(key)];
    assert_eq!(publication.obsolete_secrets, obsolete);
}

#[test]
fn the_key_for_encryption_goes_with_the_relation_only() {
    let labels = |bench: &mut Bench| {
        bench.access();
        bench.trust(&[]);
        bench.access_all();
        let departed = publication(bench).departed;
        assert_eq!(departed.len(), 1);
        departed[0].labels.clone()
    };
    let user = "etcd-client.1.user.secret";
    let tls = "etcd-client.1.tls.secret";
    let mut bench = answered(1);
    bench.relation(1).asked = Ok(None);
    assert_eq!(labels(&mut bench), [user, tls]);
    bench.leave(1);
    let encryption = "etcd-client.1.encryption.secret";
    assert_eq!(labels(&mut bench), [user, tls, encryption]);
}

#[test]
fn a_key_for_encryption_is_made_where_it_is_needed() {
    let needs = |cross_model: bool, certificate: Option<&str>, own: &[(&str, &str)]| {
        let mut bench = Bench::new(1);
        bench.ask(1, "/one/", Certificate::Absent);
        let pairs = [("prefix", "/one/")].into_iter();
        let bag: Databag = pairs
            .chain(certificate.map(|text| ("mtls-cert", text)))
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        let relation = bench.relation(1);
        relation.asked = relation::read(&bag).map_err(Reason::Relation);
        relation.across_models = cross_model.then_some(AcrossModels::Offered);
        relation.own = own
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        bench.access();
        let publication = publication(&mut bench);
        let mut relations = publication.relations.iter();
        relations.any(|relation| relation.makes_encryption_key)
    };
    assert!(needs(true, None, &[]));
    assert!(!needs(false, None, &[]));
    assert!(!needs(true, Some("in clear"), &[]));
    assert!(!needs(true, None, &[("encryption-secret", "secret:x")]));
}

#[test]
fn only_the_leader_answers() {
    let mut bench = granted(2);
    bench.observed.leader = false;
    let publication = publication(&mut bench);
    assert!(publication.relations.is_empty());
    assert!(publication.peer_app.is_empty());
}

#[test]
fn a_member_that_does_not_answer_stays_until_its_unit_has_left() {
    let endpoints = |bench: &mut Bench| {
        let publication = publication(bench);
        let relation = publication.relations.first();
        relation.map(|relation| relation.answers[0].endpoints.len())
    };
    let mut bench = answered(3);
    assert_eq!(endpoints(&mut bench), None, "it stands");
    bench.cluster.answering.remove(&MemberId(102));
    for pass in [Pass::Event, Pass::Full] {
        for is_regular in [false, true] {
            (bench.observed.pass, bench.observed.is_regular) = (pass, is_regular);
            assert_eq!(endpoints(&mut bench), None, "{pass:?}");
        }
    }
    // Its unit is gone; it may still be on the list.
    let unreachable = MemberName::new("etcd-2");
    bench.observed.departed.insert(unreachable, None);
    let (observed, relation) = (&bench.observed, RelationId(1));
    let asked = &observed.clients.relations[&relation];
    let published = super::answers::answers(observed, &bench.cluster, relation, asked);
    assert_eq!(published[0].endpoints, ["10.0.0.1:2379", "10.0.0.2:2379"]);
    // Who was told nothing yet is not sent to one that is unreachable.
    let mut bench = granted(3);
    bench.cluster.answering.remove(&MemberId(102));
    bench.observed.is_regular = false;
    assert_eq!(endpoints(&mut bench), Some(2));
}

#[test]
fn a_vote_that_comes_in_a_later_hook_wakes_who_waits_to_join() {
    let mut bench = Bench::new(2);
    bench.cluster.members[0].learner = true;
    let published = |bench: &Bench| {
        let mut observed = bench.observed.clone();
        observed.cluster = Known::Known(bench.cluster.clone());
        while_waiting(&observed).peer_unit
    };
    let first = published(&bench);
    assert!(first.contains_key("trust") && !first.contains_key("vote"));
    let values = first
        .into_iter()
        .map(|(key, value)| (key, value.expect("a value")));
    bench.peers().own = UnitData::read(&values.collect());
    assert_eq!(published(&bench), Changes::new());
    bench.cluster.members[0].learner = false;
    let vote = ("vote".to_owned(), Some("true".to_owned()));
    assert_eq!(published(&bench), [vote].into());
}

/// What the peers are told, by this unit and by the leader for all.
fn published_to_peers(bench: &mut Bench) -> [Vec<(String, String)>; 2] {
    let publication = publication(bench);
    [publication.peer_unit, publication.peer_app].map(|changes| {
        changes
            .into_iter()
            .filter(|(key, _)| ["generation", "seed", "token"].contains(&key.as_str()))
            .map(|(key, value)| (key, value.expect("nothing is deleted")))
            .collect()
    })
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn whoever_recreates_a_cluster_says_so() {
    let mut bench = Bench::new(1);
    assert_eq!(published_to_peers(&mut bench), [pairs(&[]), pairs(&[])]);
    let bootstrap = bench.bootstrap();
    (bootstrap.generation, bootstrap.token) = (7, "new".to_owned());
    bench.configure();
    let own = [("generation", "7"), ("seed", "etcd-0"), ("token", "new")];
    // It is the initial member of the deployment as well, so that need not be said.
    let for_all = [("generation", "7"), ("token", "new")];
    assert_eq!(
        published_to_peers(&mut bench),
        [pairs(&own), pairs(&for_all)]
    );
}

#[test]
fn the_leader_repeats_what_another_has_bootstrapped() {
    let mut bench = Bench::new(3);
    let bootstrap = bench.bootstrap();
    (bootstrap.generation, bootstrap.token) = (7, "new".to_owned());
    bootstrap.existing = true;
    bench.configure();
    for (member, bag) in [
        ("etcd-1", &[("generation", "7"), ("token", "new")][..]),
        (
            "etcd-2",
            &[("generation", "7"), ("token", "new"), ("seed", "etcd-2")][..],
        ),
        ("etcd-3", &[("generation", "6"), ("seed", "etcd-3")][..]),
    ] {
        let unit = UnitData::read(&pairs(bag).into_iter().collect());
        bench.peers().others.insert(MemberName::new(member), unit);
    }
    let for_all = [("generation", "7"), ("seed", "etcd-2"), ("token", "new")];
    let own = [("generation", "7"), ("token", "new")];
    assert_eq!(
        published_to_peers(&mut bench),
        [pairs(&own), pairs(&for_all)]
    );
}
