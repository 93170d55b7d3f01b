//! Many lives in a few worlds, each life with one fault in each of its stages.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use crate::crash::event_run::{EventRun, Point};
use crate::crash::fault::Fault;
use crate::crash::harness::{self, Harness};
use crate::crash::life::{CLIENT_STAGES, Life, OPERATOR_STAGES, SIGNED_STAGES, Stage};
use crate::crash::snapshot::{Snapshot, differences};
use crate::crash::trace::Trace;
use crate::crash::workers::{self, Outcome, Share, Work, is_named};
use crate::support::say;

/// How many lives a plain run takes.
const SAMPLE: usize = 6;
/// A plain run begins no life after this time since the first.
const SAMPLE_LIMIT: Duration = Duration::from_secs(40);

/// The faults of each stage, at most one for each of its hooks.
type Lap = Vec<Vec<Point>>;

/// A world, and how each stage ends in it when nothing goes wrong.
struct Worker {
    harness: Harness,
    life: Life,
    stages: &'static [Stage],
    ends: Vec<Snapshot>,
    traces: Vec<Vec<Trace>>,
}

impl Worker {
    fn new(stages: &'static [Stage], units: usize) -> Result<Self, String> {
        let mut harness = Harness::new();
        let mut names = vec![harness.deploy()];
        for _ in 1..units {
            names.push(harness.add_unit());
        }
        harness.world.rest();
        let life = Life::begin(&mut harness, names, stages);
        let mut worker = Self {
            harness,
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
            self.harness.settle_accounts(&self.life.units);
            (stage.act)(&mut self.life, &mut self.harness);
            let relations = self.relations();
            let action = stage.action.map(|action| action(&self.life));
            let run = EventRun::new(&mut self.harness, &self.life.units, relations, Vec::new());
            let mut run = run.acting(action).recording();
            run.run(stage.rests)?;
            self.traces.push(run.traces);
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
        if self.harness.world.model.is_leader(first.clone()) {
            return Ok(());
        }
        self.harness.world.model.set_leader("etcd", first);
        let relations = self.relations();
        EventRun::new(&mut self.harness, &self.life.units, relations, Vec::new()).run(true)
    }

    fn end(&mut self) -> Snapshot {
        let mut end = self.life.snapshot(&mut self.harness);
        if self.life.units.len() > 1 {
            // What a unit remembers of its time as leader is its own affair.
            end.retain(|key, _| !key.ends_with("/unit.json"));
        }
        end
    }

    /// Lives once more. Gives what came of the faults and those that did not come to
    /// pass, or what was wrong in the end.
    fn live(&mut self, lap: &Lap) -> Result<(Outcome, Lap), String> {
        let mut missed = Lap::new();
        let mut outcome = Outcome {
            points: lap.iter().flatten().count(),
            ..Outcome::default()
        };
        for ((stage, end), points) in self.stages.iter().zip(self.ends.clone()).zip(lap) {
            let shown = || {
                let one = |point: &Point| {
                    let Point { unit, hook, fault } = point;
                    format!(", {fault} in hook {hook} of {unit}")
                };
                let faults: String = points.iter().map(one).collect();
                format!("{}{faults}", stage.name)
            };
            self.harness.settle_accounts(&self.life.units);
            (stage.act)(&mut self.life, &mut self.harness);
            let relations = self.relations();
            let action = stage.action.map(|action| action(&self.life));
            let run = EventRun::new(
                &mut self.harness,
                &self.life.units,
                relations,
                points.clone(),
            );
            let mut run = run.acting(action);
            run.run(stage.rests)
                .map_err(|error| format!("{}:\n      {error}", shown()))?;
            outcome.fired += run.fired;
            outcome.missed += run.missed.len();
            missed.push(std::mem::take(&mut run.missed));
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
        Ok((outcome, missed))
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
    if !harness::can_trace(what) {
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
    let missed = Mutex::new(Vec::new());
    let live = |worker: &mut Worker, lap: Lap| {
        let (outcome, left) = worker.live(&lap)?;
        missed.lock().unwrap().push(left);
        Ok(outcome)
    };
    let work = |laps: Vec<Lap>| Work {
        what,
        points: laps.iter().flatten().flatten().count(),
        tasks: laps,
        limit: share.limit(limit),
    };
    let make = || Worker::new(stages, units);
    let tally = workers::run_all(work(laps), Some(first), make, live);
    say(&format!("{what}: {} events, {kinds}", stages.len()));
    tally.conclude(what, total)?;
    if share == Share::Sample {
        return Ok(());
    }
    // What a hook before it had done already is tried again with nothing before it.
    let alone = alone(&missed.into_inner().unwrap());
    let again = format!("{what}, what was missed");
    let live = |worker: &mut Worker, lap: Lap| worker.live(&lap).map(|(outcome, _)| outcome);
    workers::run_all(work(alone), None, make, live).conclude(&again, total)
}

/// Laps that strike once in each stage, out of these.
fn alone(laps: &[Lap]) -> Vec<Lap> {
    let mut alone: Vec<Lap> = Vec::new();
    for lap in laps {
        for (stage, points) in lap.iter().enumerate() {
            for point in points {
                let free = alone.iter().position(|lap| lap[stage].is_empty());
                let free = free.unwrap_or_else(|| {
                    alone.push(vec![Vec::new(); lap.len()]);
                    alone.len() - 1
                });
                alone[free][stage].push(point.clone());
            }
        }
    }
    alone
}

/// Each lap strikes once in each hook of each stage while there is something left to
/// strike there: a hook that failed is repeated and made good before the next one.
fn laps(
    traces: &[Vec<Trace>],
    share: Share,
    chosen: fn(&Point) -> bool,
    sample: usize,
) -> Vec<Lap> {
    let of_hook = |trace: &Trace| -> VecDeque<Point> {
        let is_chosen = |point: &Point| chosen(point) && is_named(point.fault);
        let points = trace.points().into_iter().filter(is_chosen).collect();
        share.take(points, sample).into()
    };
    let mut stages: Vec<Vec<VecDeque<Point>>> = traces
        .iter()
        .map(|traces| traces.iter().map(of_hook).collect())
        .collect();
    let lengths = stages.iter().flatten().map(VecDeque::len);
    let count = lengths.max().unwrap_or(0);
    let of_stage = |hooks: &mut Vec<VecDeque<Point>>| {
        let points = hooks.iter_mut().filter_map(VecDeque::pop_front);
        points.collect()
    };
    (0..count)
        .map(|_| stages.iter_mut().map(of_stage).collect())
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
