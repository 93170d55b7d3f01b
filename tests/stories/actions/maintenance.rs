//! Alarms, history and size.

use std::future::Future;

use etcd_charm_world::{Programs, UnitName, World};
use etcd_client::{
    AlarmAction, AlarmOptions, AlarmType, Certificate, Client, ConnectOptions, Identity,
    PutOptions, TlsOptions,
};
use serde_json::{Value, json};

use super::{done, done_with, refused};
use crate::support::{deployed, deployed_of, revision, three};

/// Waits for an answer of etcd, asked as its administrator.
fn ask<T>(world: &World, unit: &UnitName, ask: impl AsyncFnOnce(Client) -> T) -> T {
    fn wait<T>(ask: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(ask)
    }
    let file = |name: &str| std::fs::read_to_string(world.pki(unit).join(name)).expect(name);
    let tls = TlsOptions::new()
        .ca_certificate(Certificate::from_pem(file("server-ca.crt")))
        .identity(Identity::from_pem(file("admin.crt"), file("admin.key")));
    let options = ConnectOptions::new().with_tls(tls);
    let url = world.url(unit);
    wait(async {
        let client = Client::connect([url], Some(options)).await;
        ask(client.expect("a connection")).await
    })
}

/// What a member says of itself: its id and the one that leads.
fn ids(world: &World, unit: &UnitName) -> (u64, u64) {
    let status = world.admin(unit).json(&["endpoint", "status"]);
    let status = &status[0]["Status"];
    let id = |value: &Value| value.as_u64().expect("an id");
    (id(&status["header"]["member_id"]), id(&status["leader"]))
}

/// The size of a member's database file, in bytes.
fn size(world: &World, unit: &UnitName) -> u64 {
    let status = world.admin(unit).json(&["endpoint", "status"]);
    status[0]["Status"]["dbSize"].as_u64().expect("a size")
}

pub(crate) fn compact_the_history() {
    let (mut world, unit) = deployed();
    let admin = world.admin(&unit);
    for value in ["1", "2", "3"] {
        assert!(admin.run(&["put", "key", value]).ok);
    }
    let latest = revision(&world, &unit);
    let value_at = |revision: u64| admin.run(&["get", "key", &format!("--rev={revision}")]);

    let reason = |world: &mut World, revision: Value| {
        refused(world, &unit, &format!("compact revision={revision}"))
    };
    assert_eq!(
        reason(&mut world, json!((latest + 1).to_string())),
        format!("parameter `revision` is in the future: the latest is {latest}")
    );
    for wrong in [json!("latest"), json!("0"), json!("-1"), json!(1.5)] {
        let said = reason(&mut world, wrong);
        assert!(said.starts_with("parameter `revision` is no rev"), "{said}");
    }
    // None of these changed anything: the oldest value is there.
    assert_eq!(value_at(latest - 2).stdout, "key\n1\n");
    assert_eq!(revision(&world, &unit), latest);

    let before = latest - 1;
    let asked = json!({"revision": before.to_string(), "physical": true});
    let results = done_with(&mut world, &unit, "compact", asked);
    assert_eq!(results["output"], format!("compacted revision {before}"));
    assert_eq!(results["revision"], before.to_string());
    assert_eq!(results["physical"], "true");
    let gone = value_at(latest - 2);
    assert!(gone.stderr.contains("compacted"), "{gone:?}");
    assert_eq!(value_at(before).stdout, "key\n2\n");
    assert_eq!(
        reason(&mut world, json!((before - 1).to_string())),
        format!(
            "parameter `revision` is too old: {} is compacted already; the latest is {latest}",
            before - 1
        )
    );

    let results = done(&mut world, &unit, "compact");
    assert_eq!(results["output"], format!("compacted revision {latest}"));
    assert_eq!(results["physical"], "false");
    assert!(!value_at(before).ok);
    let results = done(&mut world, &unit, "compact");
    let output = format!("nothing to compact since revision {latest}");
    assert_eq!(results["output"], output);
    assert_eq!(value_at(latest).stdout, "key\n3\n");
}

