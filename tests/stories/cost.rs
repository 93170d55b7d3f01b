//! What an event costs, in calls of hook tools: an event on one relation is
//! not dearer for the relations beside it.

use etcd_charm_world::{UnitName, World};
use libtest_mimic::Trial;

use crate::support::{ask_v0, certificate, deployed, story};

/// What a new client may cost: reading it, one look for others that wait for
/// the same restart, two secrets made and shared, and the answer.
const NEW_CLIENT: usize = 12;

/// What an event may cost that changes nothing.
const NO_CHANGE: usize = 5;

pub(crate) fn stories() -> Vec<Trial> {
    vec![story("cost_of_an_event_does_not_grow", does_not_grow)]
}

/// The calls of a new client's first hook, of one that changes nothing, and of
/// its end.
fn calls(world: &mut World, app: &str) -> [usize; 3] {
    let shown = certificate(app);
    let requirer = ask_v0(world, app, &format!("/{app}/"), &shown);
    let run = world.model.step().expect("a hook is due");
    assert!(
        run.succeeded() && world.told(&requirer).is_some(),
        "{run:#?}"
    );
    let new = run.calls.len();
    world.rest();
    world
        .model
        .relation_set_unit(requirer.relation, UnitName::new(app, 0), &[("data", "{}")]);
    let run = world.model.step().expect("a hook is due");
    assert!(run.succeeded() && run.changes.is_empty(), "{run:#?}");
    let none = run.calls.len();
    world.model.remove_relation(requirer.relation);
    let runs = world.settle();
    let broken = runs.iter().find(|run| run.name.ends_with("-broken"));
    [new, none, broken.expect("it ends").calls.len()]
}

fn does_not_grow() {
    let (mut world, _) = deployed();
    let alone = calls(&mut world, "first");
    assert!(alone[0] <= NEW_CLIENT && alone[1] <= NO_CHANGE, "{alone:?}");
    for number in 0..10 {
        let app = format!("app{number}");
        let shown = certificate(&app);
        let _served = ask_v0(&mut world, &app, &format!("/{app}/"), &shown);
    }
    world.rest();
    assert_eq!(calls(&mut world, "last"), alone);
    world.rest();
}
