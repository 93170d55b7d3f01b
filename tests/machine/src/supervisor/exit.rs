//! The end of a main process, asked for or not, and what follows from it.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::start::check_power;
use super::{Failure, State, Supervisor};
use crate::service::Active;
use crate::unit::Unit;

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

    /// Decides what follows an end that nobody asked for; it is done in a thread of its own, after this.
    pub(super) fn has_ended_by_itself(
        self: &Arc<Self>,
        state: &mut State,
        name: &str,
        unit: &Arc<Unit>,
    ) {
        let boot = state.boot;
        let service = state.service(name);
        let result = service.exit.map_or("success", |(result, _)| result);
        let restarts = unit.restarts_after(result);
        if !restarts && unit.stop_post.is_empty() {
            service.has_ended(result);
            self.notify_all();
            return;
        }
        service.result = result;
        service.follow_up = true;
        service.set(Active::Deactivating, "stop-post");
        if unit.stop_post.is_empty() {
            service.set(Active::Activating, "auto-restart");
        }
        let generation = service.generation;
        self.notify_all();
        let (supervisor, name, unit) = (Arc::clone(self), name.to_owned(), Arc::clone(unit));
        thread::spawn(move || {
            let _ =
                supervisor.follow_up(&name, &unit, boot, generation, restarts.then_some(result));
        });
    }

    fn follow_up(
        self: &Arc<Self>,
        name: &str,
        unit: &Arc<Unit>,
        boot: u64,
        generation: u64,
        restart_after: Option<&'static str>,
    ) -> Result<(), Failure> {
        let overtaken =
            |state: &mut State| state.boot != boot || state.service(name).generation != generation;
        let job = self.begin_job(name)?;
        if overtaken(&mut self.lock()) {
            return Ok(());
        }
        self.run_stop_post(&job, unit)?;
        let mut state = self.lock();
        check_power(&state, &job)?;
        let service = state.service(name);
        if restart_after.is_none() {
            service.has_ended(service.result);
            return Ok(());
        }
        service.set(Active::Activating, "auto-restart");
        drop(state);
        drop(job);
        let (state, given_up) = self.wait_until(self.lock(), Some(unit.restart_delay), overtaken);
        drop(state);
        if given_up {
            return Ok(());
        }
        let job = self.begin_job(name)?;
        let mut state = self.lock();
        if overtaken(&mut state) {
            return Ok(());
        }
        state.service(name).automatic_restarts += 1;
        drop(state);
        let started = self.start_now(&job);
        if let Err(Failure::NotFound | Failure::Masked | Failure::BadSetting) = started {
            self.lock().service(name).has_ended("resources");
        }
        started
    }
}
