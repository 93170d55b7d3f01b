//! When the authority of the servers takes its next step.

use super::{Authorities, Rotation, SERVER_CA, next, progress};
use crate::model::Timestamp;
use crate::plan::Stage;
use crate::plan::testing::{Bench, DAY, NOW};
use crate::tls::{Authority, OwnCertificate, digest};

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
    let told = super::told(&bench.observed).expect("something to tell");
    tell(bench, &told);
}

/// The other unit says this.
fn tell(bench: &mut Bench, told: &str) {
    let peers = bench.observed.peers.as_mut().expect("peers");
    let other = bench.cluster.members[1].name.clone().expect("a name");
    let bag = peers.others.entry(other).or_default();
    bag.insert(SERVER_CA.to_owned(), told.to_owned());
}

fn introduced(from: Timestamp) -> Bench {
    bench(|_| Rotation::Next {
        authority: authority("next"),
        from,
    })
}

#[test]
fn at_rest_nothing_is_replaced() {
    let bench = Bench::new(2);
    assert!(next(&bench.observed, &bench.cluster).is_none());
    assert_eq!(progress(&bench.observed, &bench.cluster), None);
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
    let told = progress(&early.observed, &early.cluster).expect("progress");
    assert!(told.contains("signs from"), "{told}");
}

#[test]
fn a_member_that_is_behind_or_silent_holds_every_step_up() {
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
        assert_eq!(
            progress(&bench.observed, &bench.cluster).as_deref(),
            Some("replacing the servers' CA: waiting for etcd/1")
        );
        bench.observed.peers.as_mut().expect("peers").others.clear();
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
    let (key, value) = authorities.announcement();
    assert_eq!(publication.peer_app.get(&key), Some(&Some(value)));

    bench.observed.leader = false;
    assert!(next(&bench.observed, &bench.cluster).is_none());
}

#[test]
fn a_step_is_announced_again_where_the_announcement_was_lost() {
    let mut bench = introduced(NOW.plus_seconds(60));
    let authorities = bench.observed.machine.authorities.clone();
    let (key, told) = authorities.expect("authorities").announcement();
    let peers = bench.observed.peers.as_mut().expect("peers");
    peers
        .app
        .insert(key.clone(), "of the step before".to_owned());
    let Stage::Publish(publication) = bench.stage() else {
        panic!("not at rest")
    };
    assert!(publication.authorities.is_none());
    assert_eq!(publication.peer_app.get(&key), Some(&Some(told.clone())));

    let peers = bench.observed.peers.as_mut().expect("peers");
    peers.app.insert(key.clone(), told);
    let Stage::Publish(publication) = bench.stage() else {
        panic!("not at rest")
    };
    assert_eq!(publication.peer_app.get(&key), None);
}
