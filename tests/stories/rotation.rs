//! The authority of the servers is replaced.

use etcd_charm_world::{Credentials, Etcdctl, UnitName, World, Writer};

use super::actions::{done, refused};
use crate::support::{Client, application_message, world};

const GENERATE: &str = "generate-client-certificates";

fn authorities(text: &str) -> usize {
    text.matches("BEGIN CERTIFICATE").count()
}

pub(crate) fn replaces_the_authority_without_losing_a_client() {
    let mut world = world();
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    let requirer = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let before = world.told(&requirer.requirer).unwrap();
    let starts = units.each_ref().map(|unit| world.starts(unit));

    let reason = refused(&mut world, &units[1], "rotate-server-ca");
    assert!(reason.contains("on Juju's leader"), "{reason}");
    let results = done(&mut world, &units[0], "rotate-server-ca grace-minutes=0");
    assert_eq!(results["fingerprint"].as_str().unwrap().len(), 64);
    let reason = refused(&mut world, &units[0], "rotate-server-ca");
    assert!(reason.contains("already"), "{reason}");

    // After every hook the client can use what it was told last.
    let mut seen = vec![before.tls["tls-ca"].clone()];
    for _ in 0..4 {
        world.settle_watched(|world, _| {
            let told = world.told(&requirer.requirer).unwrap();
            if seen.last() != Some(&told.tls["tls-ca"]) {
                seen.push(told.tls["tls-ca"].clone());
                assert_uses(&world.follow(&told, &requirer.shown));
            }
        });
        world.model.update_status_all();
    }
    let counts: Vec<_> = seen.iter().map(|told| authorities(told)).collect();
    assert_eq!(counts, [1, 2, 1], "{}", application_message(&world));
    world.rest();
    let after = world.told(&requirer.requirer).unwrap();
    assert_ne!(after.tls["tls-ca"], before.tls["tls-ca"]);
    assert_eq!(after.user, before.user);
    for (unit, starts) in units.iter().zip(starts) {
        assert_eq!(world.starts(unit), starts + 2, "{unit}");
    }
    // Members know each other by the new authority, and nobody by the old one.
    assert_uses(&world.follow(&after, &requirer.shown));
    let deaf = world.follow(&before, &requirer.shown).impatient();
    assert!(!deaf.run(&["get", "/test/a"]).ok);
    let health = world.admin(&units[2]);
    assert!(health.run(&["endpoint", "health", "--cluster"]).ok);
}

fn assert_uses(client: &Etcdctl) {
    let put = client.run(&["put", "/test/a", "1"]);
    assert!(put.ok, "{}", put.stderr);
}

/// What an old authority of administrators has signed is let in nowhere in the
/// end; who was related has another certificate by then, and nobody else notices.
pub(crate) fn of_the_admin_authority_ends_what_it_signed() {
    let mut world = world();
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    let requirer = Client::ask_as(&mut world, "app", "/test/", "client1");
    let older = world.relate_db("older");
    world.rest();
    let issued = done(
        &mut world,
        &units[0],
        &format!("{GENERATE} common-name=alice"),
    );
    let path = issued["path"].as_str().unwrap().to_owned();
    let archive = world.root(&units[0]).join(path.trim_start_matches('/'));
    let alice = Credentials::unpack(&archive);
    std::fs::remove_file(&archive).unwrap();
    // As on the machine of a unit that was removed by force.
    let kept = tempfile::tempdir().unwrap();
    for file in ["admin.crt", "admin.key", "server-ca.crt"] {
        std::fs::copy(world.pki(&units[1]).join(file), kept.path().join(file)).unwrap();
    }
    let at = |file: &str| kept.path().join(file);
    let stolen = |world: &World, unit: &UnitName| {
        let (program, url) = (world.etcdctl(), world.url(unit));
        let (certificate, key) = (at("admin.crt"), at("admin.key"));
        Etcdctl::new(program, url, certificate, key, at("server-ca.crt")).impatient()
    };
    assert!(stolen(&world, &units[0]).run(&["user", "list"]).ok);
    let starts = units.each_ref().map(|unit| world.starts(unit));
    let told = world.told(&requirer.requirer).unwrap();
    let writer = Writer::begin(&told, &requirer.shown, "/test/");
    let before = world.older_get(&older, "client_cert").unwrap();

    let rotate = "rotate-admin-ca grace-minutes=0";
    let reason = refused(&mut world, &units[1], rotate);
    assert!(reason.contains("on Juju's leader"), "{reason}");
    let results = done(&mut world, &units[0], rotate);
    assert_eq!(results["ending-credentials"], "alice");
    let reason = refused(&mut world, &units[0], rotate);
    assert!(reason.contains("already"), "{reason}");
    let mut said = Vec::new();
    for _ in 0..4 {
        world.settle_watched(|world, _| said.push(application_message(world)));
        world.model.update_status_all();
    }
    let written = writer.finish();
    assert!(written.lost.is_empty(), "{written}");
    world.rest();
    let has_said = |text: &str| said.iter().any(|message| message.contains(text));
    assert!(
        has_said("replacing the administrators' authority"),
        "{said:?}"
    );
    assert!(!application_message(&world).contains("replacing"));

    for unit in &units {
        let answer = stolen(&world, unit).run(&["get", "x"]);
        assert!(answer.is_shut_out(), "{unit}: {answer:?}");
        let answer = alice.client(&world, unit).impatient().run(&["get", "x"]);
        assert!(answer.is_shut_out(), "{unit}: {answer:?}");
        assert!(world.admin(unit).run(&["user", "list"]).ok, "{unit}");
    }
    // The relation was given another identity, and the name of the one that is
    // worth nothing any more is free again.
    assert_ne!(world.older_get(&older, "client_cert").unwrap(), before);
    assert_uses(&world.older_client(&older));
    done(
        &mut world,
        &units[0],
        &format!("{GENERATE} common-name=alice prefix=/alice/"),
    );
    let alice = Credentials::unpack(&archive);
    let client = alice.client(&world, &units[2]);
    assert!(client.run(&["put", "/alice/x", "1"]).ok);
    for (unit, starts) in units.iter().zip(starts) {
        assert_eq!(world.starts(unit), starts + 2, "{unit}");
    }
    assert_uses(&world.follow(&told, &requirer.shown));
    // Nobody reads what was replaced, so Juju keeps no old key.
    for secret in world.model.secrets("etcd") {
        assert_eq!(
            secret.revisions.len(),
            1,
            "{}: {:?}",
            secret.label,
            secret.tracked
        );
    }
}
