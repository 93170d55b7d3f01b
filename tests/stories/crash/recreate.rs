//! What recreates the cluster, killed anywhere: a restore, after which either
//! nothing has happened or the next hook completes it, and a rebuild, which an
//! operator runs until it is done and which loses nothing. They are carried out
//! again and again in worlds of two units, so that also what an earlier one left
//! behind is in the way.

use std::fs;
use std::time::Duration;

use etcd_charm_world::juju::Hook;
use etcd_charm_world::{ClientAuthority, Etcdctl, UnitName, V0};
use serde_json::{Value, json};

use crate::crash::fault::{FILES, Fault};
use crate::crash::harness::{self, Harness};
use crate::crash::workers::{self, Outcome, Work};

/// How many points a plain run takes.
const SAMPLE: usize = 6;
/// A plain run begins no point after this time since the first.
const SAMPLE_LIMIT: Duration = Duration::from_secs(60);
/// How often full passes may be needed until all is at rest.
const PASSES: usize = 12;

/// How often an operator runs a rebuild that was cut short.
const TRIES: usize = 3;

/// Every call of a hook tool, and every step of writing a file, of a restore.
pub(crate) fn of_a_restore() -> Result<(), String> {
    sweep("a restore", Scene::restore)
}

/// The same of a rebuild, while the other unit's machine is off.
pub(crate) fn of_a_rebuild() -> Result<(), String> {
    sweep("a rebuild", Scene::rebuild)
}

/// Runs an action with a fault in it, if there is one, and whatever it takes to
/// bring all units to rest.
type Event = fn(&mut Scene, Option<Fault>) -> Result<Attempt, String>;

fn sweep(what: &str, event: Event) -> Result<(), String> {
    if !harness::can_trace(what) {
        return Ok(());
    }
    let mut scene = Scene::new();
    let points = scene.points(event)?;
    let total = points.len();
    let work = Work::of_points(what, points, |fault| *fault, SAMPLE, SAMPLE_LIMIT);
    let strike = |scene: &mut Scene, fault: Fault| {
        let struck = event(scene, Some(fault));
        let attempt = struck.map_err(|error| format!("{fault}: {error}"))?;
        Ok(Outcome {
            points: 1,
            fired: usize::from(!attempt.completed),
            missed: 0,
        })
    };
    workers::run_all(work, Some(scene), || Ok(Scene::new()), strike).conclude(what, total)
}

/// An action that was run.
struct Attempt {
    /// Whether it came to its end.
    completed: bool,
    /// How many calls of hook tools it made.
    tools: usize,
}

struct Scene {
    harness: Harness,
    units: [UnitName; 2],
    clients: [Etcdctl; 2],
    snapshot: String,
    /// How often it was tried.
    events: u32,
}

impl Scene {
    fn new() -> Self {
        let mut harness = Harness::new();
        let units = [harness.deploy(), harness.add_unit()];
        harness.world.rest();
        let certificate = ClientAuthority::new().issue("client1");
        let relation = harness.world.relate("app");
        let mut app = V0::ask(&mut harness.world.model, "app", relation, "/test/");
        app.set_certificate(&mut harness.world.model, &certificate.certificate);
        harness.world.rest();
        let clients = [0, 1].map(|at: usize| harness.world.client(&units[at], &certificate));
        assert!(clients[0].run(&["put", "/test/a", "snapshot"]).ok);
        let taken = harness
            .world
            .model
            .run_action(units[0].clone(), "snapshot", json!({}));
        let snapshot = taken.results["snapshot"]["path"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            harness,
            units,
            clients,
            snapshot,
            events: 0,
        }
    }

    /// What can go wrong, as an undisturbed event shows it.
    fn points(&mut self, event: Event) -> Result<Vec<Fault>, String> {
        let trace = self.harness.trace_file();
        let options = format!("-o {} -e trace={FILES}", trace.display());
        fs::write(self.harness.strace_file(&self.units[0]), options).unwrap();
        let undisturbed = event(self, None)?;
        if !undisturbed.completed {
            return Err("it fails undisturbed".to_owned());
        }
        let text = fs::read_to_string(trace).unwrap();
        let files = FILES.split(',').map(|name| {
            let begin = format!("{name}(");
            text.lines().filter(|line| line.starts_with(&begin)).count()
        });
        let tools = (1..=undisturbed.tools).map(Fault::AfterTool);
        Ok((1..=files.sum())
            .map(Fault::BeforeFile)
            .chain(tools)
            .collect())
    }

