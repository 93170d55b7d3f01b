//! What an operator asks for by `juju run`.

pub(crate) mod certificates;
pub(crate) mod clients;
pub(crate) mod health;
pub(crate) mod maintenance;
pub(crate) mod reconcile;

use etcd_charm_world::{ActionResult, UnitName, World};
use serde_json::{Value, json};

use crate::support::deployed;

/// Runs an action that has to succeed, and gives its results.
pub(super) fn done(world: &mut World, unit: &UnitName, name: &str, parameters: Value) -> Value {
    let result = run(world, unit, name, parameters);
    assert_eq!(result.status, "completed", "{name}: {}", result.message);
    result.results
}

/// Runs an action that has to fail, and gives the reason.
pub(super) fn refused(world: &mut World, unit: &UnitName, name: &str, parameters: Value) -> String {
    let result = run(world, unit, name, parameters);
    assert_eq!(result.status, "failed", "{name}: {}", result.results);
    // A reason of the charm's own, and not Juju's word for a program that died.
    assert_eq!(
        result.results["return-code"], 0,
        "{name}: {}",
        result.message
    );
    result.message
}

pub(super) fn run(
    world: &mut World,
    unit: &UnitName,
    name: &str,
    parameters: Value,
) -> ActionResult {
    world.run_action(unit, name, parameters)
}

pub(crate) fn list_no_alarm_where_there_is_none() {
    let (mut world, unit) = deployed();
    let results = done(&mut world, &unit, "alarm-list", json!({}));
    assert_eq!(results["output"], "");
}

pub(crate) fn refuse_a_parameter_they_do_not_know() {
    let (mut world, unit) = deployed();
    let reason = refused(&mut world, &unit, "alarm-list", json!({"all": true}));
    assert_eq!(reason, "parameter `all` is not known to this action");
}
