//! Stopping, restarting and signalling a service.

use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::start::check_power;
use super::{Failure, Job, State, Supervisor};
use crate::machine::service::Active;
use crate::machine::unit::DEFAULT_TIME_LIMIT;

impl Supervisor {
    pub(crate) fn stop(self: &Arc<Self>, name: &str) -> Result<(), Failure> {
        // What runs can be stopped, whatever became of its file.
        let running = self.lock().service(name).active != Active::Inactive;
        match self.load(&mut self.lock(), name) {
            Err(Failure::NotFound) if !running => return Err(Failure::NotFound),
            _ => {}
        }
        let job = self.call_off(name)?;
        self.stop_now(&job)
    }

    pub(crate) fn restart(self: &Arc<Self>, name: &str) -> Result<(), Failure> {
        self.load(&mut self.lock(), name)?;
        let job = self.call_off(name)?;
        self.stop_now(&job)?;
        self.start_now(&job)
    }

    /// Takes the job, and calls off a start that waits for its turn or for the process to be ready: systemd, too,
    /// cancels the one job for the other.
    fn call_off<'a>(&'a self, name: &'a str) -> Result<Job<'a>, Failure> {
        self.lock().service(name).calls_off += 1;
        self.notify_all();
        self.begin_job(name)
    }

    fn stop_now(self: &Arc<Self>, job: &Job<'_>) -> Result<(), Failure> {
        let name = job.name;
        let mut state = self.lock();
        check_power(&state, job)?;
        let unit = self.load(&mut state, name).ok();
        let service = state.service(name);
        if matches!(service.active, Active::Inactive | Active::Failed) {
            return Ok(());
        }
        let Some(pid) = service.main else {
            // It waits for its restart, which is called off.
            service.generation += 1;
            service.has_ended("success");
            self.notify_all();
            return Ok(());
        };
        service.attended = true;
        service.active = Active::Deactivating;
        let limit = unit
            .as_ref()
            .map_or(Some(DEFAULT_TIME_LIMIT), |unit| unit.stop_time_limit);
        let (mut state, in_time) = self.end_main(state, job, pid, limit);
        check_power(&state, job)?;
        let service = state.service(name);
        let result = if in_time {
            service.exit.map_or("success", |(result, _)| result)
        } else {
            "timeout"
        };
        service.attended = false;
        service.has_ended(result);
        self.notify_all();
        Ok(())
    }

    /// Asks the main process to end, and kills it when it does not within the limit; returns whether it did.
    pub(super) fn end_main<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        job: &Job<'_>,
        pid: Pid,
        limit: Option<Duration>,
    ) -> (MutexGuard<'a, State>, bool) {
        let over =
            |state: &mut State| state.boot != job.boot || state.service(job.name).exit.is_some();
        if over(&mut state) {
            return (state, true);
        }
        let _ = kill_process_group(pid, Signal::TERM);
        // A process that was halted handles the signal only when it goes on; systemd does the same.
        let _ = kill_process_group(pid, Signal::CONT);
        let (mut state, in_time) = self.wait_until(state, limit, over);
        if !in_time {
            let _ = kill_process_group(pid, Signal::KILL);
            (state, _) = self.wait_until(state, None, over);
        }
        (state, in_time)
    }

    /// Sends a signal to the processes of a service; returns whether there were any.
    pub(crate) fn signal(&self, name: &str, signal: Signal) -> bool {
        let mut state = self.lock();
        state
            .service(name)
            .main
            .is_some_and(|pid| kill_process_group(pid, signal).is_ok())
    }
}
