//! Many lives in a few worlds, each life with one fault in each of its stages.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::crash::crew::{self, Outcome, Share, Work, is_named};
use crate::crash::drive::{Drive, Point, Trace};
use crate::crash::fault::Fault;
use crate::crash::life::{CLIENT_STAGES, Life, OPERATOR_STAGES, SIGNED_STAGES, Stage};
use crate::crash::rig::{self, Rig};
use crate::crash::snapshot::{Snapshot, differences};
use crate::support::say;

/// How many lives a plain run takes.
const SAMPLE: usize = 6;
/// A plain run begins no life after this time since the first.
const SAMPLE_LIMIT: Duration = Duration::from_secs(40);

/// A fault or none for each stage.
type Lap = Vec<Option<Point>>;

/// A world, and how each stage ends in it when nothing goes wrong.
struct Worker {
    rig: Rig,
    life: Life,
    stages: &'static [Stage],
    ends: Vec<Snapshot>,
    traces: Vec<Vec<Trace>>,
}

impl Worker {
    fn new(stages: &'static [Stage], units: usize) -> Result<Self, String> {
        let mut rig = Rig::new();
        let mut names = vec![rig.deploy()];
        for _ in 1..units {
            names.push(rig.add_unit());
        }
        rig.world.rest();
        let life = Life::begin(&mut rig, names, stages);
        let mut worker = Self {
            rig,
            life,
            stages,
            ends: Vec::new(),
            traces: Vec::new(),
        };
        worker.undisturbed()?;
        Ok(worker)
    }

    fn undisturbed(&mut self) -> Result<(), String> {
        self.ends.clear();
        self.traces.clear();
        for stage in self.stages {
            self.rig.settle_accounts(&self.life.units);
            (stage.act)(&mut self.life, &mut self.rig);
            let relations = self.relations();
            let action = stage.action.map(|action| action(&self.life));
            let drive = Drive::new(&mut self.rig, &self.life.units, relations, None);
            let mut drive = drive.acting(action).recording();
            drive.run(stage.rests)?;
            self.traces.push(drive.traces);
            let end = self.end();
            self.ends.push(end);
        }
        Ok(())
    }

    fn relations(&self) -> Vec<etcd_charm_world::RelationId> {
        let relations = self.life.relations();
        relations.into_iter().map(|(id, _)| id).collect()
    }

    /// The first unit leads again, as it did when the ends were taken down.
    fn lead_again(&mut self) -> Result<(), String> {
        let first = self.life.units[0].clone();
        if self.rig.world.model.is_leader(first.clone()) {
            return Ok(());
        }
        self.rig.world.model.set_leader("etcd", first);
        let relations = self.relations();
        Drive::new(&mut self.rig, &self.life.units, relations, None).run(true)
    }

    fn end(&mut self) -> Snapshot {
        let mut end = self.life.snapshot(&mut self.rig);
        if self.life.units.len() > 1 {
            // What a unit remembers of its time as leader is its own affair.
            end.retain(|key, _| !key.ends_with("/unit.json"));
        }
        end
    }

    /// Lives once more. Gives what came of the faults, or what was wrong in the
    /// end.
    fn live(&mut self, lap: &Lap) -> Result<Outcome, String> {
        let mut outcome = Outcome {
            points: lap.iter().flatten().count(),
            ..Outcome::default()
        };
        for ((stage, end), point) in self.stages.iter().zip(self.ends.clone()).zip(lap) {
            let shown = || match point {
                Some(point) => format!(
                    "{}, {} in hook {} of {}",
                    stage.name, point.fault, point.hook, point.unit
                ),
                None => stage.name.to_owned(),
            };
            self.rig.settle_accounts(&self.life.units);
            (stage.act)(&mut self.life, &mut self.rig);
            let relations = self.relations();
            let action = stage.action.map(|action| action(&self.life));
            let drive = Drive::new(&mut self.rig, &self.life.units, relations, point.clone());
            let mut drive = drive.acting(action);
            drive
                .run(stage.rests)
                .map_err(|error| format!("{}:\n      {error}", shown()))?;
            outcome.fired += usize::from(drive.fired);
            outcome.missed += usize::from(drive.missed);
            if !stage.rests {
                continue;
            }
            self.lead_again()
                .map_err(|error| format!("{}:\n      {error}", shown()))?;
            let found = self.end();
            let wrong = differences(&end, &found);
            if !wrong.is_empty() {
                return Err(format!("{}:\n    {}", shown(), wrong.join("\n    ")));
            }
        }
        Ok(outcome)
    }
}

