//! The assessment of a cluster, and the figures behind it.

use etcd_charm_world::{UnitName, World};
use serde_json::{Value, json};

use super::{done, refused};
use crate::support::{deployed, deployed_of, newest, three};

fn health(world: &mut World, unit: &UnitName) -> (String, Value) {
    let before = world.revisions();
    let results = done(world, unit, "health");
    assert_eq!(world.revisions(), before, "asking changed something");
    let output = results["output"]
        .as_str()
        .expect("an assessment")
        .to_owned();
    (output, results["status"].clone())
}

/// What is said of the release of etcd that most stories run.
const ADVICE: &str = "attach a release of 3.5 first, then etcd 3.6.14 or newer of 3.6: etcd 3.4.23 is open to \
     CVE-2021-28235, CVE-2023-32082, CVE-2026-33413, CVE-2026-33343, CVE-2026-44283, GHSA-xg4h-6gfc-h4m8, \
     etcd-io/etcd#22386";

fn number(text: &Value) -> f64 {
    let number = text.as_str().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("no number: {text}"))
}

fn assert_member(world: &World, unit: &UnitName, told: &Value) {
    let name = unit.with_dash();
    let member = &told["members"][&name];
    let status = world.admin(unit).json(&["endpoint", "status"]);
    let status = &status[0]["Status"];
    let id = status["header"]["member_id"].as_u64().expect("an id");
    assert_eq!(member["id"], format!("{id:x}"), "{name}");
    assert_eq!(member["address"], world.url(unit), "{name}");
    assert_eq!(member["version"], status["version"], "{name}");
    let leads = status["leader"].as_u64() == Some(id);
    assert_eq!(member["leads"], leads.to_string(), "{name}");
    assert_eq!(member["called"], unit.to_string());
    assert_eq!(told["leader"] == member["called"], leads, "{name}");
    for (key, value) in [
        ("learner", "false"),
        ("answers", "true"),
        ("serves", "true"),
    ] {
        assert_eq!(member[key], value, "{key} of {name}");
    }
    assert_eq!(member["problem"], Value::Null, "{name}");
    let (size, in_use) = (&member["database-bytes"], &member["in-use-bytes"]);
    assert_eq!(number(size), status["dbSize"].as_f64().expect("a size"));
    assert!(number(in_use) > 0.0 && number(in_use) <= number(size));
    let free = 100.0 * (number(size) - number(in_use)) / number(size);
    assert_eq!(number(&member["fragmentation-percent"]), free.floor());
    assert!(number(&member["revision"]) > 1.0);
    assert!(number(&member["round-trip-ms"]) < 3000.0);
}

pub(crate) fn tell_the_health_of_three_members() {
    let (mut world, units) = three();
    for unit in &units {
        let (output, told) = health(&mut world, unit);
        assert_eq!(output, format!("cluster is healthy\n{ADVICE}"));
        assert_eq!(told["healthy"], "true");
        assert_eq!(
            told["quorum"],
            json!({"voters": "3", "needed": "2", "serving": "3", "may-be-lost": "1"})
        );
        assert_eq!(told["members"].as_object().map(|all| all.len()), Some(3));
        for unit in &units {
            assert_member(&world, unit, &told);
        }
        let slowest = told["slowest"]["member"].as_str().expect("a name");
        assert_eq!(
            told["slowest"]["round-trip-ms"],
            told["members"][slowest.replace('/', "-")]["round-trip-ms"]
        );
        assert_eq!(told["versions"], "3.4.23");
        let advisories = told["advisories"].as_str().expect("a text");
        assert!(advisories.contains("CVE-2021-28235"), "{advisories}");
        assert_eq!(told["alarms"], "none");
    }

    // One is silent, and says why by the words of whoever asked it.
    world.machines[&units[2]].power_off();
    let (output, told) = health(&mut world, &units[0]);
    assert_eq!(
        output.lines().next().expect("an assessment"),
        "the cluster serves, but no answer comes from etcd/2 (1 of 3 members): start what is \
         down, or remove what is gone for good"
    );
    assert_eq!(told["healthy"], "false");
    assert_eq!(told["quorum"]["serving"], "2");
    assert_eq!(told["quorum"]["may-be-lost"], "0");
    let silent = &told["members"]["etcd-2"];
    assert_eq!(silent["answers"], "false");
    assert_eq!(silent["serves"], "false");
    assert_eq!(silent["version"], Value::Null);
    assert!(
        silent["problem"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    assert_member(&world, &units[0], &told);

    // The last one still has its own word.
    world.machines[&units[1]].power_off();
    let results = done(&mut world, &units[0], "health");
    let output = results["output"].as_str().expect("an assessment");
    assert_eq!(
        output.lines().next().expect("an assessment"),
        "quorum is lost and nobody is served: 2 voters of 3 are needed, answers come from 1; \
         start etcd/1, etcd/2 again, or run rebuild-cluster if they are gone for good"
    );
    let told = &results["status"];
    assert_eq!(told["healthy"], "false");
    assert_eq!(told["quorum"]["may-be-lost"], "lost");
    assert_eq!(told["quorum"]["serving"], "0");
    let left = &told["members"]["etcd-0"];
    assert_eq!(left["answers"], "true");
    assert_eq!(left["serves"], "false");
    assert_eq!(left["version"], "3.4.23");
    assert!(
        left["problem"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );

    // Nobody is left to ask.
    world.machines[&units[0]].power_off();
    let reason = refused(&mut world, &units[0], "health");
    assert!(reason.starts_with("etcd cannot be asked now: "), "{reason}");
}

pub(crate) fn tell_the_health_of_the_newest_etcd() {
    let (mut world, unit) = deployed_of(newest());
    let (output, told) = health(&mut world, &unit);
    assert_eq!(output, "cluster is healthy");
    assert_eq!(
        told["quorum"],
        json!({"voters": "1", "needed": "1", "serving": "1", "may-be-lost": "0"})
    );
    assert_eq!(told["advisories"], "none");
    assert_member(&world, &unit, &told);
    // etcd's own default is 2 GiB.
    let quota = number(&told["members"]["etcd-0"]["quota-bytes"]);
    assert!(quota >= 2_147_483_648.0, "{quota}");
}

pub(crate) fn tell_in_full_what_a_status_counts() {
    let (mut world, unit) = deployed();
    for (option, value) in [
        ("heartbeat-interval", json!(7)),
        ("log-level", json!("debug")),
        ("client-port", json!(80)),
    ] {
        world.model.set_config("etcd", option, value);
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("archive");
    std::fs::write(&file, "no archive").expect("a file");
    world.model.attach_resource("etcd", "etcd", &file);
    world.settle();
    let output = done(&mut world, &unit, "health")["output"].clone();
    let output = output.as_str().expect("an assessment");
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "cluster is healthy",
            "etcd/0: option heartbeat-interval must be 10 to 5000 milliseconds, not 7",
            "etcd/0: option client-port must be 1024 to 65535, not 80",
            "etcd/0: option log-level must be info or warn or error, not \"debug\"",
        ]
    );
    let archive = lines[4];
    assert!(
        archive.starts_with("etcd/0: attach a release of etcd"),
        "{archive}"
    );
    assert_eq!(lines[5..], [ADVICE]);
}
