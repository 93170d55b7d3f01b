//! What a hook did when nothing went wrong, and what can go wrong in it.
//!
//! A hook that is killed leaves what took effect before: a call of a hook tool,
//! what etcd was asked for, a file, a start of etcd. So it is killed once after
//! each of these, and nowhere else: a kill before a call leaves what a kill after
//! the one before it leaves.

use etcd_charm_world::{HookRun, UnitName};

use crate::crash::event_run::Point;
use crate::crash::fault::{FILES, Fault, RECEIVE, SEND};

/// Up to so many bytes of TLS carry frames of HTTP/2 alone that ask etcd for
/// nothing (an acknowledgement, a window, a ping): two windows in one record are 13
/// bytes each, and 22 around them. A request takes more than its two frame headers
/// and its own length, 23 bytes, with a name for what is asked.
const CONTROL: usize = 48;

/// The system calls of one hook that stand for effects, each kind counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Those that sent a request to etcd.
    sends: Vec<usize>,
    /// Those that brought something from etcd.
    receives: Vec<usize>,
    /// How many there are that name files or bring them to the disk.
    files: usize,
}

impl Calls {
    /// Reads what `strace` wrote about the charm's own thread.
    pub(crate) fn read(trace: &str) -> Self {
        let results = |names: &'static str| {
            let is_one = move |line: &&str| {
                let name = line.split('(').next().unwrap_or_default();
                names.split(',').any(|one| one == name)
            };
            trace.lines().filter(is_one).map(result)
        };
        let above = |names, least| {
            let numbered = results(names).zip(1..);
            let chosen = numbered.filter(|(result, _)| result.is_some_and(|bytes| bytes > least));
            chosen.map(|(_, number)| number).collect()
        };
        Self {
            sends: above(SEND, CONTROL),
            receives: above(RECEIVE, 0),
            files: results(FILES).count(),
        }
    }
}

/// What a system call gave, unless it failed.
fn result(line: &str) -> Option<usize> {
    let (_, result) = line.rsplit_once(" = ")?;
    result.split(' ').next()?.parse().ok()
}

/// What one hook did when nothing went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    unit: UnitName,
    /// Which of the unit's hooks since the event it was.
    hook: usize,
    tools: usize,
    calls: Calls,
    starts: bool,
    /// Whether it was the leader's, with another unit at hand.
    leads: bool,
}

impl Trace {
    /// What the unit's hook of this number did: it called hook tools, the system, and
    /// these commands of the machine.
    pub(crate) fn new(
        run: &HookRun,
        hook: usize,
        calls: Calls,
        commands: &[Vec<String>],
        leads: bool,
    ) -> Self {
        let is_start = |word: &String| word == "start" || word == "restart";
        let starts = commands.iter().any(|command| {
            let is_of_service = command.first().is_some_and(|name| name == "systemctl");
            is_of_service && command.iter().any(is_start)
        });
        Self {
            unit: run.unit.clone(),
            hook,
            tools: run.calls.len(),
            calls,
            starts,
            leads,
        }
    }

    /// Everything that can go wrong in such a hook.
    pub(crate) fn points(&self) -> Vec<Point> {
        let tools = |fault: fn(usize) -> Fault| (1..=self.tools).map(fault);
        let sends = |fault: fn(usize) -> Fault| self.calls.sends.iter().copied().map(fault);
        let receives = |fault: fn(usize) -> Fault| self.calls.receives.iter().copied().map(fault);
        let mut faults: Vec<Fault> = tools(Fault::AfterTool)
            .chain(tools(Fault::FailTool))
            .chain(receives(Fault::BeforeReceive))
            .chain(sends(Fault::BreakSend))
            .chain(receives(Fault::BreakReceive))
            .chain((1..=self.calls.files).map(Fault::BeforeFile))
            .collect();
        if self.leads {
            faults.extend(tools(Fault::LoseLeadership));
        }
        faults.push(Fault::FailCommit);
        if self.tools > 0 && !self.calls.sends.is_empty() {
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
