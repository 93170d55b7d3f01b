//! Many faults, worked off in some worlds at a time.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::rig::{self, say};

/// After how many points a sweep says how far it has come.
const NEWS: usize = 200;
/// How many worlds there are at a time, unless `CRASH_WORLDS` says it.
const WORLDS: usize = 2;

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
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The sum.
    pub(crate) sum: Outcome,
    /// What was wrong in the end, a text for each.
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    /// Success, or everything that was wrong.
    pub(crate) fn verdict(self) -> Result<(), Failed> {
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(self.wrong.join("\n").into())
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

/// Carries all tasks out, each in a world that `make` gives. A world goes on
/// to the next task, unless something was wrong in it; the first one may be
/// there already.
pub(crate) fn carry_out<W: Send, T: Send>(
    work: Work<'_, T>,
    first: Option<W>,
    make: impl Fn() -> Result<W, String> + Sync,
    strike: impl Fn(&mut W, T) -> Result<Outcome, String> + Sync,
) -> Tally {
    let begun = Instant::now();
    let worlds = std::env::var("CRASH_WORLDS").map_or(WORLDS, |number| {
        number.parse().expect("CRASH_WORLDS is a number")
    });
    let Work {
        what,
        tasks,
        points,
        limit,
    } = work;
    let queue = Mutex::new(VecDeque::from(tasks));
    let tally = Mutex::new(Tally::default());
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
        let struck = catch_unwind(AssertUnwindSafe(|| strike(&mut own, task)));
        let struck = struck.unwrap_or_else(|panic| Err(rig::said(&*panic)));
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
