//! Carrying an event out, with or without a fault, until nothing is left to do.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use etcd_charm_world::juju::{AgentState, Hook, Model};
use etcd_charm_world::{HookRun, RelationId, UnitName, writes};
use serde_json::Value;

use crate::crash::fault::{FILES, Fault, RECEIVE, SEND};
use crate::crash::harness::Harness;
use crate::crash::trace::{Calls, Trace};

/// How many hooks an event may lead to.
const HOOK_LIMIT: usize = 80;
/// How often a hook may fail before it counts as one that stays in error.
const RETRIES: usize = 12;
/// How many full passes may have something to do.
const PASSES: usize = 12;

/// Where a fault strikes: in which hook of which unit, counted from 0. A hook that is
/// repeated since it failed is the same hook.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    /// The unit.
    pub(crate) unit: UnitName,
    /// The hook.
    pub(crate) hook: usize,
    /// What goes wrong.
    pub(crate) fault: Fault,
}

/// The hooks that one event leads to.
pub(crate) struct EventRun<'a> {
    harness: &'a mut Harness,
    units: Vec<UnitName>,
    relations: Vec<RelationId>,
    /// What is still to strike, at most one fault for each hook.
    points: Vec<Point>,
    /// How many hooks failed by a fault.
    pub(crate) fired: usize,
    /// Where a hook was to be killed and made fewer calls this time, or never ran.
    pub(crate) missed: Vec<Point>,
    /// What strikes in the next hook of its unit.
    armed: Vec<Point>,
    harms: bool,
    /// What hooks did, where that is recorded.
    pub(crate) traces: Vec<Trace>,
    records: bool,
    counts: BTreeMap<UnitName, usize>,
    failures: usize,
    /// Secrets that were published, by relation and what they are for.
    committed: BTreeMap<(RelationId, String), String>,
    action: Option<Action>,
}

/// What an operator runs, on whichever unit leads.
#[derive(Clone, Debug)]
pub(crate) struct Action {
    /// The action.
    pub(crate) name: &'static str,
    /// Its parameters.
    pub(crate) parameters: Value,
    /// What it says when it is run again although it was done.
    pub(crate) done: Option<&'static str>,
}

impl<'a> EventRun<'a> {
    /// An event that has just happened.
    pub(crate) fn new(
        harness: &'a mut Harness,
        units: &[UnitName],
        relations: Vec<RelationId>,
        points: Vec<Point>,
    ) -> Self {
        let mut event = Self {
            harness,
            units: units.to_vec(),
            relations,
            harms: !points.is_empty(),
            points,
            fired: 0,
            missed: Vec::new(),
            armed: Vec::new(),
            traces: Vec::new(),
            records: false,
            counts: BTreeMap::new(),
            failures: 0,
            committed: BTreeMap::new(),
            action: None,
        };
        event.committed = event.published();
        event
    }

    /// Notes what each hook does.
    pub(crate) fn recording(mut self) -> Self {
        self.records = true;
        self
    }

    /// Runs an action first, which counts as the first hook of its unit.
    pub(crate) fn acting(mut self, action: Option<Action>) -> Self {
        self.action = action;
        self
    }

    /// Runs hooks until none is due; with `rests` also full passes until one
    /// changes nothing.
    pub(crate) fn run(&mut self, rests: bool) -> Result<(), String> {
        self.run_hooks(rests)?;
        self.missed.append(&mut self.points);
        self.missed.append(&mut self.armed);
        Ok(())
    }

    fn run_hooks(&mut self, rests: bool) -> Result<(), String> {
        if let Some(action) = self.action.take() {
            self.act(&action)?;
        }
        self.due()?;
        if !rests {
            return Ok(());
        }
        let mut before = self.harness.world.revisions();
        for _ in 0..PASSES {
            let mut is_quiet = true;
            let left = self.points.len() + self.armed.len();
            for unit in self.units.clone() {
                let run = self.hook(&unit, Some(Hook::UpdateStatus))?;
                is_quiet &= run.is_some_and(|run| run.succeeded() && writes(&run).is_empty());
            }
            is_quiet &= self.due()? == 0;
            // A hook that found etcd away has written nothing, and is not done.
            is_quiet &= !self.units.iter().any(|unit| self.waits(unit));
            // Nor is one in which something went wrong: what cannot be read is passed
            // over, and looked at again in the next.
            is_quiet &= self.points.len() + self.armed.len() == left;
            let after = self.harness.world.revisions();
            if is_quiet && before == after {
                return Ok(());
            }
            before = after;
        }
        Err("full passes go on writing".to_owned())
    }

    /// Runs an action until it is done, as an operator would who is told that it
    /// failed.
    fn act(&mut self, action: &Action) -> Result<(), String> {
        let mut last = String::new();
        for attempt in 0..=RETRIES {
            // An operator is not faster, and etcd may have to start again.
            std::thread::sleep(Duration::from_millis(100 * attempt as u64));
            let model = &self.harness.world.model;
            let leads = |unit: &&UnitName| model.is_leader((*unit).clone());
            let leader = self.units.iter().find(leads).ok_or("nobody leads")?.clone();
            let mut end = None;
            self.harmed(&leader.clone(), |model| {
                let result = model.run_action(leader, action.name, action.parameters.clone());
                end = Some((result.status, result.message));
                Some(result.run)
            })?;
            let (status, message) = end.expect("it was run");
            let is_done = action.done.is_some_and(|text| message.contains(text));
            if status == "completed" || is_done {
                return Ok(());
            }
            if !self.harms {
                return Err(format!("{} failed: {message}", action.name));
            }
            last = message;
        }
        Err(format!("{} is never done: {last}", action.name))
    }

