//! What others write may be anything.

use juju_simulator::UnitName;
use serde_json::json;

use crate::programs::Programs;
use crate::world::World;

/// Every kind of junk, in both versions: no hook fails, whoever has access keeps it,
/// and nothing in any access list changes.
pub(crate) fn junk_in_databags_harms_nobody() {
    let mut world = World::with_units(Programs::newest(), 110, 1);
    let unit = UnitName::from("valkey/0");
    let good = world.ask("good", &["good:*"]);
    world.settle();
    let mut client = world.connect_as("good", good);
    let before = world.users(&unit, "server");
    let bad = world.relate("bad");
    let deep = "[".repeat(100_000);
    let long = json!([{"resource": "x".repeat(513), "request-id": "a", "salt": "s"}]).to_string();
    let name = json!([{"resource": "a:*", "request-id": "../../x y", "salt": "s"}]).to_string();
    let odd = json!([{"resource": "a?:*", "request-id": "b", "salt": null}]).to_string();
    let twice = json!([
        {"resource": "a *", "request-id": "c", "salt": "s"},
        {"resource": "b *", "request-id": "c", "salt": "s"},
    ])
    .to_string();
    for (key, text) in [
        ("requests", deep.as_str()),
        ("requests", &long),
        ("requests", &name),
        ("requests", &odd),
        ("requests", &twice),
        ("requests", "\u{feff}[]"),
        ("requests", "[null, 7, \"x\", [], {}]"),
        ("requests", "\0"),
        ("data", &deep),
    ] {
        let pairs = [("version", "v1"), ("requests", ""), (key, text)];
        world.model.relation_set_app(bad, "bad", &pairs);
        world.settle();
        let shown: String = text.chars().take(60).collect();
        assert_eq!(world.users(&unit, "server"), before, "{shown}");
        assert!(world.answers(bad).is_empty(), "{shown}");
        world.status("valkey/0");
        world.done(&mut client, &["SET", "good:key", "1"]);
    }
    world.model.remove_relation(bad);
    world.settle();
    let old = world.relate("old");
    for resource in ["a b", "*:*", "\u{7f}", "a\u{85}b", "\u{2028}", "a[b", "**"] {
        let pairs = [("database", resource), ("requested-secrets", &deep)];
        world.model.relation_set_app(old, "old", &pairs);
        world.settle();
        assert_eq!(world.users(&unit, "server"), before, "{resource:?}");
        let status = world.status("valkey/0");
        assert!(status.starts_with("blocked: "), "{resource:?}: {status}");
    }
    world.done(&mut client, &["PING"]);
}

/// More requests than there may be users: what fits is given, and the rest refused.
pub(crate) fn too_many_requests_are_refused_and_the_rest_is_served() {
    let mut world = World::with_units(Programs::newest(), 111, 1);
    let unit = UnitName::from("valkey/0");
    let many = world.relate("many");
    let patterns: Vec<String> = (0..1200).map(|number| format!("many{number}:*")).collect();
    let patterns: Vec<_> = patterns.iter().map(String::as_str).collect();
    world.ask_over(many, "many", &patterns);
    world.settle();
    let users = world.users(&unit, "server");
    let clients = users.iter().filter(|user| user.starts_with("relation-"));
    let clients = clients.count();
    assert!(clients <= 1000, "{clients}");
    let status = world.status("valkey/0");
    assert!(status.contains("many"), "{status}");
    // It makes room when it asks for less, and others are served.
    world.ask_over(many, "many", &["many:*"]);
    world.settle();
    let one = world.ask("one", &["one:*"]);
    world.settle();
    world.connect_as("one", one);
}
