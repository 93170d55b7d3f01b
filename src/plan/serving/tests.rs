//! When a member shows what a provider has given.

use std::collections::BTreeSet;

use tls_certificates::Unreadable;
use tls_certificates::answers::{Answer as Entry, Answers, CERTIFICATES, Code, RequestError};

use super::{names, note, steps, trust};
use crate::facts::observed::{Provider, ProviderUnknown};
use crate::facts::provider::{KeyPair, PendingRequest, ProviderState};
use crate::facts::{Known, RelationId, Timestamp};
use crate::plan::machine::MachineStep;
use crate::plan::testing::{Bench, DAY, NOW};
use crate::relation::peer::UnitData;
use crate::tls::Authority;

const ADDRESS: &str = "10.0.0.1";

/// A provider with an authority of its own, which has given this unit a certificate.
struct World {
    bench: Bench,
    authority: Authority,
}

impl World {
    fn new() -> Self {
        let mut bench = Bench::new(2);
        bench.observed.cluster = Known::Known(bench.cluster.clone());
        bench.observed.options.provider_grace_minutes = 0;
        let own = pair(&bench.authorities().server.clone(), &bench);
        bench.observed.machine.own_pair = Some(own.clone());
        bench.observed.machine.served = Some(own);
        let authority = Authority::create("vault", NOW, 3650 * DAY).expect("an authority");
        let mut world = Self { bench, authority };
        world.give(90 * DAY);
        world
    }

    /// Asks with another key, and is given a certificate for so long.
    fn give(&mut self, seconds: i64) {
        let names = names(&self.bench.observed, ADDRESS);
        let issued = self
            .authority
            .issue_server("etcd-charm:etcd-0", &names, NOW, seconds)
            .expect("a certificate");
        let csr = format!("request for {}", issued.certificate.len());
        let answer = Entry {
            csr: csr.clone(),
            certificate: issued.certificate,
            ca: self.authority.certificate.clone(),
            chain: Vec::new(),
            is_revoked: false,
        };
        self.bench.observed.machine.pending_request = Some(PendingRequest {
            relation: RelationId(7),
            names,
            made_at: NOW,
            csr,
            key: issued.key,
        });
        self.bench.observed.provider = Known::Known(Some(Provider {
            relation: RelationId(7),
            app: "vault".parse().expect("a name"),
            published: None,
            answers: Ok(Answers {
                certificates: vec![answer],
                ..Answers::default()
            }),
        }));
    }

    fn provider(&mut self) -> &mut Provider {
        match &mut self.bench.observed.provider {
            Known::Known(Some(provider)) => provider,
            _ => panic!("no provider"),
        }
    }

    fn answers(&mut self) -> &mut Answers {
        self.provider().answers.as_mut().expect("answers")
    }

    fn steps(&self) -> Vec<MachineStep> {
        steps(&self.bench.observed, ADDRESS)
    }

    /// Carries out what can be, as far as it goes.
    fn rest(&mut self) {
        for _ in 0..5 {
            let steps = self.steps();
            let machine = &mut self.bench.observed.machine;
            for step in steps {
                match step {
                    MachineStep::StoreProviderTrust(text) => machine.provider_ca = text,
                    MachineStep::Show(pair) => machine.served = Some(pair),
                    MachineStep::ForgetRequest => machine.pending_request = None,
                    other => panic!("{other:?}"),
                }
            }
            self.publish();
        }
    }

    /// Publishes as this unit, and has the other confirm whatever it reads.
    fn publish(&mut self) {
        let observed = &mut self.bench.observed;
        let mut peers = observed.peers.read().cloned().expect("peers");
        let app = trust::app_changes(observed, &peers);
        let mut unit = trust::unit_changes(observed, &peers);
        unit.extend(trust::confirmation(observed, &peers));
        let value = |changes: &crate::relation::peer::Changes, key: &str| changes.get(key).cloned();
        if let Some(text) = value(&app, "provider-ca") {
            peers.app.provider_ca = text;
        }
        if let Some(from) = value(&app, "provider-ca-from") {
            peers.app.provider_from = from.and_then(|from| from.parse().ok());
        }
        if let Some(text) = value(&unit, "provider-ca") {
            peers.own.provider_ca = text;
        }
        if let Some(text) = value(&unit, "provider-ca-trusted") {
            peers.own.provider_trust = text;
        }
        observed.peers = peers.into();
    }

    fn other(&mut self) -> &mut UnitData {
        let name = self.bench.cluster.members[1].name.clone().expect("a name");
        self.bench.peers().others.entry(name).or_default()
    }

