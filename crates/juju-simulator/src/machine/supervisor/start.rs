//! Starting a service.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process_group};

use super::{Failure, Job, State, Supervisor};
use crate::machine::service::Active;
use crate::machine::unit::{Kind, Unit};
use crate::machine::unit_text::Command;

/// How often a process that is waited for without a thread of its own is looked at.
const LOOK_UP: Duration = Duration::from_millis(3);

impl Supervisor {
    pub(crate) fn start(self: &Arc<Self>, name: &str) -> Result<(), Failure> {
        let calls_off = self.lock().service(name).calls_off;
        loop {
            let job = self.begin_job(name)?;
            let mut state = self.lock();
            if state.service(name).calls_off != calls_off {
                return Err(Failure::Job("canceled"));
            }
            self.load(&mut state, name)?;
            if !state.service(name).follow_up {
                drop(state);
                return self.start_now(&job);
            }
            // A service that waits for its restart is not started sooner; the job waits with it.
            drop(state);
            let (boot, generation) = (job.boot, self.lock().service(name).generation);
            drop(job);
            let one_try_is_over = |state: &mut State| {
                let interrupted = state.boot != boot;
                let service = state.service(name);
                interrupted
                    || !service.busy && (service.generation != generation || !service.follow_up)
            };
            let (mut state, _) = self.wait_until(self.lock(), None, one_try_is_over);
            let service = state.service(name);
            match service.active {
                Active::Active => return Ok(()),
                Active::Failed | Active::Activating => return Err(Failure::Job(service.result)),
                Active::Inactive | Active::Deactivating => {}
            }
        }
    }

    /// Starts it for whoever holds the job.
    pub(super) fn start_now(self: &Arc<Self>, job: &Job<'_>) -> Result<(), Failure> {
        let name = job.name;
        let mut state = self.lock();
        check_power(&state, job)?;
        let unit = self.load(&mut state, name)?;
        let service = state.service(name);
        if service.active == Active::Active {
            return Ok(());
        }
        let (interval, burst) = unit.start_limit;
        service.start_times.retain(|time| time.elapsed() < interval);
        if burst > 0 && service.start_times.len() >= burst {
            service.has_ended("start-limit-hit");
            self.notify_all();
            return Err(Failure::Job("start-limit-hit"));
        }
        service.start_times.push_back(Instant::now());
        service.active = Active::Activating;
        service.generation += 1;
        (service.ready, service.exit, service.attended) = (false, None, true);
        (service.result, service.follow_up) = ("success", false);
        let generation = service.generation;
        drop(state);

        let mut environment = unit.environment();
        for command in &unit.start_pre {
            let result = self.run_to_end(job, command, &environment, unit.start_time_limit)?;
            if result != "success" && !command.ignore_failure {
                return Err(self.start_failed(job, &unit, result, "ExecStartPre= failed"));
            }
        }
        if unit.kind == Kind::Notify {
            match self.listen_for_notice(name, generation) {
                Ok(path) => {
                    environment.insert("NOTIFY_SOCKET".to_owned(), path.display().to_string())
                }
                Err(error) => {
                    return Err(self.start_failed(job, &unit, "resources", &error.to_string()));
                }
            };
        }
        self.start_main(job, &unit, &environment)
    }

    fn start_main(
        self: &Arc<Self>,
        job: &Job<'_>,
        unit: &Arc<Unit>,
        environment: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let name = job.name;
        let mut state = self.lock();
        check_power(&state, job)?;
        let (child, pid) = match self.spawn(name, &unit.start.argv(environment), environment) {
            Ok(spawned) => spawned,
            Err(error) => {
                drop(state);
                return Err(self.start_failed(job, unit, "exit-code", &error.to_string()));
            }
        };
        let service = state.service(name);
        service.main = Some(pid);
        service.starts += 1;
        let (generation, calls_off) = (service.generation, service.calls_off);
        self.watch_main(name, generation, child, pid);
        self.notify_all();
        let boot = job.boot;
        if unit.kind == Kind::Notify {
            let settled;
            (state, settled) = self.wait_until(state, unit.start_time_limit, |state| {
                let interrupted = state.boot != boot;
                let service = state.service(name);
                interrupted
                    || service.ready
                    || service.exit.is_some()
                    || service.calls_off != calls_off
            });
            if !settled {
                (state, _) = self.end_main(state, job, pid, unit.stop_time_limit);
                check_power(&state, job)?;
                drop(state);
                return Err(self.start_failed(job, unit, "timeout", "not ready in time"));
            }
        }
        check_power(&state, job)?;
        let service = state.service(name);
        if unit.kind == Kind::Notify && service.calls_off != calls_off && !service.ready {
            // Whoever called it off deals with the process.
            return Err(Failure::Job("canceled"));
        }
        if let (Kind::Notify, Some((result, _))) = (unit.kind, service.exit) {
            let result = if result == "success" {
                "protocol"
            } else {
                result
            };
            drop(state);
            return Err(self.start_failed(job, unit, result, "ended before it was ready"));
        }
        service.active = Active::Active;
        service.attended = false;
        // It may be over already; then it ended as one that had been started.
        if service.exit.is_some() {
            service.crashes += 1;
            self.has_ended_by_itself(&mut state, name, unit);
        }
        self.notify_all();
        Ok(())
    }

    /// Runs a command of the service other than the main one, and returns its `Result`.
    fn run_to_end(
        &self,
        job: &Job<'_>,
        command: &Command,
        environment: &BTreeMap<String, String>,
        limit: Option<Duration>,
    ) -> Result<&'static str, Failure> {
        let mut state = self.lock();
        check_power(&state, job)?;
        let Ok((mut child, pid)) = self.spawn(job.name, &command.argv(environment), environment)
        else {
            return Ok("exit-code");
        };
        state.service(job.name).control = Some(pid);
        drop(state);
        let begin = Instant::now();
        let mut killed = false;
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) => {}
                Err(_) => break None,
            }
            if !killed && limit.is_some_and(|limit| begin.elapsed() > limit) {
                killed = true;
                let _ = kill_process_group(pid, Signal::KILL);
            }
            std::thread::sleep(LOOK_UP);
        };
        let mut state = self.lock();
        state.service(job.name).control = None;
        self.notify_all();
        check_power(&state, job)?;
        Ok(if killed {
            "timeout"
        } else {
            status.map_or("resources", super::exit::result_of)
        })
    }

    fn start_failed(
        self: &Arc<Self>,
        job: &Job<'_>,
        unit: &Arc<Unit>,
        result: &'static str,
        complaint: &str,
    ) -> Failure {
        let mut state = self.lock();
        if check_power(&state, job).is_err() {
            return Failure::Off;
        }
        let service = state.service(job.name);
        if service.exit.is_some() && result != "timeout" {
            service.crashes += 1;
        }
        complaint.clone_into(&mut service.complaint);
        service.attended = false;
        service.exit = Some((result, service.exit.map_or(0, |(_, code)| code)));
        self.has_ended_by_itself(&mut state, job.name, unit);
        Failure::Job(result)
    }
}

pub(super) fn check_power(state: &State, job: &Job<'_>) -> Result<(), Failure> {
    if state.boot == job.boot {
        Ok(())
    } else {
        Err(Failure::Off)
    }
}
