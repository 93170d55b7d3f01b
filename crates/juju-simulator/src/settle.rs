//! Running due hooks one after the other, until there is none.

use std::collections::BTreeMap;
use std::fmt;

use crate::hook::Hook;
use crate::model::Model;
use crate::name::UnitName;
use crate::report::HookRun;

/// Why a model did not come to rest, with everything that ran.
pub struct NotSettled {
    /// The hooks that ran, in order.
    pub runs: Vec<HookRun>,
    /// Units that still are in error.
    pub in_error: Vec<UnitName>,
}

impl fmt::Display for NotSettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_error.is_empty() {
            write!(f, "hooks are still due after {} runs:", self.runs.len())?;
        } else {
            write!(
                f,
                "units {:?} are in error after {} runs:",
                self.in_error,
                self.runs.len()
            )?;
        }
        for run in self.runs.iter().rev().take(12).rev() {
            write!(f, "\n  {} {}: {:?}", run.unit, run.name, run.exit)?;
            if let Some(error) = &run.commit_error {
                write!(f, ", {error}")?;
            }
            if !run.succeeded() {
                for call in run.calls.iter().filter(|call| call.exit_code != 0) {
                    write!(
                        f,
                        "\n    {} {:?}: {} {}",
                        call.tool,
                        call.args,
                        call.exit_code,
                        call.stderr.trim_end()
                    )?;
                }
                for (level, message) in &run.log {
                    write!(f, "\n    {level}: {message}")?;
                }
                write!(f, "\n    {}", run.stderr.trim_end().replace('\n', "\n    "))?;
            }
        }
        Ok(())
    }
}

// A test that unwraps shows Debug, and what it needs is the readable text.
impl fmt::Debug for NotSettled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for NotSettled {}

impl Model {
    /// Runs the next due hook of some unit; `None` when nothing is due. A unit
    /// in error is due: its failed hook is run again.
    pub fn step(&mut self) -> Option<HookRun> {
        self.step_except(&[])
    }

    /// The next due hook of one unit is run, if there is one.
    pub fn step_unit(&mut self, unit: impl Into<UnitName>) -> Option<HookRun> {
        let unit = unit.into();
        let hook = self.next_hook(&unit)?;
        Some(self.run_due(&unit, hook))
    }

    fn step_except(&mut self, tired: &[UnitName]) -> Option<HookRun> {
        let due = self.due_except(tired);
        let (unit, hook) = self.random.choose(&due)?;
        Some(self.run_due(&unit, hook))
    }

    /// The due hook of each unit, but not the failed hooks of tired units.
    fn due_except(&mut self, tired: &[UnitName]) -> Vec<(UnitName, Hook)> {
        let names: Vec<UnitName> = self.units.keys().cloned().collect();
        let mut due = Vec::new();
        for name in names {
            let waits = tired.contains(&name) && self.unit(&name).agent.error.is_some();
            if !waits && let Some(hook) = self.next_hook(&name) {
                due.push((name, hook));
            }
        }
        due
    }

    /// Runs due hooks until there is none, at most `limit` of them. A failed
    /// hook is run again as often as the options say.
    ///
    /// # Errors
    /// Tells if hooks were still due at the limit, or a unit stayed in error.
    pub fn settle(&mut self, limit: usize) -> Result<Vec<HookRun>, NotSettled> {
        let mut runs: Vec<HookRun> = Vec::new();
        let mut failures: BTreeMap<UnitName, usize> = BTreeMap::new();
        loop {
            let tired: Vec<UnitName> = failures
                .iter()
                .filter(|(_, count)| **count > self.options.retries)
                .map(|(unit, _)| unit.clone())
                .collect();
            if runs.len() >= limit && !self.due_except(&tired).is_empty() {
                return Err(NotSettled {
                    runs,
                    in_error: self.units_in_error(),
                });
            }
            let Some(run) = self.step_except(&tired) else {
                break;
            };
            if run.succeeded() {
                failures.remove(&run.unit);
            } else {
                *failures.entry(run.unit.clone()).or_default() += 1;
            }
            runs.push(run);
        }
        let in_error = self.units_in_error();
        if in_error.is_empty() {
            Ok(runs)
        } else {
            Err(NotSettled { runs, in_error })
        }
    }

    fn units_in_error(&self) -> Vec<UnitName> {
        self.units
            .values()
            .filter(|unit| unit.agent.error.is_some())
            .map(|unit| unit.name.clone())
            .collect()
    }

    /// Runs update-status on every unit that is started and not in error.
    pub fn update_status_all(&mut self) -> Vec<HookRun> {
        let names: Vec<UnitName> = self.units.keys().cloned().collect();
        let ready = |model: &Self, name: &UnitName| {
            let agent = &model.unit(name).agent;
            agent.started && agent.error.is_none()
        };
        let names: Vec<UnitName> = names.into_iter().filter(|name| ready(self, name)).collect();
        names
            .iter()
            .map(|name| self.run_due(name, Hook::UpdateStatus))
            .collect()
    }
}
