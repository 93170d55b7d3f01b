//! What an operator does.

use std::time::Duration;

use juju_simulator::UnitName;
use serde_json::{Value as Json, json};

use crate::cluster::{Client, Writer, list, lost, primary_of, served};
use crate::programs::Programs;
use crate::world::World;

impl World {
    pub(crate) fn action(
        &mut self,
        unit: &UnitName,
        name: &str,
        parameters: Json,
    ) -> Result<Json, String> {
        let result = self.model.run_action(unit.clone(), name, parameters);
        assert!(result.run.succeeded(), "{}", result.run.stderr);
        match result.status.as_str() {
            "failed" => Err(result.message.clone()),
            _ => Ok(result.results.clone()),
        }
    }
}

/// A planned switch, on every release, under a writer at full speed.
pub(crate) fn a_planned_switch_loses_nothing() {
    for programs in Programs::all() {
        let version = programs.version.clone();
        let mut world = World::with_units(programs, 20, 3);
        let client = Client::new(&mut world);
        let before = client.endpoint(&world);
        let writer = Writer::start(&before, &client.access, Duration::from_millis(1));
        std::thread::sleep(Duration::from_millis(500));
        let leader = world.model.leader("valkey").unwrap();
        let results = world.action(&leader, "switch-primary", json!({})).unwrap();
        assert_eq!(results["from"], primary_of(&world, &before).to_string());
        let after = client.endpoint(&world);
        assert_ne!(after, before, "{results}");
        assert_eq!(results["to"], primary_of(&world, &after).to_string());
        writer.told(after.clone());
        std::thread::sleep(Duration::from_millis(800));
        let written = writer.end();
        let lost = lost(&world, &primary_of(&world, &after), &written);
        crate::say(&format!(
            "switch-primary, {version}: gap {:.1?}, {} writes acknowledged, {lost} lost",
            written.longest_gap,
            written.acknowledged.len()
        ));
        assert_eq!(lost, 0);
        let health = world.action(&leader, "health", json!({})).unwrap();
        assert_eq!(health["primary"], primary_of(&world, &after).to_string());
        let units: Vec<_> = world.units();
        for unit in units {
            let key = unit.to_string().replace('/', "-");
            // What is known to be weak is said.
            let is_weak = version.as_str() < "9.1.2";
            assert_eq!(health[&key]["advisory"].is_string(), is_weak, "{health}");
            assert!(
                health[&key]["sentinel"]
                    .as_str()
                    .unwrap()
                    .contains("quorum 2"),
                "{health}"
            );
        }
    }
}

/// Old and new work side by side, and then the new one alone.
pub(crate) fn a_password_is_rotated_without_a_gap() {
    let (mut world, client) = served(21, 1);
    let endpoint = client.endpoint(&world);
    let unit = UnitName::from("valkey/0");
    let clients = world.action(&unit, "list-clients", json!({})).unwrap();
    assert_eq!(clients["count"], "1");
    assert_eq!(clients[&client.access.user]["pattern"], "app:*");
    assert_eq!(clients[&client.access.user]["application"], "app");
    let refused = world.action(&unit, "rotate-client-password", json!({"user": "nobody"}));
    assert!(refused.unwrap_err().contains("no such user"));
    let parameters = json!({"user": client.access.user, "grace-minutes": 0});
    let uri = world.answer(client.relation)["secret-user"].clone();
    let mut open = world.connect(&endpoint, &client.access);
    world
        .action(&unit, "rotate-client-password", parameters)
        .unwrap();
    let answer = world.answer(client.relation);
    assert_eq!(answer["secret-user"], uri, "it is the same secret");
    let new = world.access("app", &answer);
    assert_ne!(new.password, client.access.password);
    world.connect(&endpoint, &new);
    world.connect(&endpoint, &client.access);
    std::thread::sleep(Duration::from_millis(1100));
    // The next pass lets the old one end; whoever is connected stays so.
    world.update_status(&unit);
    world.connect(&endpoint, &new);
    assert!(world.try_connect(&endpoint, &client.access).is_err());
    world.done(&mut open, &["PING"]);
    let mut sentinel = world.connect(&endpoint.replace("6379", "26379"), &new);
    world.done(&mut sentinel, &["PING"]);
    // Juju does not keep what nobody reads any more.
    world.settle();
    let secrets = world.model.secrets("valkey");
    let user = secrets.iter().find(|secret| uri == secret.uri.as_str());
    let revisions: Vec<_> = user.unwrap().revisions.keys().collect();
    assert_eq!(revisions, [&2]);
}

