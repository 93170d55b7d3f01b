//! The machine's service manager: its state, and how processes are started and waited for.
//!
//! Threads: one starts all processes and lives as long as the machine; one waits for each process; one serves each
//! command. They meet in [`State`], under one lock that nobody holds while waiting for a process.

mod exit;
mod notify;
mod spawn;
mod start;
mod stop;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process_group};

use self::spawn::{SpawnRequest, start_processes};
use crate::machine::package::Package;
use crate::machine::paths::Paths;
use crate::machine::service::{Active, Loaded, Service};
use crate::machine::unit::Unit;
use crate::machine::unit_files::Found;

/// Why a job was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    NotFound,
    Masked,
    BadSetting,
    /// The job was done and failed, with this `Result`.
    Job(&'static str),
    /// The machine lost its power meanwhile.
    Off,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) calls: Vec<Vec<String>>,
    pub(crate) users: BTreeSet<String>,
    pub(crate) packages: BTreeSet<String>,
    pub(crate) off: bool,
    /// Counts power cuts: whatever began before one ends with it.
    pub(crate) boot: u64,
}

impl State {
    pub(crate) fn service(&mut self, name: &str) -> &mut Service {
        self.services.entry(name.to_owned()).or_default()
    }
}

pub(crate) struct Supervisor {
    pub(crate) archive: Vec<Package>,
    pub(crate) paths: Paths,
    state: Mutex<State>,
    changed: Condvar,
    spawner: Mutex<Option<Sender<SpawnRequest>>>,
}

/// The right to work on one service; it ends when this is dropped.
struct Job<'a> {
    supervisor: &'a Supervisor,
    name: &'a str,
    boot: u64,
}

impl Drop for Job<'_> {
    fn drop(&mut self) {
        self.supervisor.lock().service(self.name).busy = false;
        self.supervisor.changed.notify_all();
    }
}

impl Supervisor {
    pub(crate) fn new(archive: Vec<Package>, paths: Paths) -> Arc<Self> {
        let (spawner, requests) = channel();
        thread::spawn(move || start_processes(&requests));
        Arc::new(Self {
            archive,
            paths,
            state: Mutex::new(State::default()),
            changed: Condvar::new(),
            spawner: Mutex::new(Some(spawner)),
        })
    }

    /// A test that panicked elsewhere must not keep the machine from being taken down.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn notify_all(&self) {
        self.changed.notify_all();
    }

    /// Waits until the condition holds, for the given time at most, and returns whether it does.
    pub(crate) fn wait_until<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        limit: Option<Duration>,
        mut condition: impl FnMut(&mut State) -> bool,
    ) -> (MutexGuard<'a, State>, bool) {
        let end = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            if condition(&mut state) {
                return (state, true);
            }
            // Without a limit it still looks up now and then, which costs nothing.
            let left = end.map_or(Duration::from_secs(60), |end| {
                end.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return (state, false);
            }
            (state, _) = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn begin_job<'a>(&'a self, name: &'a str) -> Result<Job<'a>, Failure> {
        let state = self.lock();
        let boot = state.boot;
        let (mut state, _) = self.wait_until(state, None, |state| {
            state.off || state.boot != boot || !state.service(name).busy
        });
        if state.off || state.boot != boot {
            return Err(Failure::Off);
        }
        state.service(name).busy = true;
        Ok(Job {
            supervisor: self,
            name,
            boot,
        })
    }

    /// The unit as systemd has it in mind, read from its file where it has not been read yet.
    pub(crate) fn load(&self, state: &mut State, name: &str) -> Result<Arc<Unit>, Failure> {
        let found = self.paths.find_unit(name);
        let in_mind = self.paths.is_enabled(name);
        let service = state.service(name);
        // What neither runs nor is wanted by anything nor has a job is forgotten by systemd at once.
        if service.active == Active::Inactive && !in_mind && !service.busy {
            service.loaded = None;
        }
        let source = match found {
            Found::Masked => return Err(Failure::Masked),
            Found::Nothing if service.loaded.is_none() => return Err(Failure::NotFound),
            Found::Nothing => String::new(),
            Found::File(_, source) => source,
        };
        let loaded = service.loaded.get_or_insert_with(|| Loaded {
            unit: Unit::parse(&source, name).map(Arc::new),
            source,
        });
        loaded.unit.clone().map_err(|complaint| {
            service.complaint = complaint;
            Failure::BadSetting
        })
    }

    /// Whether the unit's file is another than the one that was read.
    pub(crate) fn needs_reload(&self, state: &State, name: &str) -> bool {
        let loaded = state
            .services
            .get(name)
            .and_then(|service| service.loaded.as_ref());
        match (loaded, self.paths.find_unit(name)) {
            (Some(loaded), Found::File(_, source)) => loaded.source != source,
            (Some(_), _) => true,
            (None, _) => false,
        }
    }

    pub(crate) fn daemon_reload(&self) {
        for service in self.lock().services.values_mut() {
            service.loaded = None;
        }
    }

    /// Ends every process at once, and waits until none is left.
    pub(crate) fn power_off(&self) {
        let mut state = self.lock();
        state.off = true;
        state.boot += 1;
        for service in state.services.values_mut() {
            for pid in service.main.into_iter().chain(service.control) {
                let _ = kill_process_group(pid, Signal::KILL);
            }
            service.forget();
        }
        self.changed.notify_all();
        let none_left = |state: &mut State| {
            state
                .services
                .values()
                .all(|s| s.main.is_none() && s.control.is_none() && !s.busy)
        };
        drop(self.wait_until(state, Some(Duration::from_secs(10)), none_left));
    }

    /// Takes the machine down for good. The thread that starts processes ends with it.
    pub(crate) fn close(&self) {
        self.power_off();
        *self.spawner.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
