//! A full pass on demand, and what it would do.

use etcd_charm_world::{Programs, UnitName, V0, World, service_of, writes};
use serde_json::{Value, json};

use super::{done, refused, run};
use crate::support::{
    ask_v0, assert_serves, certificate, deployed, deployed_of, named, trusts, users,
};

/// A dry run, which must change nothing.
fn dry(world: &mut World, unit: &UnitName) -> Value {
    let before = world.revisions();
    let result = run(world, unit, "reconcile", json!({}));
    assert_eq!(result.status, "completed", "{}", result.message);
    assert_eq!(writes(&result.run), []);
    assert_eq!(world.revisions(), before, "a dry run changed something");
    assert_eq!(result.results["dry-run"], "true");
    result.results
}

/// The steps below a key, in their order.
fn steps(results: &Value, key: &str) -> Vec<String> {
    let all = results[key].as_object().into_iter().flatten();
    let mut all: Vec<(usize, String)> = all
        .map(|(number, step)| {
            let field = |name: &str| step[name].as_str().unwrap_or("-").to_owned();
            let line = format!("{} {} {}", field("stage"), field("step"), field("subject"));
            (number.parse().expect("a number"), line)
        })
        .collect();
    all.sort();
    all.into_iter().map(|(_, line)| line).collect()
}

pub(crate) fn reconcile_what_was_changed_by_hand(programs: Programs) {
    let (mut world, unit) = deployed_of(programs);
    let shown = [certificate("client1"), certificate("client2")];
    let one = ask_v0(&mut world, "one", "/one/", &shown[0]);
    let two = ask_v0(&mut world, "two", "/two/", &shown[1]);
    world.rest();
    let at_rest = dry(&mut world, &unit);
    assert_eq!(at_rest["output"], "nothing to do");
    assert_eq!(at_rest["count"], "0");
    assert_eq!(at_rest["whole"], "true");

    let admin = world.admin(&unit);
    for line in [
        "user delete client1",
        "role grant-permission client2 --prefix read /one/",
        "user add hand --no-password",
        "role add hand",
    ] {
        admin.must(line);
    }
    let reason = refused(&mut world, &unit, "reconcile dry-run=maybe");
    assert_eq!(reason, "parameter `dry-run` is neither true nor false");
    assert_eq!(users(&world, &unit), ["client2", "hand", "root"]);

    let expected = [
        "access forbid client2",
        "access add-user client1",
        "access grant-role client1",
        "disconnect disconnect -",
        "publish tell-units -",
    ];
    let planned = dry(&mut world, &unit);
    assert_eq!(planned["count"], "5");
    assert_eq!(steps(&planned, "steps"), expected);
    assert_eq!(
        planned["steps"]["1"]["summary"],
        "take [/one/, /one0) from role client2"
    );
    assert_eq!(
        planned["output"],
        "5 to do:\n\
         1. access: take [/one/, /one0) from role client2\n\
         2. access: make user client1\n\
         3. access: give user client1 its role\n\
         4. disconnect: end the connections of clients to this unit's member: some have lost rights\n\
         5. publish: tell all units anew: settled"
    );
    assert_eq!(users(&world, &unit), ["client2", "hand", "root"]);

    let applied = done(&mut world, &unit, "reconcile dry-run=false");
    assert_eq!(applied["dry-run"], "false");
    assert_eq!(steps(&applied, "steps"), expected);
    assert_eq!(applied["left-count"], "0");
    assert_eq!(applied["left"], Value::Null);
    assert_eq!(applied["waits"], Value::Null);
    let output = applied["output"].as_str().expect("words");
    assert!(output.starts_with("5 done:\n1. access: take [/one/, /one0)"));
    assert!(output.ends_with("\nnothing is left"), "{output}");

    // It is so, and what is not ours is as it was.
    assert_eq!(users(&world, &unit), ["client1", "client2", "hand", "root"]);
    let told = [world.told(&one), world.told(&two)].map(|told| told.expect("an answer"));
    assert_serves(&mut world, &told[0], &shown[0], "/one/");
    assert_serves(&mut world, &told[1], &shown[1], "/two/");
    let other = world.follow(&told[1], &shown[1]);
    assert!(other.run(&["get", "/one/key"]).is_denied());
    assert_eq!(dry(&mut world, &unit)["count"], "0");
    let again = done(&mut world, &unit, "reconcile dry-run=false");
    assert_eq!(again["output"], "nothing was to do\nnothing is left");
    world.assert_idle();
}

