//! When an authority takes its next step.

use std::collections::BTreeSet;

use super::rotation::RotationStage;
use super::{admin, next, progress};
use crate::facts::authorities::{Authorities, GraceRotation, Rotation};
use crate::facts::{ClientRecord, Grant, IssuedRecord, IssuedState, Purpose, Timestamp};
use crate::plan::Stage;
use crate::plan::restart::RestartStep;
use crate::plan::testing::{Bench, DAY, NOW, key};
use crate::tls::{
    Authority, ClientCertificate, ClientRequest, OwnCertificate, OwnRequest, TrustBundle, digest,
};

fn authority(name: &str) -> Authority {
    Authority::create(name, NOW, 3650 * DAY).expect("an authority")
}

/// A cluster of two at rest, but for this replacement, which both members have
/// followed as far as they can.
fn bench(rotation: impl FnOnce(&Authorities) -> Rotation) -> Bench {
    let mut bench = Bench::new(2);
    let mut authorities = bench.authorities().clone();
    authorities.rotation = Some(rotation(&authorities));
    follow(&mut bench, &authorities);
    bench
}

/// Makes everything as it is when both members have followed.
fn follow(bench: &mut Bench, authorities: &Authorities) {
    let machine = &mut bench.observed.machine;
    let names = machine
        .server_certificate
        .as_ref()
        .expect("one")
        .san
        .clone();
    let issued = authorities
        .server
        .issue_server("server", &names, NOW, 90 * DAY)
        .expect("a certificate");
    machine.server_certificate = OwnCertificate::read(&issued.certificate).ok();
    machine.server_ca = Some(authorities.server_trust());
    machine.loaded_server_trust = Some(digest(authorities.server_trust().as_bytes()));
    machine.authorities = Some(authorities.clone());
    bench.configure();
    let published = super::published(&bench.observed).expect("something to tell");
    tell(bench, &published);
}

/// The other unit says this.
fn tell(bench: &mut Bench, published: &str) {
    let other = bench.cluster.members[1].name.clone().expect("a name");
    let bag = bench.peers().others.entry(other).or_default();
    bag.server_ca = Some(published.to_owned());
}

fn introduced(from: Timestamp) -> Bench {
    bench(|_| Rotation::Next {
        authority: authority("next"),
        from,
    })
}

/// How far the only replacement has come.
fn stage(bench: &Bench) -> Option<RotationStage> {
    let mut all = progress(&bench.observed, &bench.cluster);
    assert!(all.len() <= 1, "{all:?}");
    all.pop().map(|progress| progress.stage)
}

#[test]
fn at_rest_nothing_is_replaced() {
    let bench = Bench::new(2);
    assert!(next(&bench.observed, &bench.cluster).is_none());
    assert_eq!(progress(&bench.observed, &bench.cluster), []);
}

#[test]
fn the_next_one_signs_when_everybody_trusts_it_and_its_time_has_come() {
    let bench = introduced(NOW);
    let switched = next(&bench.observed, &bench.cluster).expect("a step");
    let before = bench.authorities();
    assert!(matches!(&switched.rotation, Some(Rotation::Previous(old))
        if *old == before.server.certificate));
    assert_ne!(switched.server.certificate, before.server.certificate);
    assert_eq!(switched.admin.certificate, before.admin.certificate);
    assert_eq!(before.server_trust(), switched.server_trust());
    let early = introduced(NOW.plus_seconds(1));
    assert!(next(&early.observed, &early.cluster).is_none());
    assert_eq!(
        stage(&early),
        Some(RotationStage::SignsFrom(NOW.plus_seconds(1)))
    );
}

#[test]
fn a_member_that_is_behind_or_unreachable_holds_every_step_up() {
    for rotation in [true, false] {
        let mut bench = bench(|authorities| match rotation {
            true => Rotation::Next {
                authority: authority("next"),
                from: NOW,
            },
            false => Rotation::Previous(authorities.admin.certificate.clone()),
        });
        tell(&mut bench, "0011223344556677 0011223344556677");
        assert!(next(&bench.observed, &bench.cluster).is_none());
        let behind = vec!["etcd/1".to_owned()];
        assert_eq!(stage(&bench), Some(RotationStage::Behind(behind)));
        bench
            .observed
            .peers
            .read_mut()
            .expect("peers")
            .others
            .clear();
        assert!(next(&bench.observed, &bench.cluster).is_none());
    }
}