    /// The other unit has read what this one has announced.
    fn other_confirms(&mut self) {
        let own = self.bench.observed.peers.read().expect("peers");
        let stamp = own.own.provider_trust.clone();
        self.other().provider_trust = stamp;
    }

    fn shows_own(&self) -> bool {
        self.bench.observed.machine.served == self.bench.observed.machine.own_pair
    }

    fn announced(&self) -> BTreeSet<String> {
        let peers = self.bench.observed.peers.read().expect("peers");
        let text = peers.app.provider_ca.as_deref().unwrap_or_default();
        crate::tls::certificates_in(text)
    }
}

fn pair(authority: &Authority, bench: &Bench) -> KeyPair {
    let names = names(&bench.observed, ADDRESS);
    let issued = authority.issue_server("own", &names, NOW, 90 * DAY);
    let issued = issued.expect("a certificate");
    KeyPair {
        certificates: issued.certificate,
        key: issued.key,
    }
}

fn shown() -> World {
    let mut world = World::new();
    world.rest();
    world.other_confirms();
    world.rest();
    assert!(!world.shows_own());
    world
}

#[test]
fn nobody_is_shown_an_authority_before_all_units_know_it() {
    let mut world = World::new();
    world.rest();
    assert!(world.shows_own());
    assert_eq!(
        world.announced(),
        [world.authority.certificate.clone()].into()
    );
    let note = note(&world.bench.observed).expect("a note");
    assert!(matches!(note.state, ProviderState::Learned(who) if who.contains("etcd/1")));
    // Of something else it has confirmed nothing.
    world.other().provider_trust = Some("other".to_owned());
    world.rest();
    assert!(world.shows_own());
    world.other_confirms();
    world.rest();
    assert!(!world.shows_own());
    let all = &world.bench.observed.machine;
    assert_ne!(all.client_trust().as_deref(), None);
    assert!(
        !all.client_trust()
            .expect("one")
            .contains(&world.authority.certificate)
    );
}

#[test]
fn clients_have_their_time_unless_there_are_none() {
    let mut world = World::new();
    world.bench.observed.options.provider_grace_minutes = 10;
    world.rest();
    let peers = world.bench.observed.peers.read().cloned().expect("peers");
    assert_eq!(peers.app.provider_from, Some(NOW.0));
    world.other_confirms();
    // As if it had been said for later.
    world.bench.peers().app.provider_from = Some(NOW.0 + 600);
    world.rest();
    world.other_confirms();
    world.rest();
    assert!(world.shows_own());
    world.bench.observed.now = NOW.plus_seconds(600);
    world.rest();
    assert!(!world.shows_own());
}

#[test]
fn without_a_relation_the_own_certificate_is_shown_at_once() {
    let mut world = shown();
    world.bench.observed.provider = Known::Unknown(ProviderUnknown::Relation);
    world.rest();
    assert!(!world.shows_own(), "unknown is not gone");
    world.bench.observed.provider = Known::Known(None);
    world.rest();
    assert!(world.shows_own());
    assert_eq!(world.bench.observed.machine.pending_request, None);
    // Clients are told of it until every unit has confirmed that it is over.
    assert_eq!(world.announced().len(), 1);
    world.other_confirms();
    world.rest();
    assert!(world.announced().is_empty());
    assert_eq!(world.bench.observed.machine.provider_ca, "");
}

#[test]
fn what_another_unit_shows_is_not_forgotten() {
    let mut world = shown();
    world.other().provider_ca = Some(world.authority.certificate.clone());
    world.bench.observed.provider = Known::Known(None);
    world.rest();
    world.other_confirms();
    world.rest();
    assert!(world.shows_own());
    assert_eq!(world.announced().len(), 1);
    world.other().provider_ca = None;
    world.rest();
    world.other_confirms();
    world.rest();
    assert!(world.announced().is_empty());
}

#[test]
fn a_renewal_by_the_same_authority_waits_for_nobody() {
    let mut world = shown();
    let before = world.bench.observed.machine.served.clone();
    world.other().provider_trust = None;
    world.give(80 * DAY);
    world.rest();
    assert_ne!(world.bench.observed.machine.served, before);
    assert!(!world.shows_own());
}

