//! What an operator asks for by `juju run`.

pub(crate) mod certificates;
pub(crate) mod clients;
pub(crate) mod health;
pub(crate) mod maintenance;
pub(crate) mod reconcile;

use etcd_charm_world::{ActionResult, UnitName, World};
use serde_json::Value;

/// Runs an action that has to succeed, as `juju run` takes it: `restore snapshot=/tmp/x`.
/// Gives its results.
pub(super) fn done(world: &mut World, unit: &UnitName, command: &str) -> Value {
    let (name, parameters) = parsed(command);
    done_with(world, unit, name, parameters)
}

/// The same with parameters that are more than words.
pub(super) fn done_with(
    world: &mut World,
    unit: &UnitName,
    name: &str,
    parameters: Value,
) -> Value {
    let result = run(world, unit, name, parameters);
    assert_eq!(result.status, "completed", "{name}: {}", result.message);
    result.results
}

/// Runs an action that has to fail, and gives the reason.
pub(super) fn refused(world: &mut World, unit: &UnitName, command: &str) -> String {
    let (name, parameters) = parsed(command);
    refused_with(world, unit, name, parameters)
}

/// The same with parameters that are more than words.
pub(super) fn refused_with(
    world: &mut World,
    unit: &UnitName,
    name: &str,
    parameters: Value,
) -> String {
    let result = run(world, unit, name, parameters);
    assert_eq!(result.status, "failed", "{name}: {}", result.results);
    // A reason of the charm's own, and not Juju's word for a program that died.
    let code = &result.results["return-code"];
    assert_eq!(*code, 0, "{name}: {}", result.message);
    result.message
}

/// The name and the parameters of an action; what is no number and neither true nor
/// false is a text.
fn parsed(command: &str) -> (&str, Value) {
    let (name, set) = command.split_once(' ').unwrap_or((command, ""));
    let pairs = set.split_whitespace().map(|pair| {
        let (key, text) = pair.split_once('=').expect("name=value");
        let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        (key.to_owned(), value)
    });
    (name, Value::Object(pairs.collect()))
}

pub(super) fn run(
    world: &mut World,
    unit: &UnitName,
    name: &str,
    parameters: Value,
) -> ActionResult {
    world.run_action(unit, name, parameters)
}
