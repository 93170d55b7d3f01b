//! Certificates that change again and again: each change costs a restart, so who
//! goes on changing waits, and nobody beside it does.

use etcd_charm_world::{UnitName, V0, World};
use serde_json::Value;

use super::Neighbours;
use crate::support::{application_message, ask_v0, assert_serves, certificate, deployed, trusts};

pub(crate) fn two_certificates_in_turns() {
    let mut story = Neighbours::new();
    let both = [certificate("flaps"), certificate("flaps")];
    let mut bad = V0::ask(&mut story.world.model, "bad", story.bad, "/bad/");
    for turn in 0..12 {
        bad.set_certificate(&mut story.world.model, &both[turn % 2].certificate);
        story.world.settle();
    }
    let restarts = story.world.starts(&story.unit) - story.starts;
    assert_eq!(restarts, 5, "as many as are taken at once");
    let message = application_message(&story.world);
    let reason = "bad waits: its certificates change too often, next at 20";
    assert!(message.contains(reason), "{message}");
    // Somebody else's is taken at once, without any `update-status`.
    let shown = certificate("late");
    let late = ask_v0(&mut story.world, "late", "/late/", &shown);
    story.world.settle();
    let told = story.world.told(&late).expect("an answer");
    assert_serves(&mut story.world, &told, &shown, "/late/");
    // And a full pass takes no more of what waits.
    story.world.rest();
    assert_eq!(story.world.starts(&story.unit) - story.starts, 6);
    story.starts = story.world.starts(&story.unit);
    story.trust = story.world.trust_file(&story.unit);
    story.assert_unharmed("beside two certificates in turns");
}

pub(crate) fn more_clients_in_a_row_than_restarts_are_lent() {
    let (mut world, unit) = deployed();
    let before = world.starts(&unit);
    let shown: Vec<_> = (0..13)
        .map(|number| certificate(&format!("client{number}")))
        .collect();
    let mut last = None;
    for (number, shown) in shown.iter().enumerate() {
        let app = format!("app{}", char::from(b'a' + u8::try_from(number).unwrap()));
        let asked = ask_v0(&mut world, &app, &format!("/{number}/"), shown);
        world.settle();
        last = Some(asked);
    }
    let last = last.unwrap();
    assert_eq!(world.starts(&unit) - before, 12);
    assert!(world.told(&last).is_none());
    let status = world.model.unit_status(unit.clone());
    assert_eq!(status.status, "active");
    let postponed = "new certificates wait until 20";
    assert!(status.message.contains(postponed), "{}", status.message);
    world.rest();
    assert!(!trusts(&world, &unit, &shown[12]));

    pass_an_hour(&world, &unit);
    let runs = world.full_pass();
    assert!(runs.iter().all(|run| run.succeeded()), "{runs:#?}");
    let told = world.told(&last).expect("an answer");
    assert_serves(&mut world, &told, &shown[12], "/12/");
    assert_eq!(world.starts(&unit) - before, 13);
    let status = world.model.unit_status(unit);
    assert!(!status.message.contains("wait"), "{}", status.message);
}

/// Makes what a unit remembers of its restarts an hour older.
fn pass_an_hour(world: &World, unit: &UnitName) {
    let path = format!("etc/etcd-charm/{}/unit.json", unit.with_dash());
    let path = world.root(unit).join(path);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut facts: Value = serde_json::from_str(&text).unwrap();
    let until = facts["restarts_paid_until"].as_i64().unwrap();
    facts["restarts_paid_until"] = (until - 3600).into();
    std::fs::write(&path, facts.to_string()).unwrap();
}
