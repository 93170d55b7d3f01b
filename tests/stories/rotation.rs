//! The authority of the servers is replaced.

use etcd_charm_world::Etcdctl;
use libtest_mimic::Trial;
use serde_json::json;

use super::actions::{done, refused};
use crate::support::{application_message, ask_v0, certificate, story, world};

pub(crate) fn stories() -> Vec<Trial> {
    vec![story(
        "rotation_replaces_the_authority_without_losing_a_client",
        replaced,
    )]
}

fn authorities(text: &str) -> usize {
    text.matches("BEGIN CERTIFICATE").count()
}

fn replaced() {
    let mut world = world();
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    let shown = certificate("client1");
    let requirer = ask_v0(&mut world, "app", "/test/", &shown);
    world.rest();
    let before = world.told(&requirer).unwrap();
    let starts = units.each_ref().map(|unit| world.starts(unit));

    let reason = refused(&mut world, &units[1], "rotate-server-ca", json!({}));
    assert!(reason.contains("on the leader"), "{reason}");
    let results = done(
        &mut world,
        &units[0],
        "rotate-server-ca",
        json!({"grace-minutes": 0}),
    );
    assert_eq!(results["fingerprint"].as_str().unwrap().len(), 64);
    let reason = refused(&mut world, &units[0], "rotate-server-ca", json!({}));
    assert!(reason.contains("already"), "{reason}");

    // After every hook the client can use what it was told last.
    let mut seen = vec![before.tls["tls-ca"].clone()];
    for _ in 0..4 {
        world.settle_watched(|world, _| {
            let told = world.told(&requirer).unwrap();
            if seen.last() != Some(&told.tls["tls-ca"]) {
                seen.push(told.tls["tls-ca"].clone());
                assert_uses(&world.follow(&told, &shown));
            }
        });
        world.model.update_status_all();
    }
    let counts: Vec<_> = seen.iter().map(|told| authorities(told)).collect();
    assert_eq!(counts, [1, 2, 1], "{}", application_message(&world));
    world.rest();
    let after = world.told(&requirer).unwrap();
    assert_ne!(after.tls["tls-ca"], before.tls["tls-ca"]);
    assert_eq!(after.user, before.user);
    for (unit, starts) in units.iter().zip(starts) {
        assert_eq!(world.starts(unit), starts + 2, "{unit}");
    }
    // Members know each other by the new authority, and nobody by the old one.
    assert_uses(&world.follow(&after, &shown));
    let deaf = world.follow(&before, &shown).impatient();
    assert!(!deaf.run(&["get", "/test/a"]).ok);
    let health = world.admin(&units[2]);
    assert!(health.run(&["endpoint", "health", "--cluster"]).ok);
}

fn assert_uses(client: &Etcdctl) {
    let put = client.run(&["put", "/test/a", "1"]);
    assert!(put.ok, "{}", put.stderr);
}
