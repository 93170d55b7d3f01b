//! Clients that ask sentinels where the servers are.

use std::time::{Duration, Instant};

use juju_simulator::UnitName;
use serde_json::json;

use crate::cluster::{Client, list, primary_of, served};
use crate::programs::Programs;
use crate::world::World;

/// Where a sentinel says that the primary is.
fn named(world: &World, sentinel: &str, client: &Client) -> (String, String) {
    let mut sentinel = world.connect(sentinel, &client.access);
    let question = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", "primary"];
    let answer = world.done(&mut sentinel, &question);
    let mut texts = answer.texts().map(str::to_owned);
    (texts.next().unwrap(), texts.next().unwrap())
}

/// With TLS, what sentinels name is where a client can go; without it, the host is
/// right, and the port is that of `endpoints`.
pub(crate) fn sentinels_lead_clients_to_the_servers() {
    for tls in [true, false] {
        let options = [("client-tls", json!(tls))];
        let mut world = World::deployed(Programs::newest(), 97, &options);
        world.settle();
        world.add_unit();
        world.add_unit();
        world.settle();
        let client = Client::new(&mut world);
        for round in 0..2 {
            let answer = world.answer(client.relation);
            let endpoint = client.endpoint(&world);
            let (host, port) = endpoint.rsplit_once(':').unwrap();
            for sentinel in list(&answer, "sentinel-endpoints") {
                let (named_host, named_port) = named(&world, sentinel, &client);
                assert_eq!(named_host, host, "{sentinel}, round {round}");
                assert_eq!(named_port, "6380", "{sentinel}");
                let target = format!("{named_host}:{}", if tls { &named_port } else { port });
                let mut connection = world.connect(&target, &client.access);
                world.done(&mut connection, &["SET", "app:key", "1"]);
                if !tls {
                    let wrong = format!("{named_host}:{named_port}");
                    assert!(world.try_connect(&wrong, &client.access).is_err());
                }
            }
            if round == 0 {
                let leader = world.model.leader("valkey").unwrap();
                world.action(&leader, "switch-primary", json!({})).unwrap();
                let begun = Instant::now();
                let all_agree = |world: &World| {
                    let answer = world.answer(client.relation);
                    let endpoint = client.endpoint(world);
                    let host = endpoint.rsplit_once(':').unwrap().0;
                    let sentinels = list(&answer, "sentinel-endpoints");
                    sentinels
                        .iter()
                        .all(|sentinel| named(world, sentinel, &client).0 == host)
                };
                while !all_agree(&world) {
                    assert!(
                        begun.elapsed() < Duration::from_secs(20),
                        "{}",
                        world.logs()
                    );
                    std::thread::sleep(Duration::from_millis(200));
                    world.heed_watchers();
                }
            }
        }
    }
}

/// Units that change their addresses, one after the other, are found again by clients
/// and by each other.
pub(crate) fn three_units_that_move_are_found_again() {
    let (mut world, client) = served(98, 3);
    let endpoint = client.endpoint(&world);
    let mut writer = world.connect(&endpoint, &client.access);
    world.done(&mut writer, &["SET", "app:key", "kept"]);
    world.done(&mut writer, &["WAIT", "2", "2000"]);
    let primary = primary_of(&world, &endpoint);
    let replica = world.units().into_iter().find(|unit| *unit != primary);
    let moves: [(UnitName, &str); 2] =
        [(replica.unwrap(), "127.201.1.8"), (primary, "127.201.1.9")];
    for (unit, address) in moves {
        world.model.set_address(unit.clone(), address);
        world.settle();
        world.wait_until(60, "all know the new address", |world| {
            world.update_status_all();
            let answer = world.answer(client.relation);
            let all = [
                list(&answer, "endpoints"),
                list(&answer, "read-only-endpoints"),
            ]
            .concat();
            let is_told = all.iter().any(|endpoint| endpoint.starts_with(address));
            is_told && all.len() == 3 && list(&answer, "sentinel-endpoints").len() == 3
        });
    }
    let answer = world.answer(client.relation);
    for key in ["endpoints", "read-only-endpoints"] {
        for endpoint in list(&answer, key) {
            let mut reader = world.connect(endpoint, &client.access);
            let value = world.done(&mut reader, &["GET", "app:key"]);
            assert_eq!(value.text(), Some("kept"), "{endpoint}");
        }
    }
    // Nobody looks for the old addresses for ever.
    world.wait_until(60, "the old ones are forgotten", |world| {
        world.update_status_all();
        world.units().iter().all(|unit| {
            let mut sentinel = world.operator(unit, "sentinel");
            let replicas = ["SENTINEL", "REPLICAS", "primary"];
            world.done(&mut sentinel, &replicas).items().len() == 2
        })
    });
}
