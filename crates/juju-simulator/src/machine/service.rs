//! What is known of one service while the machine runs.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use rustix::process::Pid;

use crate::machine::unit::Unit;

/// Where a service stands, in systemd's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Active {
    /// Not running, and the last end was no failure.
    #[default]
    Inactive,
    /// Being started, or waiting to be started again.
    Activating,
    /// Running, and ready as far as its type says so.
    Active,
    /// Being stopped.
    Deactivating,
    /// Not running after a failure.
    Failed,
}

impl Active {
    /// The word that `systemctl is-active` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Deactivating => "deactivating",
            Self::Failed => "failed",
        }
    }
}

/// What a test may want to know of a service. The counters go on over the whole life of the machine, power cuts included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// Where the service stands.
    pub active: Active,
    /// The main process, while there is one.
    pub main_pid: Option<u32>,
    /// How many times a main process was started, for whatever reason.
    pub starts: u32,
    /// How many times its main process ended without having been asked to, power cuts not counted.
    pub crashes: u32,
    /// systemd's `Result`: `success`, `exit-code`, `signal`, `timeout`, `start-limit-hit`, …
    pub result: String,
    /// The last complaint of the machine about it, such as what is wrong with its unit file.
    pub complaint: String,
}

/// A unit file as it was when it was last read. systemd, too, works with what it has read until it is told to reload.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) source: String,
    pub(crate) unit: Result<Arc<Unit>, String>,
}

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) loaded: Option<Loaded>,
    pub(crate) active: Active,
    pub(crate) result: &'static str,
    pub(crate) main: Option<Pid>,
    pub(crate) control: Option<Pid>,
    /// How the last main process ended: `Result`, and code or signal; `None` while it runs.
    pub(crate) exit: Option<(&'static str, i32)>,
    pub(crate) ready: bool,
    /// How often somebody wanted it stopped, which calls off every start that is not over.
    pub(crate) calls_off: u64,
    /// Counts starts and stops, so that what belongs to an earlier process is recognised as late.
    pub(crate) generation: u64,
    /// One command at a time works on a service, as systemd has one job per unit.
    pub(crate) busy: bool,
    /// Whoever is busy handles the end of the main process.
    pub(crate) attended: bool,
    /// The process ended by itself, and what follows from it (a restart, mostly) has not been done yet.
    pub(crate) follow_up: bool,
    pub(crate) start_times: VecDeque<Instant>,
    pub(crate) starts: u32,
    pub(crate) crashes: u32,
    pub(crate) complaint: String,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            loaded: None,
            active: Active::Inactive,
            result: "success",
            main: None,
            control: None,
            exit: None,
            ready: false,
            calls_off: 0,
            generation: 0,
            busy: false,
            attended: false,
            follow_up: false,
            start_times: VecDeque::new(),
            starts: 0,
            crashes: 0,
            complaint: String::new(),
        }
    }
}

impl Service {
    pub(crate) fn has_ended(&mut self, result: &'static str) {
        self.result = result;
        self.follow_up = false;
        self.active = match result {
            "success" => Active::Inactive,
            _ => Active::Failed,
        };
    }

    /// What a power cut leaves: the counters, and nothing else.
    pub(crate) fn forget(&mut self) {
        let generation = self.generation + 1;
        let old = std::mem::take(self);
        *self = Self {
            generation,
            busy: old.busy,
            attended: old.attended,
            main: old.main,
            control: old.control,
            starts: old.starts,
            crashes: old.crashes,
            ..Self::default()
        };
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.main
            .and_then(|pid| u32::try_from(pid.as_raw_nonzero().get()).ok())
    }

    pub(crate) fn state(&self) -> ServiceState {
        ServiceState {
            active: self.active,
            main_pid: self.pid(),
            starts: self.starts,
            crashes: self.crashes,
            result: self.result.to_owned(),
            complaint: self.complaint.clone(),
        }
    }
}
