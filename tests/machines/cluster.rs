//! Three units: what their cluster outlives.

use etcd_charm_world::{ClientAuthority, Etcdctl, UnitName};

use crate::cut;
use crate::harness::Harness;
use crate::service::word;
use crate::step::step;
use crate::upgrade;
use crate::writer::Writer;

/// The life of a cluster that begins with this unit.
pub(crate) fn live(harness: &mut Harness, first: UnitName) {
    let (second, third) = step("two more machines boot", || {
        (harness.add_unit(), harness.add_unit())
    });
    step("three units form a cluster", || harness.rest());
    let units = [first.clone(), second.clone(), third.clone()];
    let names = units.each_ref().map(UnitName::with_dash);
    assert_eq!(harness.voters(&first), names);

    let certificate = ClientAuthority::new().issue("client1");
    let relation = step("a client is granted access", || {
        let relation = harness.relate("app", "/test/", &certificate);
        harness.rest();
        relation
    });
    let client = harness.client("app", relation, &certificate);
    uses(&client);
    let told = harness.model.app_bag(relation, "etcd")["endpoints"].clone();
    assert_eq!(told.split(',').count(), 3, "{told}");

    cut::live(harness, &units, relation, &client);

    let writer = Writer::start(&client, "/test/crash/");
    let lost = harness.raft_leader(&first);
    harness.model.set_leader("etcd", lost.clone());
    harness.settle();
    let others = units.clone().into_iter().filter(|unit| *unit != lost);
    let others: Vec<_> = others.collect();
    step(
        "the machine of the cluster's leader loses its power",
        || {
            harness.guest_mut(&lost).cut_power();
            // It takes along the leader of the application as well.
            harness.model.set_leader("etcd", others[0].clone());
            harness.settle_only(&others);
            uses(&client);
        },
    );
    step("it comes back with its data", || {
        harness.turn_on(std::slice::from_ref(&lost));
        harness.rest();
        assert_eq!(harness.voters(&first), names);
        assert_caught_up(harness, &units);
    });
    writer.stop();

    let writer = Writer::start(&client, "/test/reboot/");
    step("all machines reboot at once", || {
        harness.reboot(&units);
        harness.rest();
        assert_eq!(harness.voters(&first), names);
        uses(&client);
    });
    writer.stop();

    let writer = Writer::start(&client, "/test/cut/");
    step("all machines lose their power at once", || {
        for unit in &units {
            harness.guest_mut(unit).cut_power();
        }
        harness.turn_on(&units);
        harness.rest();
        assert_eq!(harness.voters(&first), names);
        uses(&client);
    });
    writer.stop();

    upgrade::roll(harness, &units, &client);

    let writer = Writer::start(&client, "/test/shrink/");
    step("two units are removed at once", || {
        for unit in [&second, &third] {
            harness.model.remove_unit(unit.clone());
        }
        harness.rest();
    });
    writer.stop();
    assert_eq!(harness.voters(&first), names[..1]);
    let told = harness.model.app_bag(relation, "etcd")["endpoints"].clone();
    assert_eq!(told.split(',').count(), 1, "{told}");
    uses(&harness.client("app", relation, &certificate));
    assert_runs_no_etcd(harness, &second);
    assert_runs_no_etcd(harness, &third);
    step("its machine reboots", || {
        harness.reboot(std::slice::from_ref(&third));
    });
    assert_runs_no_etcd(harness, &third);
}

/// Asserts that the client can use what it asked for, and nothing else.
fn uses(client: &Etcdctl) {
    let put = client.run(&["put", "/test/a", "1"]);
    assert!(put.ok, "{put:?}");
    assert_eq!(client.lines(&["get", "/test/a"]), ["/test/a", "1"]);
    assert!(client.run(&["put", "/testing", "1"]).is_denied());
}

/// Asserts that each member has by itself what was written before.
fn assert_caught_up(harness: &Harness, units: &[UnitName]) {
    for unit in units {
        let local = ["get", "--consistency=s", "/test/a"];
        assert_eq!(
            harness.admin(unit).lines(&local),
            ["/test/a", "1"],
            "{unit}"
        );
    }
}

/// Asserts that the machine runs no etcd and will start none.
fn assert_runs_no_etcd(harness: &Harness, unit: &UnitName) {
    let guest = harness.guest(unit);
    let service = etcd_charm_world::service_of(unit);
    assert_eq!(word(guest, "is-active", &service), "inactive");
    assert_ne!(word(guest, "is-enabled", &service), "enabled");
    let running = guest.run(&["sh", "-c", "readlink /proc/[0-9]*/exe || true"]);
    assert!(running.contains("systemd"), "{running}");
    let is_etcd = |program: &str| program.rsplit('/').next() == Some("etcd");
    assert!(!running.lines().any(is_etcd), "{running}");
}