/// Fills the database with some megabytes and takes them away again.
fn fill(world: &World, unit: &UnitName) {
    let admin = world.admin(unit);
    let value = "x".repeat(100_000);
    for number in 0..20 {
        let key = format!("key{number}");
        assert!(admin.run(&["put", &key, &value]).ok);
    }
    assert!(admin.run(&["del", "key", "--prefix"]).ok);
}

pub(crate) fn defragment_members_with_the_leader_last() {
    let (mut world, units) = three();
    fill(&world, &units[0]);
    // Physical on one member only, so the others are given a moment.
    done(&mut world, &units[0], "compact physical=true");
    let names = ["etcd-0", "etcd-1", "etcd-2"];
    let (_, leader) = ids(&world, &units[0]);
    let at = units
        .iter()
        .position(|unit| ids(&world, unit).0 == leader)
        .expect("one leads");
    let (leading, following) = (names[at], names.map(|name| name != names[at]));
    assert_eq!(following.iter().filter(|is| **is).count(), 2);
    let starts = units.each_ref().map(|unit| world.starts(unit));
    let sizes = units.each_ref().map(|unit| size(&world, unit));

    // One alone, by its unit.
    let one = (at + 1) % 3;
    let asked = format!("defrag member={}", units[one]);
    let results = done(&mut world, &units[0], &asked);
    let members = results["members"].as_object().expect("members");
    assert_eq!(members.keys().collect::<Vec<_>>(), [names[one]]);
    let figure = |results: &Value, name: &str, key: &str| -> u64 {
        let text = results["members"][name][key].as_str();
        text.and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("{name} {key}: {results}"))
    };
    assert_eq!(figure(&results, names[one], "before"), sizes[one]);
    let after = figure(&results, names[one], "after");
    assert!(after < sizes[one] / 2, "{after} of {}", sizes[one]);
    assert_eq!(figure(&results, names[one], "freed"), sizes[one] - after);
    assert_eq!(size(&world, &units[one]), after);
    for other in [(one + 1) % 3, (one + 2) % 3] {
        assert_eq!(size(&world, &units[other]), sizes[other]);
    }
    assert_eq!(ids(&world, &units[0]).1, leader);

    // All, and the one that led comes last and leads no more.
    let results = done(&mut world, &units[2], "defrag");
    let output = results["output"].as_str().expect("lines");
    let order: Vec<_> = output
        .lines()
        .map(|line| line.split_once(':').expect("a name").0)
        .collect();
    assert_eq!(order.len(), 3, "{output}");
    assert_eq!(order[2], leading, "{output}");
    for (name, unit) in names.iter().zip(&units) {
        let after = figure(&results, name, "after");
        // The locks of those whose turn came later take a page or two.
        let grown = size(&world, unit).abs_diff(after);
        assert!(grown <= 64 << 10, "{name}: {after} and then {grown} more");
        assert!(after < sizes[one] / 2, "{name}: {after}");
        figure(&results, name, "milliseconds");
    }
    let (_, now) = ids(&world, &units[0]);
    assert!(now != leader && now != 0);
    // Nothing was restarted, and the turn is given back.
    assert_eq!(units.each_ref().map(|unit| world.starts(unit)), starts);
    let locks = world
        .admin(&units[0])
        .run(&["get", "", "--from-key", "--keys-only"]);
    assert!(locks.ok && !locks.stdout.contains("/lock/"), "{locks:?}");
    world.assert_idle();
}

