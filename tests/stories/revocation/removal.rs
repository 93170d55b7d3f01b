//! Requests are refused from the hook's end on.

use std::time::{Duration, Instant};

use etcd_charm_world::{Certificate, Request, UnitName, V1, World};

use crate::revocation::probe::Probe;
use crate::revocation::support::{cluster, pass, step_through};
use crate::support::{Client, ask_v0, certificate, say};

const CALL: &[&str] = &["put", "/app/key", "value"];

/// A relation ends.
pub(crate) fn refuses_at_once(units: usize) {
    let (mut world, units) = cluster(units);
    let app = Client::ask_as(&mut world, "app", "/app/", "client1");
    world.rest();
    let gone = |world: &mut World| {
        app.leave(world);
        step_through(world, "relation-broken", |_| {}).expect("the relation broke")
    };
    refused_at_once(
        "the end of a relation",
        &mut world,
        &units,
        &app.shown,
        gone,
    );
}

/// A request of version 1 is withdrawn, and its neighbour stays.
pub(crate) fn of_a_request_refuses_at_once(units: usize) {
    let (mut world, units) = cluster(units);
    let (shown, stays) = (certificate("client1"), certificate("client2"));
    let relation = world.relate("app");
    let requests = vec![
        Request::new("/app/", "e7cd000000000001", "salt000000000001"),
        Request::new("/stays/", "e7cd000000000002", "salt000000000002"),
    ];
    let mut app = V1::ask(&mut world.model, "app", relation, requests);
    app.set_certificate(&mut world.model, 0, &shown.certificate);
    app.set_certificate(&mut world.model, 1, &stays.certificate);
    world.rest();
    let gone = |world: &mut World| {
        app.requests.remove(0);
        app.write(&mut world.model);
        step_through(world, "relation-changed", |_| {}).expect("the relation changed")
    };
    refused_at_once("a withdrawal", &mut world, &units, &shown, gone);
    for unit in &units {
        let client = world.client(unit, &stays);
        assert!(client.run(&["put", "/stays/key", "value"]).ok);
    }
}

fn refused_at_once(
    what: &str,
    world: &mut World,
    units: &[UnitName],
    shown: &Certificate,
    gone: impl FnOnce(&mut World) -> Instant,
) {
    let probes: Vec<Probe> = units
        .iter()
        .map(|unit| Probe::begin(world.client(unit, shown), CALL))
        .collect();
    // So that each has been let in before.
    std::thread::sleep(Duration::from_millis(500));
    let over = gone(world);
    std::thread::sleep(Duration::from_millis(500));
    pass(world, units, |_| {});
    for (unit, probe) in units.iter().zip(probes) {
        let tries = probe.end();
        assert!(tries[0].answer.ok, "{unit}: {:?}", tries[0]);
        let after: Vec<_> = tries.iter().filter(|t| t.begun >= over).collect();
        let let_in = after.iter().filter(|t| t.answer.ok).count();
        assert_eq!(let_in, 0, "{unit} let the client in after {what}");
        assert!(!after.is_empty(), "{unit} was not tried any more");
        let refused = tries.iter().find(|t| !t.answer.ok).expect("a refusal");
        let words = &refused.answer.stderr;
        let first = refused.ended.checked_duration_since(over);
        say(&format!(
            "{what}, {} units, {unit}: {} tries after the hook, 0 let in, first refusal {}: {}",
            units.len(),
            after.len(),
            first.map_or_else(
                || "before its end".to_owned(),
                |time| format!("{time:.0?} after it")
            ),
            words.lines().last().unwrap_or_default(),
        ));
    }
    // And once the leaf is dropped, the certificate is worth nothing.
    for unit in units {
        let answer = world.client(unit, shown).run(CALL);
        assert!(answer.is_shut_out(), "{unit}: {answer:?}");
    }
}

/// A certificate is replaced by one of the same name.
pub(crate) fn by_rotation_shuts_the_old_leaf_out(units: usize) {
    let (mut world, units) = cluster(units);
    let (old, new) = (certificate("client1"), certificate("client1"));
    let mut app = ask_v0(&mut world, "app", "/app/", &old);
    world.rest();
    app.set_certificate(&mut world.model, &new.certificate);
    let begun = Instant::now();
    step_through(&mut world, "-", |_| {});
    let taken = begun.elapsed();
    for unit in &units {
        let answer = world.client(unit, &old).run(CALL);
        assert!(
            answer.is_shut_out(),
            "{unit} still lets in the old: {answer:?}"
        );
        assert!(world.client(unit, &new).run(CALL).ok, "{unit}");
    }
    say(&format!(
        "a rotation, {} units: old leaf shut out after {taken:.1?}",
        units.len()
    ));
}