    fn waits(&self, unit: &UnitName) -> bool {
        let status = self.harness.world.model.unit_status(unit.clone());
        status.status == "waiting"
    }

    /// Runs the due hooks of all units in turn; gives how many there were.
    fn due(&mut self) -> Result<usize, String> {
        let mut count = 0;
        loop {
            let mut idle = true;
            for unit in self.units.clone() {
                if self.hook(&unit, None)?.is_some() {
                    idle = false;
                    count += 1;
                }
            }
            if idle {
                return Ok(count);
            }
            if count > HOOK_LIMIT {
                return Err(format!("hooks are still due after {count}"));
            }
        }
    }

    /// Runs one hook of a unit: the one that is due, or a given one unless the
    /// unit has to repeat another first.
    fn hook(&mut self, unit: &UnitName, chosen: Option<Hook>) -> Result<Option<HookRun>, String> {
        self.harmed(unit, |model| {
            let idle = model.agent_state(unit.clone()) == AgentState::Idle;
            match chosen {
                Some(hook) if idle => Some(model.run_hook(unit.clone(), hook)),
                _ => model.step_unit(unit.clone()),
            }
        })
    }

    /// Runs whatever is next on a unit, with the fault if it strikes here.
    fn harmed(
        &mut self,
        unit: &UnitName,
        next: impl FnOnce(&mut Model) -> Option<HookRun>,
    ) -> Result<Option<HookRun>, String> {
        let number = self.counts.get(unit).copied().unwrap_or(0);
        let strikes = |point: &Point| point.unit == *unit && point.hook == number;
        if let Some(at) = self.points.iter().position(strikes) {
            // It waits for the unit's next hook, which may not be due yet.
            let point = self.points.swap_remove(at);
            point.fault.arm(self.harness, unit);
            self.armed.push(point);
        } else if self.records {
            let options = format!(
                "-o {} -e trace={SEND},{RECEIVE},{FILES}",
                self.harness.trace_file().display()
            );
            fs::write(self.harness.strace_file(unit), options).unwrap();
        }
        let Some(run) = next(&mut self.harness.world.model) else {
            return Ok(None);
        };
        if run.succeeded() {
            self.counts.insert(unit.clone(), number + 1);
        }
        Fault::disarm(self.harness, unit);
        if let Some(at) = self.armed.iter().position(strikes) {
            let point = self.armed.swap_remove(at);
            self.fired += usize::from(!run.succeeded());
            if point.fault.kills() && run.succeeded() {
                self.missed.push(point);
            }
        }
        self.judge(&run)?;
        if self.records {
            self.note(&run, number);
        }
        Ok(Some(run))
    }

    fn judge(&mut self, run: &HookRun) -> Result<(), String> {
        let now = self.published();
        for (what, uri) in &self.committed {
            match now.get(what) {
                Some(other) if other != uri => {
                    return Err(format!(
                        "{} of {} replaced {uri} by {other} as {what:?}",
                        run.name, run.unit
                    ));
                }
                _ => {}
            }
        }
        self.committed = now;
        if run.succeeded() {
            self.failures = 0;
            return Ok(());
        }
        self.failures += 1;
        if self.failures > RETRIES {
            return Err(format!(
                "{} of {} stays in error: {:?}\n{}",
                run.name, run.unit, run.commit_error, run.stderr
            ));
        }
        // Juju waits longer still.
        std::thread::sleep(Duration::from_millis(50 * self.failures as u64));
        Ok(())
    }

    /// The secrets that clients are told of.
    fn published(&self) -> BTreeMap<(RelationId, String), String> {
        let mut all = BTreeMap::new();
        for relation in &self.relations {
            for (key, value) in self.harness.world.model.app_bag(*relation, "etcd") {
                if key.starts_with("secret-") {
                    all.insert((*relation, key), value);
                } else if let Ok(Value::Array(answers)) = serde_json::from_str(&value) {
                    for answer in answers {
                        let id = answer["request-id"].to_string();
                        for key in ["secret-user", "secret-tls"] {
                            if let Some(uri) = answer[key].as_str() {
                                all.insert((*relation, format!("{id} {key}")), uri.to_owned());
                            }
                        }
                    }
                }
            }
        }
        all
    }

    fn note(&mut self, run: &HookRun, number: usize) {
        let text = fs::read_to_string(self.harness.trace_file()).unwrap_or_default();
        let machine = &self.harness.world.machines[&run.unit];
        let calls = machine.calls();
        machine.clear_calls();
        let leads = self.units.len() > 1 && self.harness.world.model.is_leader(run.unit.clone());
        let trace = Trace::new(run, number, Calls::read(&text), &calls, leads);
        self.traces.push(trace);
    }
}