#[test]
fn the_previous_one_goes_when_nobody_shows_its_certificates() {
    let mut bench = introduced(NOW);
    let old = bench.observed.machine.server_certificate.clone();
    let switched = next(&bench.observed, &bench.cluster).expect("a step");
    follow(&mut bench, &switched);
    let finished = next(&bench.observed, &bench.cluster).expect("a step");
    assert!(finished.rotation.is_none());
    assert_eq!(finished.server_trust(), switched.server.certificate);

    bench.observed.machine.server_certificate = old;
    assert!(next(&bench.observed, &bench.cluster).is_none());
}

#[test]
fn only_the_leader_takes_a_step_and_tells_all_units() {
    let mut bench = introduced(NOW);
    let Stage::Publish(publication) = bench.stage() else {
        panic!("not at rest")
    };
    let authorities = publication.authorities.expect("a step");
    let announced = Some(authorities.announcement());
    assert_eq!(publication.peer_app.get("authorities"), Some(&announced));

    bench.observed.leader = false;
    assert!(next(&bench.observed, &bench.cluster).is_none());
}

#[test]
fn a_step_is_announced_again_where_the_announcement_was_lost() {
    let mut bench = introduced(NOW.plus_seconds(60));
    let authorities = bench.observed.machine.authorities.clone();
    let published = authorities.expect("authorities").announcement();
    bench.peers().app.authorities = Some("of the step before".to_owned());
    let Stage::Publish(publication) = bench.stage() else {
        panic!("not at rest")
    };
    assert!(publication.authorities.is_none());
    assert_eq!(
        publication.peer_app.get("authorities"),
        Some(&Some(published.clone()))
    );

    bench.peers().app.authorities = Some(published);
    let Stage::Publish(publication) = bench.stage() else {
        panic!("not at rest")
    };
    assert_eq!(publication.peer_app.get("authorities"), None);
}

/// A cluster of two in which both members have followed this replacement of the
/// administrators' authority.
fn administrators(rotation: impl FnOnce(&Authorities) -> GraceRotation) -> Bench {
    let mut bench = Bench::new(2);
    let mut authorities = bench.authorities().clone();
    authorities.admin_rotation = Some(rotation(&authorities));
    follow_administrators(&mut bench, &authorities);
    bench
}

fn follow_administrators(bench: &mut Bench, authorities: &Authorities) {
    let machine = &mut bench.observed.machine;
    let issued = authorities.admin.issue_client("root", NOW, 90 * DAY);
    let issued = issued.expect("a certificate");
    machine.admin_certificate = OwnCertificate::read(&issued.certificate).ok();
    machine.admin_ca = Some(authorities.admin_trust());
    machine.client_ca = authorities.signing_trust();
    let trusted = TrustBundle::new(&authorities.client_trust()).expect("authorities");
    machine.loaded_authorities = Some(trusted.fingerprints());
    machine.authorities = Some(authorities.clone());
    bench.configure();
    let published = admin::published(&bench.observed).expect("something to tell");
    let other = bench.cluster.members[1].name.clone().expect("a name");
    let bag = bench.peers().others.entry(other).or_default();
    bag.admin_ca = Some(published);
}

/// Credentials of a person, which this authority has signed.
fn credentials(bench: &mut Bench, issuer: Option<String>) -> IssuedRecord {
    let record = IssuedRecord {
        purpose: Purpose::Operator,
        prefix: None,
        fingerprint: None,
        issuer,
        issued_at: NOW,
        not_after: NOW.plus_seconds(DAY),
        state: IssuedState::InForce,
        archive: None,
        ended_at: None,
    };
    let name = "alice".parse().expect("a name");
    let issued = &mut bench.cluster.ledger.issued;
    issued.insert(name, record.clone());
    record
}

#[test]
fn the_next_administrators_sign_when_everybody_trusts_them_and_the_others_end_in_time() {
    let mut bench = administrators(|_| GraceRotation::Next {
        authority: authority("next"),
        grace_seconds: 60,
    });
    let before = bench.authorities().clone();
    let switched = next(&bench.observed, &bench.cluster).expect("a step");
    assert_ne!(switched.admin.certificate, before.admin.certificate);
    assert_eq!(switched.server.certificate, before.server.certificate);
    assert_eq!(switched.admin_trust(), before.admin_trust());

    let record = credentials(&mut bench, Some(before.admin_issuer()));
    bench.observed.machine.authorities = Some(switched.clone());
    // Units have their own certificates from the one before.
    bench.observed.now = NOW.plus_seconds(60);
    assert!(next(&bench.observed, &bench.cluster).is_none());
    follow_administrators(&mut bench, &switched);
    bench.observed.now = NOW.plus_seconds(59);
    assert!(next(&bench.observed, &bench.cluster).is_none());
    let ending = admin::ending_credentials(&bench.observed, &bench.cluster);
    let end = NOW.plus_seconds(60);
    assert_eq!(ending, [("alice".parse().expect("a name"), end)]);
    bench.observed.now = end;
    let finished = next(&bench.observed, &bench.cluster).expect("a step");
    assert!(finished.admin_rotation.is_none());
    assert_eq!(finished.admin_trust(), switched.admin.certificate);

    // What the one before has signed is worth nothing once all have dropped it.
    let worthless = |bench: &Bench| admin::is_worthless(&bench.observed, &bench.cluster, &record);
    bench.observed.machine.authorities = Some(finished.clone());
    assert!(!worthless(&bench), "it is loaded still");
    follow_administrators(&mut bench, &finished);
    assert!(worthless(&bench));
    let record = credentials(&mut bench, Some(finished.admin_issuer()));
    assert!(!admin::is_worthless(
        &bench.observed,
        &bench.cluster,
        &record
    ));
}

