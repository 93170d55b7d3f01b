//! Carrying an event out, with or without a fault, until nothing is left to do.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use etcd_charm_world::juju::{AgentState, Hook, Model};
use etcd_charm_world::{HookRun, RelationId, UnitName, writes};
use serde_json::Value;

use crate::crash::fault::{FILES, Fault, RECEIVE, SEND};
use crate::crash::rig::Rig;

/// How many hooks an event may lead to.
const HOOK_LIMIT: usize = 80;
/// How often a hook may fail before it counts as one that stays in error.
const RETRIES: usize = 12;
/// How many full passes may have something to do.
const PASSES: usize = 12;

/// Where a fault strikes: in which hook of which unit, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    /// The unit.
    pub(crate) unit: UnitName,
    /// The hook.
    pub(crate) hook: usize,
    /// What goes wrong.
    pub(crate) fault: Fault,
}

/// What one hook did when nothing went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// The unit.
    pub(crate) unit: UnitName,
    /// Which of the unit's hooks since the event it was.
    pub(crate) hook: usize,
    tools: usize,
    sends: usize,
    receives: usize,
    files: usize,
    starts: bool,
    /// Whether it was the leader's, with another unit at hand.
    leads: bool,
}

impl Trace {
    /// Everything that can go wrong in such a hook.
    pub(crate) fn points(&self) -> Vec<Point> {
        let each = |count: usize, fault: fn(usize) -> Fault| (1..=count).map(fault);
        let mut faults: Vec<Fault> = each(self.tools, Fault::BeforeTool)
            .chain(each(self.tools, Fault::AfterTool))
            .chain(each(self.tools, Fault::FailTool))
            .chain(each(self.sends, Fault::BeforeSend))
            .chain(each(self.receives, Fault::BeforeReceive))
            .chain(each(self.sends, Fault::BreakSend))
            .chain(each(self.receives, Fault::BreakReceive))
            .chain(each(self.files, Fault::BeforeFile))
            .collect();
        if self.leads {
            faults.extend(each(self.tools, Fault::LoseLeadership));
        }
        faults.push(Fault::FailCommit);
        if self.tools > 0 && self.sends > 0 {
            // Two places are enough: etcd is asked before and after them.
            for nth in [1, self.tools.div_ceil(2)] {
                faults.extend([Fault::KillEtcd(nth), Fault::HaltEtcd(nth)]);
            }
        }
        if self.starts {
            faults.extend([Fault::BeforeStart, Fault::DuringStart, Fault::AfterStart]);
        }
        let point = |fault| Point {
            unit: self.unit.clone(),
            hook: self.hook,
            fault,
        };
        faults.into_iter().map(point).collect()
    }
}

/// The hooks that one event leads to.
pub(crate) struct Drive<'a> {
    rig: &'a mut Rig,
    units: Vec<UnitName>,
    relations: Vec<RelationId>,
    point: Option<Point>,
    /// Whether the hook failed by the fault.
    pub(crate) fired: bool,
    /// Whether a hook that was to be killed made fewer calls this time.
    pub(crate) missed: bool,
    armed: bool,
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

impl<'a> Drive<'a> {
    /// An event that has just happened.
    pub(crate) fn new(
        rig: &'a mut Rig,
        units: &[UnitName],
        relations: Vec<RelationId>,
        point: Option<Point>,
    ) -> Self {
        let mut drive = Self {
            rig,
            units: units.to_vec(),
            relations,
            point,
            fired: false,
            missed: false,
            armed: false,
            traces: Vec::new(),
            records: false,
            counts: BTreeMap::new(),
            failures: 0,
            committed: BTreeMap::new(),
            action: None,
        };
        drive.committed = drive.published();
        drive
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
        if let Some(action) = self.action.take() {
            self.act(&action)?;
        }
        self.due()?;
        if !rests {
            return Ok(());
        }
        let mut before = self.rig.world.revisions();
        for _ in 0..PASSES {
            let mut is_quiet = true;
            for unit in self.units.clone() {
                let run = self.hook(&unit, Some(Hook::UpdateStatus))?;
                is_quiet &= run.is_some_and(|run| run.succeeded() && writes(&run).is_empty());
            }
            is_quiet &= self.due()? == 0;
            // A hook that found etcd away has written nothing, and is not done.
            is_quiet &= !self.units.iter().any(|unit| self.waits(unit));
            let after = self.rig.world.revisions();
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
            let model = &self.rig.world.model;
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
            if self.point.is_none() {
                return Err(format!("{} failed: {message}", action.name));
            }
            last = message;
        }
        Err(format!("{} is never done: {last}", action.name))
    }

    fn waits(&self, unit: &UnitName) -> bool {
        let status = self.rig.world.model.unit_status(unit.clone());
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
        let struck = self.point.as_ref();
        let struck = struck.filter(|point| point.unit == *unit && point.hook == number);
        let fault = struck.map(|point| point.fault);
        if let Some(fault) = fault {
            // It waits for the unit's next hook, which may not be due yet.
            if !std::mem::replace(&mut self.armed, true) {
                fault.arm(self.rig, unit);
            }
        } else if self.records {
            let options = format!(
                "-o {} -e trace={SEND},{RECEIVE},{FILES}",
                self.rig.trace_file().display()
            );
            fs::write(self.rig.strace_file(unit), options).unwrap();
        }
        let Some(run) = next(&mut self.rig.world.model) else {
            return Ok(None);
        };
        self.counts.insert(unit.clone(), number + 1);
        Fault::disarm(self.rig, unit);
        if let Some(fault) = fault {
            self.fired = !run.succeeded();
            self.missed = fault.kills() && run.succeeded();
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
            for (key, value) in self.rig.world.model.app_bag(*relation, "etcd") {
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
        let text = fs::read_to_string(self.rig.trace_file()).unwrap_or_default();
        let count = |name: &str| {
            let begin = format!("{name}(");
            text.lines().filter(|line| line.starts_with(&begin)).count()
        };
        let machine = &self.rig.world.machines[&run.unit];
        let calls = machine.calls();
        machine.clear_calls();
        let starts = calls.iter().any(|call| {
            let is_start = |word: &String| word == "start" || word == "restart";
            call.first().is_some_and(|name| name == "systemctl") && call.iter().any(is_start)
        });
        self.traces.push(Trace {
            unit: run.unit.clone(),
            hook: number,
            tools: run.calls.len(),
            sends: count(SEND),
            receives: count(RECEIVE),
            files: FILES.split(',').map(count).sum(),
            starts,
            leads: self.units.len() > 1 && self.rig.world.model.is_leader(run.unit.clone()),
        });
    }
}