    /// Runs an action on the first unit.
    fn run(&mut self, fault: Option<Fault>, name: &str, parameters: Value) -> Attempt {
        let unit = self.units[0].clone();
        if let Some(fault) = fault {
            fault.arm(&mut self.harness, &unit);
        }
        let model = &mut self.harness.world.model;
        let result = model.run_action(unit.clone(), name, parameters);
        Fault::disarm(&self.harness, &unit);
        Attempt {
            completed: result.status == "completed",
            tools: result.run.calls.len(),
        }
    }

    /// Writes what no earlier event has seen.
    fn write(&mut self) -> Result<String, String> {
        self.events += 1;
        let now = format!("now {}", self.events);
        if !self.clients[0].run(&["put", "/test/a", &now]).ok {
            return Err("nothing can be written before it".to_owned());
        }
        Ok(now)
    }

    fn restore(&mut self, fault: Option<Fault>) -> Result<Attempt, String> {
        let now = self.write()?;
        let parameters = json!({"snapshot": self.snapshot, "skip-backup": true});
        let attempt = self.run(fault, "restore", parameters);
        self.settle()?;
        let allowed: &[&str] = match attempt.completed {
            true => &["snapshot"],
            false => &["snapshot", &now],
        };
        self.expect(allowed)?;
        Ok(attempt)
    }

    fn rebuild(&mut self, fault: Option<Fault>) -> Result<Attempt, String> {
        let now = self.write()?;
        let [first, second] = self.units.clone();
        self.harness.world.machines[&second].power_off();
        let attempt = self.run(fault, "rebuild-cluster", json!({"confirm": true}));
        let mut is_done = attempt.completed;
        for _ in 0..TRIES {
            // The next hook completes what was begun, or there is more to do.
            let model = &mut self.harness.world.model;
            let run = model.run_hook(first.clone(), Hook::UpdateStatus);
            if !run.succeeded() {
                return Err(format!("update-status failed: {}", run.stderr));
            }
            while model.step_unit(first.clone()).is_some() {}
            let status = model.unit_status(first.clone());
            is_done |= status.status == "active";
            if is_done {
                break;
            }
            let again = self.run(None, "rebuild-cluster", json!({"confirm": true}));
            is_done = again.completed;
        }
        if !is_done {
            return Err("it is never done".to_owned());
        }
        self.harness.world.machines[&second].power_on();
        self.harness.world.model.agent_restart(second, true);
        self.settle()?;
        // Both had it, so no rebuild may lose it.
        self.expect(&[&now])?;
        Ok(attempt)
    }

    /// Lets hooks run until a full pass of both units changes nothing.
    fn settle(&mut self) -> Result<(), String> {
        let world = &mut self.harness.world;
        for _ in 0..PASSES {
            world.settle();
            let passes = world.model.update_status_all();
            let is_quiet = passes
                .iter()
                .all(|run| run.succeeded() && run.changes.is_empty());
            let statuses = self.units.each_ref();
            let is_well = statuses
                .iter()
                .all(|unit| world.model.unit_status((*unit).clone()).status == "active");
            if is_quiet && is_well && world.settle().is_empty() {
                return Ok(());
            }
        }
        let status = world.model.unit_status(self.units[0].clone());
        Err(format!("it does not come to rest: {}", status.message))
    }

    /// Both members are of one cluster, serve the client, and have one of these
    /// values.
    fn expect(&self, allowed: &[&str]) -> Result<(), String> {
        let mut found = Vec::new();
        for (unit, client) in self.units.iter().zip(&self.clients) {
            let answer = client.run(&["get", "/test/a", "--print-value-only"]);
            if !answer.ok {
                return Err(format!("{unit} does not serve: {}", answer.stderr));
            }
            found.push(answer.stdout.trim().to_owned());
            let admin = self.harness.world.admin(unit);
            if admin.lines(&["member", "list"]).len() != 2 {
                return Err(format!("{unit} is not in a cluster of two"));
            }
            if admin.lines(&["user", "list"]) != ["client1", "root"] {
                return Err(format!("{unit} has other users"));
            }
        }
        let value = found.swap_remove(0);
        let again = self.clients[1].run(&["put", "/test/a", "again"]);
        if !again.ok {
            return Err(format!("nothing can be written after it: {}", again.stderr));
        }
        if found != [value.clone()] || !allowed.contains(&value.as_str()) {
            return Err(format!(
                "{value:?} and {found:?} and not one of {allowed:?}"
            ));
        }
        Ok(())
    }
}
