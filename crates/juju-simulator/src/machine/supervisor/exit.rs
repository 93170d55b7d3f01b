//! The end of a main process, asked for or not, and what follows from it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Failure, State, Supervisor};
use crate::machine::service::Active;
use crate::machine::unit::Unit;

/// systemd takes these for a clean end of a service: HUP, INT, PIPE, TERM.
const CLEAN_SIGNALS: [i32; 4] = [1, 2, 13, 15];

/// systemd's `Result` for the end of a process.
pub(super) fn result_of(status: ExitStatus) -> &'static str {
    match (status.code(), status.signal()) {
        (Some(0), _) => "success",
        (Some(_), _) => "exit-code",
        (None, Some(signal)) if CLEAN_SIGNALS.contains(&signal) => "success",
        (None, _) if status.core_dumped() => "core-dump",
        (None, _) => "signal",
    }
}

impl Supervisor {
    /// Waits for the main process in a thread of its own.
    pub(super) fn watch_main(
        self: &Arc<Self>,
        name: &str,
        generation: u64,
        mut child: Child,
        pid: Pid,
    ) {
        let (supervisor, name) = (Arc::clone(self), name.to_owned());
        thread::spawn(move || {
            // Until the process is waited for, its group keeps its number; so what is left of the group is killed before.
            let _ = waitid(
                WaitId::Pid(pid),
                WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
            );
            let _ = kill_process_group(pid, Signal::KILL);
            let status = child.wait();
            let mut state = supervisor.lock();
            let service = state.service(&name);
            if service.main == Some(pid) {
                service.main = None;
            }
            if service.generation == generation {
                service.exit = Some(status.map_or(("resources", 0), |status| {
                    (
                        result_of(status),
                        status.code().or_else(|| status.signal()).unwrap_or(0),
                    )
                }));
                if !service.attended {
                    service.crashes += 1;
                    let unit = service
                        .loaded
                        .as_ref()
                        .and_then(|loaded| loaded.unit.clone().ok());
                    match unit.map_or_else(|| supervisor.load(&mut state, &name), Ok) {
                        Ok(unit) => supervisor.has_ended_by_itself(&mut state, &name, &unit),
                        Err(_) => {
                            let service = state.service(&name);
                            service.has_ended(service.exit.map_or("success", |(result, _)| result));
                        }
                    }
                }
            }
            supervisor.notify_all();
        });
    }

    /// Decides what follows an end that nobody asked for; a restart comes in a thread of its own, after its delay.
    pub(super) fn has_ended_by_itself(
        self: &Arc<Self>,
        state: &mut State,
        name: &str,
        unit: &Arc<Unit>,
    ) {
        let boot = state.boot;
        let service = state.service(name);
        let result = service.exit.map_or("success", |(result, _)| result);
        if !unit.restarts_after(result) {
            service.has_ended(result);
            self.notify_all();
            return;
        }
        service.result = result;
        service.follow_up = true;
        service.active = Active::Activating;
        let generation = service.generation;
        self.notify_all();
        let (supervisor, name, delay) = (Arc::clone(self), name.to_owned(), unit.restart_delay);
        thread::spawn(move || {
            // What became of it is in the state of the service.
            let _ = supervisor.restart_after(delay, &name, boot, generation);
        });
    }

    fn restart_after(
        self: &Arc<Self>,
        delay: Duration,
        name: &str,
        boot: u64,
        generation: u64,
    ) -> Result<(), Failure> {
        let is_late =
            |state: &mut State| state.boot != boot || state.service(name).generation != generation;
        let (state, is_called_off) = self.wait_until(self.lock(), Some(delay), is_late);
        drop(state);
        if is_called_off {
            return Ok(());
        }
        let job = self.begin_job(name)?;
        if is_late(&mut self.lock()) {
            return Ok(());
        }
        let started = self.start_now(&job);
        if let Err(Failure::NotFound | Failure::Masked | Failure::BadSetting) = started {
            self.lock().service(name).has_ended("resources");
        }
        started
    }
}
