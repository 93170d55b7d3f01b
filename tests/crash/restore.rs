//! A restore that is killed anywhere: either nothing has happened, or the next
//! hook completes it. It is carried out again and again in a world of two
//! units, so that also what an earlier one left behind is in its way.

use std::fs;
use std::time::{Duration, Instant};

use etcd_charm_world::{ClientAuthority, Etcdctl, UnitName, V0};
use libtest_mimic::Failed;
use serde_json::json;

use crate::crew::{self, Outcome, Work};
use crate::fault::{FILES, Fault};
use crate::rig::{self, Rig, say};
use crate::sweep::{Share, is_named};

/// How many points a plain run takes.
const SAMPLE: usize = 6;
/// A plain run begins no point after this time since the first.
const SAMPLE_LIMIT: Duration = Duration::from_secs(60);
/// How often full passes may be needed until all is at rest.
const PASSES: usize = 12;

/// Every call of a hook tool, and every step of writing a file.
pub(crate) fn of_a_restore() -> Result<(), Failed> {
    if !rig::can_trace() {
        say("SKIPPED a restore: all points, since strace does not work here");
        return Ok(());
    }
    let begun = Instant::now();
    let mut scene = Scene::new();
    let mut points = scene.points()?;
    let (share, total) = (Share::of_environment(), points.len());
    points.retain(|fault| is_named(*fault));
    let points = share.take(points, SAMPLE);
    let what = "a restore";
    let work = Work {
        what,
        points: points.len(),
        tasks: points,
        limit: (share == Share::Sample).then_some(SAMPLE_LIMIT),
    };
    let strike = |scene: &mut Scene, fault: Fault| {
        let struck = scene.strike(fault);
        struck.map_err(|error| format!("{fault}: {error}"))
    };
    let tally = crew::carry_out(work, Some(scene), || Ok(Scene::new()), strike);
    say(&format!(
        "{what}: {} of {total} points ({} actions failed by them), {} failures, {} s",
        tally.sum.points,
        tally.sum.fired,
        tally.wrong.len(),
        begun.elapsed().as_secs()
    ));
    tally.verdict()
}

struct Scene {
    rig: Rig,
    units: [UnitName; 2],
    clients: [Etcdctl; 2],
    snapshot: String,
    /// How often it was carried out to its end.
    restored: u32,
}

impl Scene {
    fn new() -> Self {
        let mut rig = Rig::new();
        let units = [rig.deploy(), rig.add_unit()];
        rig.world.rest();
        let certificate = ClientAuthority::new().issue("client1");
        let relation = rig.world.relate("app");
        let mut app = V0::ask(&mut rig.world.model, "app", relation, "/test/");
        app.set_certificate(&mut rig.world.model, &certificate.certificate);
        rig.world.rest();
        let clients = [0, 1].map(|at: usize| rig.world.client(&units[at], &certificate));
        assert!(clients[0].run(&["put", "/test/a", "snapshot"]).ok);
        let taken = rig
            .world
            .model
            .run_action(units[0].clone(), "snapshot", json!({}));
        let snapshot = taken.results["snapshot"]["path"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            rig,
            units,
            clients,
            snapshot,
            restored: 0,
        }
    }

    /// What can go wrong, as an undisturbed restore shows it.
    fn points(&mut self) -> Result<Vec<Fault>, String> {
        let trace = self.rig.trace_file();
        let options = format!("-o {} -e trace={FILES}", trace.display());
        fs::write(self.rig.strace_file(&self.units[0]), options).unwrap();
        let (completed, tools) = self.restore();
        if !completed {
            return Err("an undisturbed restore fails".to_owned());
        }
        let text = fs::read_to_string(trace).unwrap();
        let files = FILES.split(',').map(|name| {
            let begin = format!("{name}(");
            text.lines().filter(|line| line.starts_with(&begin)).count()
        });
        self.settle()?;
        self.expect(&["snapshot"])?;
        let tools = (1..=tools).map(Fault::AfterTool);
        Ok((1..=files.sum())
            .map(Fault::BeforeFile)
            .chain(tools)
            .collect())
    }

    fn restore(&mut self) -> (bool, usize) {
        let parameters = json!({"snapshot": self.snapshot, "skip-backup": true});
        let model = &mut self.rig.world.model;
        let result = model.run_action(self.units[0].clone(), "restore", parameters);
        (result.status == "completed", result.run.calls.len())
    }

    fn strike(&mut self, fault: Fault) -> Result<Outcome, String> {
        let now = format!("now {}", self.restored);
        if !self.clients[0].run(&["put", "/test/a", &now]).ok {
            return Err("nothing can be written before it".to_owned());
        }
        fault.arm(&mut self.rig, &self.units[0]);
        let (completed, _) = self.restore();
        Fault::disarm(&self.rig, &self.units[0]);
        self.settle()?;
        let allowed: &[&str] = match completed {
            true => &["snapshot"],
            false => &["snapshot", &now],
        };
        let found = self.expect(allowed)?;
        self.restored += u32::from(found == "snapshot");
        let again = self.clients[1].run(&["put", "/test/a", "again"]);
        if !again.ok {
            return Err(format!("nothing can be written after it: {}", again.stderr));
        }
        Ok(Outcome {
            points: 1,
            fired: usize::from(!completed),
            missed: 0,
        })
    }

    /// Lets hooks run until a full pass of both units changes nothing.
    fn settle(&mut self) -> Result<(), String> {
        let world = &mut self.rig.world;
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
    fn expect(&self, allowed: &[&str]) -> Result<String, String> {
        let mut found = Vec::new();
        for (unit, client) in self.units.iter().zip(&self.clients) {
            let answer = client.run(&["get", "/test/a", "--print-value-only"]);
            if !answer.ok {
                return Err(format!("{unit} does not serve: {}", answer.stderr));
            }
            found.push(answer.stdout.trim().to_owned());
            let admin = self.rig.world.admin(unit);
            if admin.lines(&["member", "list"]).len() != 2 {
                return Err(format!("{unit} is not in a cluster of two"));
            }
            if admin.lines(&["user", "list"]) != ["client1", "root"] {
                return Err(format!("{unit} has other users"));
            }
        }
        let value = found.swap_remove(0);
        if found != [value.clone()] || !allowed.contains(&value.as_str()) {
            return Err(format!(
                "{value:?} and {found:?} and not one of {allowed:?}"
            ));
        }
        Ok(value)
    }
}
