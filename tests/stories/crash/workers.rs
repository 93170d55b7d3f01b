//! Many faults, worked off in some worlds at a time.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::crash::fault::Fault;
use crate::crash::harness;
use crate::support::say;

/// After how many points a sweep says how far it has come.
const NEWS: usize = 200;
/// How many worlds there are at a time, unless `CRASH_WORLDS` says it. A sample has one:
/// a second takes longer to make than the rest of the sample.
const WORLDS: usize = 2;

/// How much of all points is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// A bounded sample.
    Sample,
    /// Each n-th.
    Each(usize),
}

impl Share {
    pub(crate) fn of_environment() -> Self {
        match std::env::var("CRASH_SWEEP").as_deref() {
            Ok("all") => Self::Each(1),
            Ok(number) => Self::Each(number.parse().expect("CRASH_SWEEP is a number or `all`")),
            Err(_) => Self::Sample,
        }
    }

    /// How long a plain run may go on.
    pub(crate) fn limit(self, of_sample: Duration) -> Option<Duration> {
        (self == Self::Sample).then_some(of_sample)
    }

    /// This share of some points, evenly over all of them.
    pub(crate) fn take<T>(self, all: Vec<T>, sample: usize) -> Vec<T> {
        let step = match self {
            Self::Each(step) => step,
            Self::Sample => all.len().div_ceil(sample).max(1),
        };
        // The last is worth more than the first, before which nothing is done.
        let offset = step - 1;
        all.into_iter().skip(offset).step_by(step).collect()
    }
}

/// The faults that `CRASH_FAULTS` names, separated by commas; all without it.
pub(crate) fn is_named(fault: Fault) -> bool {
    match std::env::var("CRASH_FAULTS") {
        Ok(names) => names.split(',').any(|name| name == fault.kind()),
        Err(_) => true,
    }
}

/// What came of some points.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    /// How many there were.
    pub(crate) points: usize,
    /// How many hooks failed by them.
    pub(crate) fired: usize,
    /// How many hooks were over before their fault came to pass.
    pub(crate) missed: usize,
}

/// What came of all.
#[derive(Debug)]
pub(crate) struct Tally {
    begun: Instant,
    sum: Outcome,
    /// What was wrong in the end, a text for each.
    wrong: Vec<String>,
}

impl Tally {
    /// Says what came of all, of so many points that there are. Gives success, or
    /// everything that was wrong.
    pub(crate) fn conclude(self, what: &str, total: usize) -> Result<(), String> {
        let Outcome {
            points,
            fired,
            missed,
        } = self.sum;
        say(&format!(
            "{what}: {points} of {total} points ({fired} hooks failed by them, {missed} were over \
             before), {} failures, {} s",
            self.wrong.len(),
            self.begun.elapsed().as_secs(),
        ));
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(self.wrong.join("\n"))
        }
    }
}

/// What is to be done.
pub(crate) struct Work<'a, T> {
    /// What it is, for those who watch.
    pub(crate) what: &'a str,
    /// The tasks, each with one point or more.
    pub(crate) tasks: Vec<T>,
    /// How many points there are in all tasks.
    pub(crate) points: usize,
    /// After this, no task but the first is begun.
    pub(crate) limit: Option<Duration>,
}

impl<'a, T> Work<'a, T> {
    /// The share of these points that is to be taken, each a task: in a plain run
    /// so many of them, within this time.
    pub(crate) fn of_points(
        what: &'a str,
        mut points: Vec<T>,
        fault: fn(&T) -> Fault,
        sample: usize,
        limit: Duration,
    ) -> Self {
        let share = Share::of_environment();
        points.retain(|point| is_named(fault(point)));
        let tasks = share.take(points, sample);
        Self {
            what,
            points: tasks.len(),
            tasks,
            limit: share.limit(limit),
        }
    }
}

/// Runs all tasks, each in a world that `make` gives. A world goes on
/// to the next task, unless something was wrong in it; the first one may be
/// there already.
pub(crate) fn run_all<W: Send, T: Debug + Send>(
    work: Work<'_, T>,
    first: Option<W>,
    make: impl Fn() -> Result<W, String> + Sync,
    strike: impl Fn(&mut W, T) -> Result<Outcome, String> + Sync,
) -> Tally {
    let begun = Instant::now();
    let Work {
        what,
        tasks,
        points,
        limit,
    } = work;
    let usual = if limit.is_some() { 1 } else { WORLDS };
    let worlds = std::env::var("CRASH_WORLDS").map_or(usual, |number| {
        number.parse().expect("CRASH_WORLDS is a number")
    });
    let queue = Mutex::new(VecDeque::from(tasks));
    let tally = Mutex::new(Tally {
        begun,
        sum: Outcome::default(),
        wrong: Vec::new(),
    });
    let one = |world: &mut Option<W>| {
        let is_late = limit.is_some_and(|limit| begun.elapsed() > limit)
            && tally.lock().unwrap().sum.points > 0;
        let next = queue.lock().unwrap().pop_front();
        let Some(task) = next.filter(|_| !is_late) else {
            return false;
        };
        let mut own = match world.take().map_or_else(&make, Ok) {
            Ok(own) => own,
            Err(error) => {
                tally.lock().unwrap().wrong.push(error);
                return false;
            }
        };
        let shown = format!("{task:?}");
        let struck = catch_unwind(AssertUnwindSafe(|| strike(&mut own, task)))
            .unwrap_or_else(|panic| Err(format!("{shown}: {}", harness::said(&*panic))));
        let mut tally = tally.lock().unwrap();
        let before = tally.sum.points;
        match struck {
            Ok(outcome) => {
                tally.sum.points += outcome.points;
                tally.sum.fired += outcome.fired;
                tally.sum.missed += outcome.missed;
                *world = Some(own);
            }
            // A world in which something is wrong is no use.
            Err(error) => {
                say(&format!("{what}: wrong: {error}"));
                tally.wrong.push(error);
            }
        }
        let now = tally.sum.points;
        if before / NEWS != now / NEWS {
            let (failures, seconds) = (tally.wrong.len(), begun.elapsed().as_secs());
            say(&format!(
                "{what}: {now} of {points} points, {failures} failures, {seconds} s"
            ));
        }
        true
    };
    std::thread::scope(|scope| {
        let mut ready = first;
        for _ in 0..worlds {
            let mut world = ready.take();
            let one = &one;
            scope.spawn(move || while one(&mut world) {});
        }
    });
    tally.into_inner().unwrap()
}
