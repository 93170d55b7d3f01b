//! What goes wrong, and how it is brought about.

use std::fmt;
use std::fs;
use std::process::Command;
use std::time::Duration;

use etcd_charm_world::{UnitName, service_of};

use crate::crash::harness::Harness;

/// How long etcd is halted: longer than a call may wait unnoticed, shorter
/// than it takes the charm to give a call up.
const HALT: Duration = Duration::from_millis(1500);

/// Which system calls of the charm's own thread stand for what.
pub(crate) const SEND: &str = "writev";
/// An answer of etcd, or a part of one, arrives.
pub(crate) const RECEIVE: &str = "recvfrom";
/// A file gets its name, or reaches the disk.
pub(crate) const FILES: &str = "rename,fsync";

/// What goes wrong in one hook. Calls are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// The hook is killed when this call of a hook tool was carried out.
    AfterTool(usize),
    /// This call of a hook tool fails, for a reason that has no meaning.
    FailTool(usize),
    /// Juju cannot commit what the hook wrote.
    FailCommit,
    /// The hook is killed when etcd's answer is there and was not read.
    BeforeReceive(usize),
    /// The connection to etcd breaks when this is sent.
    BreakSend(usize),
    /// The connection to etcd breaks when this is received: etcd has done what
    /// it was asked for.
    BreakReceive(usize),
    /// The hook is killed before this step of writing a file.
    BeforeFile(usize),
    /// The hook is killed before systemd hears of the start of etcd.
    BeforeStart,
    /// The hook is killed while systemd starts etcd.
    DuringStart,
    /// The hook is killed when systemd has started etcd.
    AfterStart,
    /// etcd is killed after this call of a hook tool.
    KillEtcd(usize),
    /// etcd is halted for a while after this call of a hook tool.
    HaltEtcd(usize),
    /// Another unit leads from this call of a hook tool on.
    LoseLeadership(usize),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Fault {
    /// The kind, for counting.
    pub(crate) fn kind(self) -> String {
        let text = format!("{self:?}");
        text.split('(').next().unwrap_or_default().to_owned()
    }

    /// Whether the hook in which it happens cannot succeed.
    pub(crate) fn kills(self) -> bool {
        matches!(
            self,
            Self::AfterTool(_)
                | Self::BeforeReceive(_)
                | Self::BeforeFile(_)
                | Self::BeforeStart
                | Self::DuringStart
                | Self::AfterStart
        )
    }

    /// Plants the fault in the next hook of this unit.
    pub(crate) fn arm(self, harness: &mut Harness, unit: &UnitName) {
        let strace = |calls: &str, nth: usize, what: &str| {
            format!("-o /dev/null -e trace={calls} -e inject={calls}:{what}:when={nth}")
        };
        const KILL: &str = "signal=SIGKILL";
        const BREAK: &str = "error=ECONNRESET";
        let planted = match self {
            Self::BeforeReceive(nth) => Some(strace(RECEIVE, nth, KILL)),
            Self::BreakSend(nth) => Some(strace(SEND, nth, BREAK)),
            Self::BreakReceive(nth) => Some(strace(RECEIVE, nth, BREAK)),
            Self::BeforeFile(nth) => Some(strace(FILES, nth, KILL)),
            _ => None,
        };
        if let Some(options) = planted {
            fs::write(harness.strace_file(unit), options).unwrap();
        }
        let start = match self {
            Self::BeforeStart => Some("before"),
            Self::DuringStart => Some("during"),
            Self::AfterStart => Some("after"),
            _ => None,
        };
        if let Some(when) = start {
            fs::write(harness.start_file(unit), when).unwrap();
        }
        let pid = harness.world.machines[unit]
            .service(&service_of(unit))
            .main_pid;
        let model = &mut harness.world.model;
        match self {
            Self::AfterTool(nth) => model.kill_after_tool_call(unit.clone(), nth),
            Self::FailTool(nth) => {
                model.fail_tool_call(unit.clone(), nth, 1, "ERROR connection is shut down\n");
            }
            Self::FailCommit => model.fail_next_commit(unit.clone()),
            Self::LoseLeadership(nth) => model.lose_leadership_after_call(unit.clone(), nth),
            Self::KillEtcd(nth) => {
                model.after_tool_call(unit.clone(), nth, move |_| signal(pid, "-KILL"));
            }
            Self::HaltEtcd(nth) => model.after_tool_call(unit.clone(), nth, move |_| {
                signal(pid, "-STOP");
                std::thread::spawn(move || {
                    std::thread::sleep(HALT);
                    signal(pid, "-CONT");
                });
            }),
            _ => {}
        }
    }

    /// Takes back what was planted and did not come to pass.
    pub(crate) fn disarm(harness: &Harness, unit: &UnitName) {
        // One that came to pass is gone already.
        let _ = fs::remove_file(harness.strace_file(unit));
        let _ = fs::remove_file(harness.start_file(unit));
    }
}

fn signal(pid: Option<u32>, signal: &str) {
    if let Some(pid) = pid {
        // A process that has ended meanwhile needs no signal.
        let _ = Command::new("kill")
            .args([signal, &pid.to_string()])
            .stderr(std::process::Stdio::null())
            .status();
    }
}
