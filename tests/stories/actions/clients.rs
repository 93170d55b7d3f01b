//! Who has access to what, and who waits for what.

use etcd_charm_world::{Certificate, UnitName, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{done, refused};
use crate::support::{ask_v0, ask_v1, certificate, deployed, deployed_of, id, newest, users};

fn clients(world: &mut World, unit: &UnitName) -> Value {
    let before = world.revisions();
    let results = done(world, unit, "list-clients");
    assert_eq!(world.revisions(), before, "asking changed something");
    results
}

fn fingerprint(shown: &Certificate) -> String {
    let leaf = pem::parse(&shown.certificate).expect("PEM");
    let digest = Sha256::digest(leaf.contents());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of the table, its columns by two or more spaces.
fn rows(results: &Value) -> Vec<Vec<String>> {
    let output = results["output"].as_str().expect("a table");
    let cells = |line: &str| {
        let cells = line.split("  ").map(str::trim);
        cells
            .filter(|cell| !cell.is_empty())
            .map(str::to_owned)
            .collect()
    };
    output.lines().map(cells).collect()
}

pub(crate) fn list_clients_of_every_kind() {
    let (mut world, leader) = deployed();
    let none = done(&mut world, &leader, "list-clients");
    assert_eq!(none["output"], "nobody has access, and nobody asks for it");
    assert_eq!(none["count"], "0");
    let reason = refused(&mut world, &leader, "list-clients relation=1");
    assert_eq!(
        reason,
        "parameter `relation` is no relation with a client; there is none"
    );

    let follower = world.add_unit();
    let shown = [certificate("client1"), certificate("client2")];
    let old = ask_v0(&mut world, "old", "/old/", &shown[0]);
    let new = ask_v1(
        &mut world,
        "new",
        &[("ü\u{1}/", Some(&shown[1])), ("/later/", None)],
    );
    let wrong = ask_v0(&mut world, "wrong", "/wrong/", &certificate("root"));
    let idle = world.relate("idle");
    world.rest();

    for unit in [&leader, &follower] {
        let results = clients(&mut world, unit);
        assert_eq!(results["count"], "5");
        let all = &results["clients"];
        assert_eq!(all.as_object().map(|all| all.len()), Some(5));

        let told = &all[old.relation.to_string()];
        let plain = [
            ("relation", old.relation.to_string()),
            ("application", "old".to_owned()),
            ("state", "ready".to_owned()),
            ("ready-members", "2".to_owned()),
            ("members", "2".to_owned()),
            ("common-name", "client1".to_owned()),
            ("fingerprint", fingerprint(&shown[0])),
            ("prefix", "/old/".to_owned()),
            ("range", "[/old/, /old0)".to_owned()),
            ("in-etcd", "as it should be".to_owned()),
        ];
        for (key, value) in plain {
            assert_eq!(told[key], value, "{key}");
        }
        for key in ["certificate-ends", "granted"] {
            let time = told[key].as_str().expect(key);
            assert!(
                time.starts_with("20") && time.ends_with('Z'),
                "{key} {time}"
            );
        }
        assert!(told["granted"].as_str() < told["certificate-ends"].as_str());
        assert_eq!(told["reason"], Value::Null);
        assert_eq!(told["request"], Value::Null);

        let told = &all[format!("{}-{}", new.relation, id(0))];
        assert_eq!(told["request"], id(0));
        assert_eq!(told["application"], "new");
        assert_eq!(told["state"], "ready");
        assert_eq!(told["prefix"], "ü\\u{1}/");
        assert_eq!(told["range"], "[\\xc3\\xbc\\x01/, \\xc3\\xbc\\x010)");
        assert_eq!(told["fingerprint"], fingerprint(&shown[1]));

        let told = &all[format!("{}-{}", new.relation, id(1))];
        assert_eq!(told["state"], "waiting");
        assert_eq!(told["reason"], "no certificate yet");
        assert_eq!(told["prefix"], "/later/");
        assert_eq!(told["range"], "[/later/, /later0)");
        assert_eq!(told["fingerprint"], Value::Null);
        assert_eq!(told["in-etcd"], Value::Null);

        let told = &all[wrong.relation.to_string()];
        assert_eq!(told["state"], "refused");
        assert_eq!(told["reason"], "common name root is reserved");
        assert_eq!(told["application"], "wrong");

        let told = &all[idle.to_string()];
        assert_eq!(told["state"], "waiting");
        assert_eq!(told["reason"], "it has asked for nothing yet");

        let rows = rows(&results);
        assert_eq!(rows.len(), 6);
        assert_eq!(
            rows[0][..4],
            ["RELATION", "APPLICATION", "REQUEST", "STATE"]
        );
        let relation = old.relation.to_string();
        let expected = [
            &*relation,
            "old",
            "-",
            "ready on 2 of 2",
            "client1",
            "/old/",
        ];
        assert_eq!(rows[1][..6], expected);
        assert_eq!(rows[1].len(), 7, "nothing to note");
        let note = rows.iter().find(|row| row[1] == "wrong");
        let note = note.and_then(|row| row.last()).expect("a note");
        assert_eq!(note, "common name root is reserved");
    }

    // One relation alone, by its whole number.
    let asked = format!("list-clients relation={}", new.relation);
    let results = done(&mut world, &follower, &asked);
    assert_eq!(results["count"], "2");
    let keys = results["clients"].as_object().expect("clients").keys();
    let prefix = format!("{}-", new.relation);
    assert!(keys.clone().count() == 2 && keys.clone().all(|key| key.starts_with(&prefix)));
    let reason = refused(&mut world, &leader, "list-clients relation=99");
    assert!(
        reason.starts_with("parameter `relation` is no relation with a client; there are "),
        "{reason}"
    );
    let reason = refused(&mut world, &leader, "list-clients relation=x");
    assert_eq!(reason, "parameter `relation` is no whole number");
}

pub(crate) fn list_clients_and_what_is_wrong_in_etcd() {
    let (mut world, unit) = deployed_of(newest());
    let one = ask_v0(&mut world, "one", "/one/", &certificate("client1"));
    let two = ask_v0(&mut world, "two", "/two/", &certificate("client2"));
    world.rest();
    let admin = world.admin(&unit);
    admin.must("user delete client1");
    admin.must("role grant-permission client2 --prefix read /one/");
    let results = clients(&mut world, &unit);
    let told = |relation: u32| &results["clients"][relation.to_string()];
    let (one, two) = (told(one.relation.0), told(two.relation.0));
    assert_eq!(one["in-etcd"], "user client1 is missing");
    assert_eq!(two["in-etcd"], "role client2 also covers [/one/, /one0)");
    assert_eq!(
        (&one["state"], &two["state"]),
        (&json!("ready"), &json!("ready"))
    );
    let rows = rows(&results);
    assert_eq!(
        rows[1].last().map(String::as_str),
        Some("user client1 is missing")
    );
}

pub(crate) fn list_identities_that_were_issued() {
    let (mut world, unit) = deployed();
    let older = [world.relate_db("db"), world.relate_proxy("proxy")];
    world.rest();
    let results = clients(&mut world, &unit);
    assert_eq!(results["count"], "2");
    assert_eq!(results["clients"], Value::Null);
    for (at, endpoint) in ["db", "proxy"].into_iter().enumerate() {
        let told = &results["identities"][(at + 1).to_string()];
        assert_eq!(told["state"], "in-force");
        assert_eq!(told["for"], endpoint);
        assert_eq!(told["application"], endpoint);
        assert_eq!(told["relation"], older[at].relation.to_string());
        assert_eq!(told["prefix"], Value::Null);
        assert_eq!(told["range"], "[\\x01, \u{221e})");
        assert_eq!(told["in-etcd"], "as it should be");
        let name = told["common-name"].as_str().expect("a name").to_owned();
        assert!(users(&world, &unit).contains(&name), "{name}");
        let row = &rows(&results)[at + 1];
        let relation = older[at].relation.to_string();
        assert_eq!(row[..4], [&*relation, endpoint, endpoint, "in-force"]);
        assert_eq!(row[4..6], [&*name, "all keys"]);
    }
    let asked = format!("list-clients relation={}", older[1].relation);
    let one = done(&mut world, &unit, &asked);
    assert_eq!(one["count"], "1");
    let name = one["identities"]["1"]["common-name"].as_str();
    let name = name.expect("a name").to_owned();
    assert!(world.admin(&unit).run(&["user", "delete", &name]).ok);
    let results = clients(&mut world, &unit);
    let told = &results["identities"]["2"]["in-etcd"];
    assert_eq!(*told, format!("user {name} is missing"));
}