#[test]
fn it_is_asked_again_near_the_end_and_not_in_every_hook() {
    let mut world = shown();
    let asks = |world: &World| matches!(world.steps().as_slice(), [MachineStep::Request(..)]);
    world.bench.observed.now = NOW.plus_seconds(80 * DAY);
    assert!(!asks(&world));
    world.bench.observed.now = NOW.plus_seconds(81 * DAY + DAY / 24);
    assert!(asks(&world));
    let now = world.bench.observed.now;
    let pending = world.bench.observed.machine.pending_request.as_mut();
    pending.expect("one").made_at = now;
    assert!(!asks(&world), "it was asked a moment ago");
    // What has ended is not shown, and asked for again.
    world.bench.observed.now = NOW.plus_seconds(91 * DAY);
    assert!(asks(&world));
}

#[test]
fn other_names_and_another_relation_are_another_request() {
    let mut world = shown();
    let addresses = &mut world.bench.observed.machine.other_addresses;
    addresses.insert("10.0.0.9".to_owned());
    assert!(
        matches!(world.steps().as_slice(), [MachineStep::Request(_, names)]
        if names.contains("10.0.0.9"))
    );
    let mut world = shown();
    world.provider().relation = RelationId(8);
    assert!(matches!(
        world.steps().as_slice(),
        [MachineStep::Request(RelationId(8), _)]
    ));
}

#[test]
fn what_cannot_be_used_changes_nothing_and_is_said() {
    let state = |change: &dyn Fn(&mut World)| {
        let mut world = shown();
        let served = world.bench.observed.machine.served.clone();
        change(&mut world);
        world.rest();
        assert_eq!(world.bench.observed.machine.served, served);
        note(&world.bench.observed).expect("a note").state
    };
    let unfit = |reason: &str| ProviderState::Unfit(reason.to_owned());
    let another_key = |world: &mut World| {
        let own = world.bench.observed.machine.own_pair.clone().expect("one");
        let pending = world.bench.observed.machine.pending_request.as_mut();
        pending.expect("one").key = own.key;
    };
    assert_eq!(
        state(&another_key),
        unfit("the certificate is for another key")
    );
    let unrelated = Authority::create("vault", NOW, DAY).expect("an authority");
    let another_ca =
        |world: &mut World| world.answers().certificates[0].ca = unrelated.certificate.clone();
    let expected = "the certificate is not signed by the CA beside it";
    assert_eq!(state(&another_ca), unfit(expected));
    let revoked = |world: &mut World| world.answers().certificates[0].is_revoked = true;
    assert_eq!(state(&revoked), ProviderState::Revoked);
    let withdrawn = |world: &mut World| world.answers().certificates[0].csr = "x".to_owned();
    assert_eq!(state(&withdrawn), ProviderState::Asked);
    let nonsense =
        |world: &mut World| world.provider().answers = Err(Unreadable::NotAList(CERTIFICATES));
    assert_eq!(
        state(&nonsense),
        unfit("certificates is not a list in JSON")
    );
    let refused = |world: &mut World| {
        let csr = world.answers().certificates.remove(0).csr;
        world.answers().errors.push(RequestError {
            csr,
            code: Code::IpNotAllowed,
            message: "no".to_owned(),
            reason: None,
        });
    };
    let expected = ProviderState::Refused("no (101)".to_owned());
    assert_eq!(state(&refused), expected);
}

#[test]
fn too_many_authorities_are_not_announced() {
    let mut world = shown();
    let many: String = (0..17)
        .map(|n| {
            Authority::create(&format!("{n}"), NOW, DAY)
                .expect("one")
                .certificate
        })
        .collect();
    world.other().provider_ca = Some(many);
    world.rest();
    assert_eq!(world.announced().len(), 1);
    assert!(!world.shows_own());
}

#[test]
fn a_provider_that_replaces_its_authority_many_times_is_followed_in_the_end() {
    let mut world = World::new();
    for number in 0..18 {
        world.authority = Authority::create(&format!("{number}"), NOW, DAY).expect("one");
        world.give(DAY / 2);
        world.rest();
    }
    assert_eq!(world.announced().len(), 16);
    assert!(!world.announced().contains(&world.authority.certificate));
    assert!(world.shows_own());
    let note = note(&world.bench.observed).expect("a note");
    assert!(
        matches!(&note.state, ProviderState::Learned(who) if who.contains("16")),
        "{note:?}"
    );
    // Those that nobody speaks of any more make room.
    for _ in 0..3 {
        world.other_confirms();
        world.rest();
    }
    assert!(!world.shows_own());
    let newest = [world.authority.certificate.clone()].into();
    assert_eq!(world.announced(), newest);
}

#[test]
fn what_has_expired_is_not_shown() {
    let mut world = shown();
    world.bench.observed.now = Timestamp(NOW.0 + 91 * DAY);
    world.answers().certificates.clear();
    world.rest();
    assert!(world.shows_own());
}