/// Every fault in the lives of clients of a cluster of one.
pub(crate) fn of_a_client() -> Result<(), String> {
    lives("the life of a client", CLIENT_STAGES, 1, |_| true)
}

/// Every fault while an operator acts on a cluster of one.
pub(crate) fn of_an_operator() -> Result<(), String> {
    lives("the hand of an operator", OPERATOR_STAGES, 1, |_| true)
}

/// Every fault in the life of a client that takes its certificate from etcd.
pub(crate) fn of_a_signed_client() -> Result<(), String> {
    let sample = (3, Duration::from_secs(15));
    let what = "the life of a signed client";
    lives_of(what, (SIGNED_STAGES, 1), |_| true, sample)
}

/// Faults in the lives of clients of a cluster of two, whose members restart
/// in turn.
pub(crate) fn of_a_client_of_two() -> Result<(), String> {
    let what = "the life of a client of two units";
    if Share::of_environment() == Share::Sample {
        // One undisturbed life of two units takes longer than a sample may.
        say(&format!("LEFT OUT {what}: `make crash` has it"));
        return Ok(());
    }
    lives(what, CLIENT_STAGES, 2, |point: &Point| point.fault.kills())
}

/// Leadership is lost in the middle of a hook, and another unit goes on.
pub(crate) fn of_leadership() -> Result<(), String> {
    let is_loss = |point: &Point| matches!(point.fault, Fault::LoseLeadership(_));
    lives("leadership that is lost", CLIENT_STAGES, 2, is_loss)
}

/// Lives in clusters of so many units, with the faults that are chosen.
fn lives(
    what: &str,
    stages: &'static [Stage],
    units: usize,
    chosen: fn(&Point) -> bool,
) -> Result<(), String> {
    lives_of(what, (stages, units), chosen, (SAMPLE, SAMPLE_LIMIT))
}

/// The same, with a sample of this size and this limit in a plain run.
fn lives_of(
    what: &str,
    (stages, units): (&'static [Stage], usize),
    chosen: fn(&Point) -> bool,
    (sample, limit): (usize, Duration),
) -> Result<(), String> {
    if !rig::can_trace(what) {
        return Ok(());
    }
    let share = Share::of_environment();
    let first = Worker::new(stages, units)?;
    let total: usize = first
        .traces
        .iter()
        .flatten()
        .map(|t| t.points().len())
        .sum();
    let laps = laps(&first.traces, share, chosen, sample);
    let kinds = count_kinds(&laps);
    let planned = laps.iter().flatten().flatten().count();
    let work = Work {
        what,
        tasks: laps,
        points: planned,
        limit: share.limit(limit),
    };
    let live = |worker: &mut Worker, lap: Lap| worker.live(&lap);
    let tally = crew::carry_out(work, Some(first), || Worker::new(stages, units), live);
    say(&format!("{what}: {} events, {kinds}", stages.len()));
    tally.conclude(what, total)
}

fn laps(
    traces: &[Vec<Trace>],
    share: Share,
    chosen: fn(&Point) -> bool,
    sample: usize,
) -> Vec<Lap> {
    let mut stages: Vec<VecDeque<Point>> = traces
        .iter()
        .map(|traces| {
            let points: Vec<Point> = traces.iter().flat_map(Trace::points).collect();
            let is_chosen = |point: &Point| chosen(point) && is_named(point.fault);
            let points = points.into_iter().filter(is_chosen).collect();
            share.take(points, sample).into()
        })
        .collect();
    let count = stages.iter().map(VecDeque::len).max().unwrap_or(0);
    (0..count)
        .map(|_| stages.iter_mut().map(VecDeque::pop_front).collect())
        .collect()
}

fn count_kinds(laps: &[Lap]) -> String {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for point in laps.iter().flatten().flatten() {
        *kinds.entry(point.fault.kind()).or_default() += 1;
    }
    let kinds = kinds.iter().map(|(kind, count)| format!("{kind} {count}"));
    kinds.collect::<Vec<_>>().join(", ")
}
