//! Actions: they run between hooks, also on a unit in error, and never put a
//! unit in error themselves (Juju's `actions/resolver.go`, `context.go` finalizeAction).

use serde_json::{Map, Value};

use crate::context::{ActionState, Context, Kind};
use crate::model::Model;
use crate::name::UnitName;
use crate::report::{Exit, HookRun};

/// What became of an action.
#[derive(Clone, Debug)]
pub struct ActionResult {
    /// `completed` or `failed`.
    pub status: String,
    /// The message of action-fail, or Juju's own.
    pub message: String,
    /// What action-set set, as a tree.
    pub results: Value,
    /// What action-log logged.
    pub log: Vec<String>,
    /// The run itself.
    pub run: HookRun,
}

impl Model {
    /// Runs an action with its parameters as a JSON object.
    ///
    /// # Panics
    /// Panics if the charm declares no such action, or the unit is not started:
    /// Juju refuses the one and holds the other back.
    pub fn run_action(
        &mut self,
        unit: impl Into<UnitName>,
        name: &str,
        params: Value,
    ) -> ActionResult {
        let unit = unit.into();
        assert!(
            self.unit(&unit).agent.started,
            "{unit} is not started, so its actions wait"
        );
        let declared = self
            .application(unit.application())
            .charm
            .metadata
            .actions
            .get(name)
            .cloned();
        let Some(defaults) = declared else {
            panic!("{unit} has no action {name:?}")
        };
        let mut given: Map<String, Value> = defaults.into_iter().collect();
        if let Value::Object(params) = params {
            given.extend(params);
        }
        let uuid = self.random.uuid();
        let mut context = Context::new(
            self,
            &unit,
            Kind::Action {
                name: name.to_owned(),
                uuid,
            },
        );
        if let Some(action) = &mut context.action {
            action.params = Value::Object(given);
        }
        let run = self.execute(&mut context);
        let state = context.action.take().unwrap_or_default();
        outcome(&unit, state, run)
    }
}

/// What Juju makes of an action that was run.
fn outcome(unit: &UnitName, state: ActionState, run: HookRun) -> ActionResult {
    let mut results = state.results;
    let failure = match (run.exit, &run.commit_error) {
        (_, _) if run.skipped => Some(format!("action not implemented on unit \"{unit}\"")),
        (Exit::Code(0), Some(_)) => Some("committing requested changes failed".to_owned()),
        (Exit::Code(0), None) => state.failure,
        (Exit::Code(code), _) => Some(format!("exit status {code}")),
        (Exit::Signal(9), _) => Some("signal: killed".to_owned()),
        (Exit::Signal(signal), _) => Some(format!("signal: {signal}")),
    };
    let code = match (run.exit, &run.commit_error) {
        (Exit::Code(0), None) => 0,
        (Exit::Code(0), Some(_)) => 1,
        (Exit::Code(code), _) => code,
        (Exit::Signal(_), _) => -1,
    };
    if !run.skipped {
        results.insert("return-code".to_owned(), code.into());
        for (key, text) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            if !text.is_empty() {
                results.insert(key.to_owned(), text.clone().into());
            }
        }
    }
    let status = if failure.is_some() {
        "failed"
    } else {
        "completed"
    };
    ActionResult {
        status: status.to_owned(),
        message: failure.unwrap_or_default(),
        results: Value::Object(results),
        log: state.log,
        run,
    }
}
