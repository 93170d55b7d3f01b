//! A name that goes from one client to another.

use etcd_charm_world::juju::Hook;

use crate::revocation::probe::Probe;
use crate::revocation::support::{cluster, step_through};
use crate::support::{ask_v0, assert_shut_out, certificate, say, trusts};

/// What only the new user may do.
const CALL: &[&str] = &[
    "--dial-timeout=1s",
    "--command-timeout=1s",
    "put",
    "/new/key",
    "stolen",
];

/// One client goes, another wants its name with a certificate of its own: at no
/// moment does the old certificate act as the new user, who is told of nothing before
/// every member has forgotten it.
pub(crate) fn are_kept_from_the_next(units: usize) {
    let (mut world, units) = cluster(units);
    let (old, new) = (certificate("shared"), certificate("shared"));
    let first = ask_v0(&mut world, "first", "/old/", &old);
    world.rest();
    let probes: Vec<Probe> = units
        .iter()
        .map(|unit| Probe::begin(world.client(unit, &old), CALL))
        .collect();
    let clients: Vec<_> = units.iter().map(|unit| world.client(unit, &old)).collect();
    let mut steps = 0;
    let mut look = |when: &str| {
        steps += 1;
        // At all members at once, since a refused handshake takes its time.
        // Reading needs the same rights, and so does deleting.
        std::thread::scope(|scope| {
            for (unit, client) in units.iter().zip(&clients) {
                scope.spawn(move || {
                    let is_let_in = client.run(CALL).ok;
                    assert!(
                        !is_let_in,
                        "{when}: the old certificate may write at {unit}"
                    );
                });
            }
        });
    };
    // The new one asks first, and waits.
    let second = ask_v0(&mut world, "second", "/new/", &new);
    step_through(&mut world, "-", |_| look("while the first is there"));
    assert!(world.told(&second).is_none(), "a name was given twice");
    world.model.remove_relation(first.relation);
    step_through(&mut world, "-", |_| look("while the first goes"));
    // A removal restarts nobody at once, so the name is not free yet.
    assert!(world.told(&second).is_none() && trusts(&world, &units[0], &old));
    // One full pass drops the leaf, the next gives the name, the last answers.
    for _ in 0..4 {
        if world.told(&second).is_some() {
            break;
        }
        for unit in &units {
            let run = world.model.run_hook(unit.clone(), Hook::UpdateStatus);
            assert!(run.succeeded(), "{}", run.stderr);
            look("after a full pass");
            step_through(&mut world, "-", |world| {
                look("after what it led to");
                if world.told(&second).is_some() {
                    let trusted = units.iter().find(|unit| trusts(world, unit, &old));
                    assert_eq!(trusted, None, "it was told too early");
                }
            });
        }
    }
    let told = world.told(&second).expect("the name was free in the end");
    assert!(!told.endpoints.is_empty());
    for unit in &units {
        let client = world.client(unit, &new);
        assert!(client.run(&["put", "/new/key", "own"]).ok, "{unit}");
        let value = client.run(&["get", "--print-value-only", "/new/key"]);
        assert_eq!(value.stdout.trim(), "own", "{unit}");
    }
    for (unit, client) in units.iter().zip(&clients) {
        assert_shut_out(&world, unit, client);
    }
    let mut tries = 0;
    for (unit, probe) in units.iter().zip(probes) {
        let tried = probe.end();
        tries += tried.len();
        let acted = tried.iter().filter(|t| t.answer.ok).count();
        assert_eq!(
            acted, 0,
            "the old certificate acted as the new user at {unit}"
        );
    }
    say(&format!(
        "a name that changes hands, {} units: looked after {steps} hooks, {tries} tries meanwhile, \
         0 succeeded",
        units.len()
    ));
}
