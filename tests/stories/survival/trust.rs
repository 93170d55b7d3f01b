//! Trust in new clients, which costs restarts: how many, and what they cost a
//! client that is served meanwhile.

use crate::survival::support::{
    Client, assert_caught_up, assert_healthy, assert_whole, say, serving,
};

/// The most restarts of a member for clients that come at once, whatever their
/// number: one for those that had asked when the leader looked, one for those
/// that came meanwhile, and one for who came last.
const MOST: u32 = 3;

/// So many clients come at once; none of them has to wait for a full pass.
fn come_at_once(clients: usize) {
    let (mut world, units, first) = serving(3);
    let writer = first.writer(&mut world);
    let before: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let new: Vec<Client> = (0..clients)
        .map(|number| Client::ask(&mut world, &format!("client{number:02}")))
        .collect();
    let runs = first.rest(&mut world, &writer);
    let restarts: Vec<u32> = units
        .iter()
        .zip(&before)
        .map(|(unit, before)| world.starts(unit) - before)
        .collect();
    say(&format!(
        "{clients} clients related at once, 3 members: {restarts:?} restarts, {} hooks",
        runs.len()
    ));
    assert_whole(&format!("trust in {clients} new clients"), &writer.finish());
    for client in &new {
        let told = client.told(&mut world);
        assert_eq!(told.endpoints.split(',').count(), 3, "{}", told.endpoints);
        for unit in &units {
            let etcdctl = world.client(unit, &client.shown);
            let key = format!("{}key", client.prefix);
            assert!(etcdctl.run(&["put", &key, "1"]).ok, "{unit} {key}");
        }
    }
    let is_few = restarts.iter().all(|count| (1..=MOST).contains(count));
    assert!(is_few, "{restarts:?} restarts for {clients} clients");
    assert_caught_up(&world, &units);
    assert_healthy(&world, &units);
}

pub(crate) fn one_client() {
    come_at_once(1);
}

pub(crate) fn five_clients() {
    come_at_once(5);
}

pub(crate) fn twenty_clients() {
    come_at_once(20);
}

/// Ten clients that come one after the other while hooks run, as the units
/// of a bundle do: each is related, and asks, after another hook of etcd.
pub(crate) fn ten_in_a_row() {
    let (mut world, units, first) = serving(3);
    let writer = first.writer(&mut world);
    let before: Vec<u32> = units.iter().map(|unit| world.starts(unit)).collect();
    let mut new = Vec::new();
    for number in 0..10 {
        new.push(Client::ask(&mut world, &format!("client{number:02}")));
        let run = world.model.step().expect("a hook is due");
        assert!(run.succeeded(), "{}", run.stderr);
    }
    let runs = first.rest(&mut world, &writer);
    let restarts: Vec<u32> = units
        .iter()
        .zip(&before)
        .map(|(unit, before)| world.starts(unit) - before)
        .collect();
    say(&format!(
        "10 clients related one after the other, 3 members: {restarts:?} restarts, {} hooks",
        runs.len()
    ));
    assert_whole("trust in 10 clients in a row", &writer.finish());
    for client in &new {
        let told = client.told(&mut world);
        assert_eq!(told.endpoints.split(',').count(), 3, "{}", told.endpoints);
    }
}