/// The hook of a restore was killed while the server followed the one with the snapshot.
pub(crate) fn a_restore_that_was_killed_ends_by_itself() {
    let (mut world, client) = served(23, 1);
    let endpoint = client.endpoint(&world);
    let unit = UnitName::from("valkey/0");
    let mut writer = world.connect(&endpoint, &client.access);
    world.done(&mut writer, &["SET", "app:key", "1"]);
    let mut operator = world.operator(&unit, "server");
    let host = world.model.address(unit.clone());
    let killed = ["REPLICAOF", &host, "6381"];
    world.done(&mut operator, &killed);
    world.refused(&mut writer, &["SET", "app:key", "2"]);
    let left = world.base(&unit).join("restore");
    std::fs::create_dir(&left).unwrap();
    std::fs::write(left.join("dump.rdb"), "data").unwrap();
    world.update_status(&unit);
    assert_eq!(world.status("valkey/0"), "active: primary; 1 client");
    let mut writer = world.connect(&endpoint, &client.access);
    let kept = world.done(&mut writer, &["GET", "app:key"]);
    assert_eq!(kept.text(), Some("1"));
    world.done(&mut writer, &["SET", "app:key", "2"]);
    assert!(!left.exists(), "a copy of the data stays");
}

/// What a snapshot has is what is there after it is restored, on all units.
pub(crate) fn a_snapshot_is_restored_everywhere() {
    let (mut world, client) = served(22, 2);
    let endpoint = client.endpoint(&world);
    let unit = primary_of(&world, &endpoint);
    let mut writer = world.connect(&endpoint, &client.access);
    world.done(&mut writer, &["SET", "app:old", "1"]);
    let snapshot = world.action(&unit, "snapshot", json!({})).unwrap();
    world.done(&mut writer, &["SET", "app:new", "1"]);
    world.done(&mut writer, &["DEL", "app:old"]);
    // One that cannot be read changes nothing.
    let path = std::path::PathBuf::from(snapshot["path"].as_str().unwrap());
    let broken = path.with_file_name("broken.rdb");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    bytes.truncate(bytes.len() - 8);
    std::fs::write(&broken, bytes).unwrap();
    for name in ["broken.rdb", "none.rdb", "../valkey/dump.rdb", ""] {
        let refused = world.action(&unit, "restore", json!({"snapshot": name}));
        assert!(refused.is_err(), "{name}");
        let value = world.done(&mut writer, &["GET", "app:new"]);
        assert_eq!(value.text(), Some("1"), "{name}");
    }
    let name = snapshot["snapshot"].as_str().unwrap();
    let restored = world
        .action(&unit, "restore", json!({"snapshot": name}))
        .unwrap();
    assert_eq!(restored["keys"], "1");
    let mut reader = world.connect(&endpoint, &client.access);
    assert_eq!(
        world.done(&mut reader, &["GET", "app:old"]).text(),
        Some("1")
    );
    assert_eq!(
        world.done(&mut reader, &["EXISTS", "app:new"]),
        valkey_charm::valkey::Value::Integer(0)
    );
    world.done(&mut reader, &["SET", "app:newest", "1"]);
    world.wait_until(20, "the replica has it too", |world| {
        world.update_status_all();
        let answer = world.answer(client.relation);
        list(&answer, "read-only-endpoints").iter().any(|endpoint| {
            let Ok(mut replica) = world.try_connect(endpoint, &client.access) else {
                return false;
            };
            let value = world.call(&mut replica, &["MGET", "app:old", "app:newest"]);
            value.is_ok_and(|value| value.texts().count() == 2)
        })
    });
}

pub(crate) fn a_pass_by_hand_is_shown_before_it_is_made() {
    let mut world = World::with_units(Programs::oldest(), 23, 1);
    let unit = UnitName::from("valkey/0");
    let relation = world.relate("app");
    world.settle();
    world.ask_over(relation, "app", &["app:*"]);
    let shown = world.action(&unit, "reconcile", json!({})).unwrap();
    assert_eq!(shown["dry-run"], "true");
    assert!(
        shown["output"].as_str().unwrap().contains("the keys app:*"),
        "{shown}"
    );
    assert!(world.answers(relation).is_empty());
    world
        .action(&unit, "reconcile", json!({"dry-run": false}))
        .unwrap();
    world.connect_as("app", relation);
    world.settle();
}
