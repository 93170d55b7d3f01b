//! What a requirer may send, and what that costs others: nothing.

use serde_json::json;

use crate::server::shared;
use crate::world::{Client, World};

pub(crate) fn what_cannot_be_a_certificate_harms_nobody_else() {
    let server = shared();
    let mut world = World::trusted(server, 30);
    let (good, other) = (Client::new(), Client::new());
    let bad = world.relate("bad");
    let fine = world.relate("fine");
    world.ask(fine, "fine/0", &[&other.certificate]);
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let list = json!([junk, 5, {"a": 1}, "", "\u{0}", good.certificate, good.certificate]);
    world.write(bad, "bad/0", &list.to_string());
    world.settle();
    assert_eq!(
        world.told(bad),
        [good.fingerprint.as_str()],
        "and only once"
    );
    assert_eq!(world.told(fine), [other.fingerprint.as_str()]);
    assert_eq!(
        world.update_status().len(),
        1,
        "no hook of ours waits to be run again"
    );
    assert_eq!(
        world.status(),
        "active: bad is refused: its certificate is not one PEM block of an X.509 certificate"
    );
    world.write(bad, "bad/0", &json!([good.key]).to_string());
    world.settle();
    let status = world.status();
    assert!(
        status.contains("bad is refused: it sent a private key"),
        "{status}"
    );
    assert!(!good.is_trusted(server), "it asks for that one no more");
    // Junk instead of a list says nothing about what was asked for before.
    world.ask(bad, "bad/0", &[&good.certificate]);
    world.settle();
    world.write(bad, "bad/0", "no JSON");
    world.settle();
    assert!(good.is_trusted(server));
    world.update_status();
    assert_eq!(
        world.status(),
        "active: bad is refused: its client_certificates is not a JSON list"
    );
    world.model.remove_relation(bad);
    world.settle();
    assert!(!good.is_trusted(server) && other.is_trusted(server));
}

pub(crate) fn the_integrators_own_certificate_is_refused() {
    let server = shared();
    let mut world = World::trusted(server, 31);
    let relation = world.relate("app");
    let own = world.own.certificate.clone();
    world.ask(relation, "app/0", &[&own]);
    world.settle();
    assert_eq!(world.told(relation), Vec::<String>::new());
    assert_eq!(
        world.status(),
        "active: app is refused: it sent the integrator's own certificate"
    );
    world.model.remove_relation(relation);
    world.settle();
    assert!(world.own.is_trusted(server), "nobody locks us out");
}

pub(crate) fn lists_have_a_limit() {
    let server = shared();
    let mut world = World::trusted(server, 32);
    let relation = world.relate("app");
    let before = server.count();
    let client = Client::new();
    let many = vec![client.certificate.as_str(); 101];
    world.ask(relation, "app/0", &many);
    world.settle();
    assert_eq!(
        world.status(),
        "active: app is refused: it sent more than 100 certificates"
    );
    let long = format!("{}{}", client.certificate, "\n".repeat(70_000));
    world.ask(relation, "app/0", &[&long]);
    world.settle();
    assert_eq!(world.told(relation), Vec::<String>::new());
    // The other stories share the server, so nothing is said about others.
    assert!(server.entry(&client.fingerprint).is_none());
    assert!(server.count() + 20 > before);
}