pub(crate) fn defragment_only_where_it_is_safe() {
    let (mut world, units) = three();
    let reason = refused(&mut world, &units[0], "defrag member=etcd/7");
    assert_eq!(
        reason,
        "parameter `member` is no member; there are etcd-0, etcd-1, etcd-2"
    );
    world.machines[&units[2]].power_off();
    let sizes = [0, 1].map(|at: usize| size(&world, &units[at]));
    let reason = refused(&mut world, &units[0], "defrag member=etcd-2");
    assert_eq!(
        reason,
        "parameter `member` cannot be done: it does not answer"
    );
    for asked in ["defrag", "defrag member=etcd-1"] {
        let reason = refused(&mut world, &units[0], asked);
        assert!(
            reason.starts_with("it is not safe now to make etcd-")
                && reason.ends_with("1 of 2 other members answer; see the action `health`"),
            "{reason}"
        );
    }
    assert_eq!([0, 1].map(|at: usize| size(&world, &units[at])), sizes);
}

/// Writes that this unit has the turn to restart, for so many seconds if it is
/// to end by itself.
pub(crate) fn take_turn(world: &World, unit: &UnitName, holder: &str, seconds: Option<i64>) {
    let model = world.model.uuid();
    let key = format!("\0etcd-charm/{model}/etcd/lock/restart");
    ask(world, unit, async |mut client| {
        let mut options = PutOptions::new();
        if let Some(seconds) = seconds {
            let lease = client.lease_grant(seconds, None).await;
            options = options.with_lease(lease.expect("it is granted").id());
        }
        let written = client.put(key, holder, Some(options)).await;
        written.expect("it is written");
    });
}

pub(crate) fn defragment_in_turn_with_restarts() {
    let (mut world, unit) = deployed();
    let before = size(&world, &unit);
    // Another unit has the turn,
    take_turn(&world, &unit, "etcd/7", None);
    let reason = refused(&mut world, &unit, "defrag");
    let expected = "another unit restarts its member: run it again in a minute";
    assert_eq!(reason, expected);
    assert!(size(&world, &unit) >= before);
    // or this one was killed while it had it, which the next pass puts right.
    take_turn(&world, &unit, "etcd/0", None);
    let planned = done(&mut world, &unit, "reconcile");
    assert_eq!(planned["steps"]["1"]["step"], "free-lock", "{planned}");
    assert_eq!(planned["steps"]["1"]["subject"], "restart");
    assert_eq!(planned["count"], "1");
    world.rest();
    let results = done(&mut world, &unit, "defrag");
    assert!(results["members"]["etcd-0"]["after"].is_string());
}

pub(crate) fn list_and_disarm_alarms(programs: Programs) {
    let (mut world, unit) = deployed_of(programs);
    let results = done(&mut world, &unit, "alarm-list");
    assert_eq!(results["count"], "0");
    let results = done(&mut world, &unit, "alarm-disarm");
    assert_eq!(results["output"], "");
    assert_eq!(results["disarmed"], "0");
    assert_eq!(results["left"], "0");

    let (member, _) = ids(&world, &unit);
    ask(&world, &unit, async |client| {
        let mut options = AlarmOptions::new();
        options.with_member(member);
        let mut client = client.maintenance_client();
        let raise = client.alarm(AlarmAction::Activate, AlarmType::Nospace, Some(options));
        raise.await.expect("it is raised");
    });
    let admin = world.admin(&unit);
    let put = || admin.run(&["put", "key", "value"]);
    assert!(put().stderr.contains("database space exceeded"));
    let line = format!("memberID:{member} alarm:NOSPACE member:etcd-0");
    let results = done(&mut world, &unit, "alarm-list");
    assert_eq!(results["output"], line);
    assert_eq!(results["alarms"]["etcd-0"], "NOSPACE");
    assert_eq!(results["count"], "1");

    // The way out of it works while it is raised.
    done(&mut world, &unit, "compact physical=true");
    let results = done(&mut world, &unit, "defrag");
    assert!(results["members"]["etcd-0"]["after"].is_string());
    assert!(!put().ok);
    let results = done(&mut world, &unit, "alarm-disarm");
    assert_eq!(results["output"], line);
    assert_eq!(results["alarms"]["etcd-0"], "NOSPACE");
    assert_eq!(results["disarmed"], "1");
    assert_eq!(results["left"], "0");
    assert!(put().ok);
    let results = done(&mut world, &unit, "alarm-list");
    assert_eq!(results["output"], "");
}
