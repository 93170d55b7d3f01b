//! A `dispatch` that runs the charm's program and notes its greatest memory
//! and its processor time.
//!
//! What the kernel tells after the end of a process (`wait4`) is mixed with the
//! processes that it started and the one that it was forked from. So the
//! program is stopped at its very end, while its memory is still there, and
//! looked at in /proc.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Duration;

use nix::sys::ptrace::{self, Options};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::time::ClockId;
use nix::unistd::Pid;

const CHARM: &str = "COSTS_CHARM";
const FIGURES: &str = "COSTS_FIGURES";

/// What was noted.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// The greatest resident memory, in KiB.
    pub memory: u64,
    /// Processor time, user's and system's, of the process alone.
    pub time: Duration,
}

impl Figures {
    /// What the last hook noted in this file; `None` where the kernel does not let us look.
    #[must_use]
    pub fn read(file: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(file).ok()?;
        let (memory, time) = text.trim().split_once(' ')?;
        Some(Self {
            memory: memory.parse().ok()?,
            time: Duration::from_nanos(time.parse().ok()?),
        })
    }
}

/// By which the meter learns what to run and where to note: for a deployment whose
/// `dispatch` is the test program itself.
///
/// # Panics
/// There is no such program, or a path is no text.
#[must_use]
pub fn environment(charm: &Path, figures: &Path) -> [(String, String); 2] {
    let text = |path: &Path| path.to_str().expect("a path is a text").to_owned();
    let charm = charm.canonicalize().expect("there is such a program");
    [
        (CHARM.to_owned(), text(&charm)),
        (FIGURES.to_owned(), text(figures)),
    ]
}

/// Runs the charm, if this process was started as a charm's `dispatch` by a
/// deployment with [`environment`].
#[allow(
    clippy::zombie_processes,
    reason = "it is waited for by waitpid, which tells of its last stop as well"
)]
pub(crate) fn run_as_dispatch() -> Option<ExitCode> {
    let name = std::env::args_os().next()?;
    if Path::new(&name).file_name()? != "dispatch" {
        return None;
    }
    let charm = std::env::var_os(CHARM)?;
    let figures = std::env::var_os(FIGURES)?;
    let child = Command::new(charm).spawn().expect("the program can be run");
    let pid = Pid::from_raw(child.id().try_into().expect("a process id"));
    // It has only begun: its own start alone takes longer than this.
    let seen = ptrace::seize(pid, Options::PTRACE_O_TRACEEXIT);
    if let Err(error) = seen {
        let _ = std::fs::write(&figures, format!("no figures: {error}"));
    }
    let code = loop {
        match waitpid(pid, None).expect("a child can be waited for") {
            WaitStatus::Exited(_, code) => break code,
            WaitStatus::Signaled(..) => break 255,
            WaitStatus::PtraceEvent(_, _, event) => {
                if event == ptrace::Event::PTRACE_EVENT_EXIT as i32
                    && let Some(text) = look(pid)
                {
                    std::fs::write(&figures, text).expect("figures can be noted");
                }
                ptrace::cont(pid, None).expect("it stands still");
            }
            WaitStatus::Stopped(_, signal) => ptrace::cont(pid, signal).expect("it stands still"),
            _ => {}
        }
    };
    Some(ExitCode::from(u8::try_from(code).unwrap_or(255)))
}

fn look(pid: Pid) -> Option<String> {
    let clock = ClockId::pid_cpu_clock_id(pid).ok()?;
    let time = Duration::from(clock.now().ok()?).as_nanos();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let memory = line.split_whitespace().nth(1)?;
    Some(format!("{memory} {time}"))
}
