//! What nodes show each other is replaced while clients write.

use std::time::Duration;

use juju_simulator::UnitName;
use serde_json::json;

use crate::cluster::{Client, Writer, cut_power, lost, primary_of, served};
use crate::programs::Programs;
use crate::world::World;

/// Lets hooks run until nothing is being replaced any more; gives what the leader
/// said meanwhile.
fn until_replaced(world: &mut World) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for _ in 0..12 {
        world.update_status_all();
        let leader = world.model.leader("valkey").unwrap();
        let status = world.status(&leader.to_string());
        if !status.contains("replacing") {
            assert!(status.starts_with("active"), "{status}\n{}", world.logs());
            return said;
        }
        said.push(status);
    }
    panic!("it does not end: {said:?}\n{}", world.logs());
}

fn starts(world: &World, node: &str) -> Vec<usize> {
    let service = |unit: &UnitName| crate::world::service(unit, node);
    let units = world.units();
    let starts = units
        .iter()
        .map(|unit| usize::try_from(world.machines[unit].service(&service(unit)).starts).unwrap());
    starts.collect()
}

/// The passwords of the charm's own users, on three units, and then a failover
/// with the new ones.
pub(crate) fn internal_passwords_are_replaced_without_a_lost_write() {
    let (mut world, client) = served(80, 3);
    let endpoint = client.endpoint(&world);
    let primary = primary_of(&world, &endpoint);
    let unit = UnitName::from("valkey/0");
    let old = std::fs::read_to_string(world.base(&unit).join("login")).unwrap();
    let before = starts(&world, "server");
    let writer = Writer::start(&endpoint, &client.access, Duration::from_millis(1));
    let leader = world.model.leader("valkey").unwrap();
    let other = world.units().into_iter().find(|unit| *unit != leader);
    let refused = world.action(&other.unwrap(), "rotate-internal-passwords", json!({}));
    assert!(refused.unwrap_err().contains("run it on the leader"));
    world
        .action(&leader, "rotate-internal-passwords", json!({}))
        .unwrap();
    world.update_status(&leader);
    let again = world.action(&leader, "rotate-internal-passwords", json!({}));
    assert!(again.unwrap_err().starts_with("already replacing"));
    until_replaced(&mut world);
    let written = writer.end();
    let lost_of_rotation = lost(&world, &primary, &written);
    crate::say(&format!(
        "rotate-internal-passwords, three units: gap {:.1?}, {} writes acknowledged, \
         {lost_of_rotation} lost",
        written.longest_gap,
        written.acknowledged.len()
    ));
    assert_eq!(lost_of_rotation, 0);
    assert!(written.longest_gap < Duration::from_secs(2));
    assert_eq!(starts(&world, "server"), before, "nothing was restarted");
    for unit in world.units() {
        let new = std::fs::read_to_string(world.base(&unit).join("login")).unwrap();
        assert_ne!(new, old);
        for node in ["server", "sentinel"] {
            let refused = world.try_operator_with(&unit, node, &old);
            assert!(refused.is_err(), "the old one on the {node} of {unit}");
            world.operator(&unit, node);
        }
        let mut operator = world.operator(&unit, "server");
        let users = world.done(&mut operator, &["ACL", "LIST"]);
        let internal = users.texts().filter(|line| line.starts_with("user charm-"));
        for line in internal.filter(|line| !line.contains("charm-revision")) {
            assert_eq!(line.matches('#').count(), 1, "{line}");
        }
    }
    // Nothing of what was replaced is kept anywhere.
    let secrets = world.model.secrets("valkey");
    let own = secrets.iter().find(|secret| secret.label == "own").unwrap();
    assert!(
        own.revisions.keys().all(|revision| *revision > 1),
        "{own:?}"
    );
    assert_eq!(own.revisions.len(), 1, "{:?}", own.revisions.keys());
    // Replicas and sentinels get in with the new ones when they connect anew.
    cut_power(&mut world, &primary, client.relation);
    world.machines[&primary].power_on();
    world.wait_until(40, "it is a replica again", |world| {
        let answer = world.answer(client.relation);
        crate::cluster::list(&answer, "read-only-endpoints").len() == 2
    });
}

/// The authority, on three units, for clients with TLS.
pub(crate) fn an_authority_is_replaced_after_everybody_trusts_the_next() {
    let mut world = World::with_units(Programs::oldest(), 81, 3);
    world.model.set_config("valkey", "client-tls", true);
    world.settle();
    let client = Client::new(&mut world);
    let endpoint = client.endpoint(&world);
    let before = starts(&world, "server");
    let first = client.access.authority.clone().unwrap();
    let writer = Writer::start(&endpoint, &client.access, Duration::from_millis(1));
    let leader = world.model.leader("valkey").unwrap();
    let refused = world.action(&leader, "rotate-server-ca", json!({"grace-minutes": -1}));
    assert!(refused.unwrap_err().contains("grace-minutes"));
    world
        .action(&leader, "rotate-server-ca", json!({"grace-minutes": 0}))
        .unwrap();
    let uri = world.answer(client.relation)["secret-tls"].clone();
    // While both are trusted, both are told, and the first still signs.
    world.update_status(&leader);
    let both = world.access("app", &world.answer(client.relation));
    let bundle = both.authority.clone().unwrap();
    assert!(bundle.starts_with(first.trim_end()), "{bundle}");
    assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2);
    world.connect(&endpoint, &client.access);
    until_replaced(&mut world);
    let written = writer.end();
    let answer = world.answer(client.relation);
    assert_eq!(answer["secret-tls"], uri, "it is the same secret");
    let new = world.access("app", &answer);
    let authority = new.authority.clone().unwrap();
    assert_eq!(authority.matches("BEGIN CERTIFICATE").count(), 1);
    assert!(!bundle.starts_with(authority.trim_end()) && bundle.contains(authority.trim_end()));
    for (key, port) in [
        ("endpoints", 6380),
        ("read-only-endpoints", 6380),
        ("sentinel-endpoints", 26380),
    ] {
        for endpoint in crate::cluster::list(&answer, key) {
            assert!(endpoint.ends_with(&port.to_string()), "{endpoint}");
            // Whoever has read the secret since the beginning gets in all the time.
            world.connect(endpoint, &both);
            world.connect(endpoint, &new);
            assert!(world.try_connect(endpoint, &client.access).is_err());
        }
    }
    let lost = lost(&world, &primary_of(&world, &endpoint), &written);
    crate::say(&format!(
        "rotate-server-ca, three units: gap {:.1?}, {} writes acknowledged, {lost} lost",
        written.longest_gap,
        written.acknowledged.len()
    ));
    assert_eq!(lost, 0);
    assert_eq!(starts(&world, "server"), before, "no server was restarted");
    // Nodes trust it, too: replicas are linked, and sentinels know each other.
    world.wait_until(20, "all is well", |world| {
        world.action(&leader, "health", json!({})).is_ok()
    });
}