#[test]
fn a_member_that_has_not_loaded_the_administrators_holds_every_step_up_and_restarts() {
    let mut bench = administrators(|_| GraceRotation::Next {
        authority: authority("next"),
        grace_seconds: 0,
    });
    let loaded = bench.observed.machine.loaded_authorities.as_mut();
    loaded.expect("loaded").pop_first();
    assert!(next(&bench.observed, &bench.cluster).is_none());
    let behind = vec!["etcd/0".to_owned()];
    assert_eq!(stage(&bench), Some(RotationStage::Behind(behind)));
    let restart = bench.stage();
    assert!(
        matches!(restart, Stage::Restart(RestartStep::Restart(_))),
        "{restart:?}"
    );
}

/// A grant of an application whose certificate this authority has signed.
fn grant_signed(bench: &mut Bench, signer: &Authority) {
    let ask = OwnRequest::create("alpha", &BTreeSet::new(), None).expect("a request");
    let request = ClientRequest::check(&ask.csr).expect("in order");
    let signed = signer.sign_request(&request, NOW, 90 * DAY);
    let leaf = ClientCertificate::read_back(&signed.expect("a certificate")).expect("a leaf");
    let record = ClientRecord {
        app: "app".parse().ok(),
        grant: Some(Grant {
            common_name: leaf.common_name.clone(),
            prefix: "/a/".parse().expect("a prefix"),
            issuer: leaf.issuer_among(&signer.certificate),
            certificate: leaf.pem.clone(),
            fingerprint: leaf.fingerprint.clone(),
            not_after: leaf.not_after,
            granted_at: NOW,
        }),
        ..ClientRecord::default()
    };
    bench.cluster.ledger.clients.insert(key(1), record);
}

#[test]
fn the_next_of_clients_signs_when_all_trust_it_and_the_other_goes_when_nobody_shows_it() {
    let mut bench = Bench::new(2);
    let mut authorities = bench.authorities().clone();
    authorities.client_rotation = Some(GraceRotation::Next {
        authority: authority("next"),
        grace_seconds: 60,
    });
    let before = authorities.client.clone().expect("an authority");
    // Nobody has loaded it yet.
    bench.observed.machine.authorities = Some(authorities.clone());
    assert!(next(&bench.observed, &bench.cluster).is_none());
    follow_administrators(&mut bench, &authorities);
    assert_eq!(
        bench.observed.machine.signing_authority(),
        Some(before.certificate.trim_end())
    );
    let switched = next(&bench.observed, &bench.cluster).expect("a step");
    let present = switched.client.clone().expect("an authority");
    assert_ne!(present.certificate, before.certificate);
    assert_ne!(switched.announcement(), authorities.announcement());

    follow_administrators(&mut bench, &switched);
    let signs = bench.observed.machine.signing_authority();
    assert_eq!(signs, Some(present.certificate.trim_end()));
    grant_signed(&mut bench, &before);
    bench.observed.now = NOW.plus_seconds(59);
    assert!(next(&bench.observed, &bench.cluster).is_none());
    let end = NOW.plus_seconds(60);
    assert_eq!(stage(&bench), Some(RotationStage::EndsAfter(end)));
    bench.observed.now = NOW.plus_seconds(60);
    assert!(
        next(&bench.observed, &bench.cluster).is_none(),
        "it is shown"
    );
    let shown = vec!["app".to_owned()];
    assert_eq!(stage(&bench), Some(RotationStage::Shown(shown)));
    // Over, or replaced.
    for (days, signer) in [(91, &before), (0, &present)] {
        bench.observed.now = NOW.plus_seconds(days * DAY + 60);
        grant_signed(&mut bench, signer);
        let finished = next(&bench.observed, &bench.cluster).expect("a step");
        assert!(finished.client_rotation.is_none());
        assert_eq!(finished.signing_trust(), Some(present.certificate.clone()));
    }
}