pub(crate) fn reconcile_no_more_than_a_unit_may() {
    let (mut world, leader) = deployed();
    let follower = world.add_unit();
    ask_v0(&mut world, "one", "/one/", &certificate("client1"));
    world.rest();
    world.admin(&leader).must("user delete client1");
    let of_leader = dry(&mut world, &leader);
    assert_eq!(of_leader["count"], "2");
    let mut of_follower = dry(&mut world, &follower);
    for _ in 0..2 {
        assert_eq!(of_follower["count"], "0");
        let output = of_follower["output"].as_str().expect("words");
        assert!(
            output.ends_with("juju run etcd/leader reconcile"),
            "{output}"
        );
        assert_eq!(users(&world, &leader), ["root"]);
        of_follower = done(&mut world, &follower, "reconcile dry-run=false");
    }
    // A new request that no hook has seen yet is served by the action, and the
    // other member, which is another unit's, by its own hook.
    let shown = certificate("client2");
    let relation = world.relate("two");
    world.settle();
    let mut two = V0::ask(&mut world.model, "two", relation, "/two/");
    two.set_certificate(&mut world.model, &shown.certificate);
    let planned = dry(&mut world, &leader);
    assert!(
        steps(&planned, "steps").contains(&"access claim client2".to_owned()),
        "{planned}"
    );
    let results = done(&mut world, &leader, "reconcile dry-run=false");
    assert_eq!(results["left-count"], "0", "{results}");
    let told = world.told(&two).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/two/");
    world.rest();
    assert!(trusts(&world, &follower, &shown));
}

pub(crate) fn reconcile_dry_and_news_still_arrives() {
    let (mut world, unit) = deployed();
    let old = certificate("client1");
    let mut app = ask_v0(&mut world, "one", "/one/", &old);
    world.rest();
    let new = certificate("client1");
    app.set_certificate(&mut world.model, &new.certificate);
    let planned = dry(&mut world, &unit);
    // All stages are simulated: the old leaf is forgotten after the restart.
    assert_eq!(
        steps(&planned, "steps"),
        [
            "access record-name client1",
            "access record-request 1",
            "restart restart -",
            "access record-name client1",
            "publish tell-units -",
            "publish tell-units -",
        ]
    );
    assert!(trusts(&world, &unit, &old) && !trusts(&world, &unit, &new));
    let runs = world.settle();
    assert_eq!(named(&runs, "secret-changed").len(), 1);
    assert!(trusts(&world, &unit, &new) && !trusts(&world, &unit, &old));
}

pub(crate) fn reconcile_says_what_it_waits_for() {
    let (mut world, unit) = deployed();
    let service = service_of(&unit);
    assert!(world.machines[&unit].pause_service(&service));
    for dry_run in [true, false] {
        let asked = format!("reconcile dry-run={dry_run}");
        let results = done(&mut world, &unit, &asked);
        assert_eq!(results["count"], "0", "{results}");
        let waits = results["waits"].as_str().expect("a reason");
        assert!(waits.starts_with("waiting for etcd, see "), "{waits}");
        let output = results["output"].as_str().expect("words");
        assert!(output.ends_with(&format!("not now: {waits}")), "{output}");
        assert!(!output.contains("nothing is left"), "{output}");
    }
    assert!(world.machines[&unit].resume_service(&service));
    assert_eq!(dry(&mut world, &unit)["output"], "nothing to do");
    world.rest();
}
