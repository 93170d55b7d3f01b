//! Services of systemd.

use std::time::Duration;

use machine::{CommandError, MachineError, Started, State, daemon_reload};

use super::command::Commands;
use super::files::ensure_file;
use super::paths::Paths;

/// Valkey's own services take 120 s to be stopped at the most; their definitions say
/// so. None takes time to be started.
const LIMIT: Duration = Duration::from_secs(120);

/// One service of this machine.
#[derive(Clone, Debug)]
pub struct Service<'n>(&'n str);

impl<'n> Service<'n> {
    /// The service of this name.
    pub fn new(name: &'n str) -> Self {
        Self(name)
    }

    fn within<T>(
        &self,
        commands: Commands,
        order: impl FnOnce(machine::Service<'_>) -> Result<T, MachineError>,
    ) -> Result<T, MachineError> {
        order(machine::Service::new(&commands.of_machine(), self.0))
    }

    /// Whether it runs.
    pub fn is_active(&self, commands: Commands) -> bool {
        self.within(commands, |service| service.state())
            .is_ok_and(|state| state == State::Active)
    }

    /// Lets it start at each boot, and now.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn ensure_started(&self, commands: Commands) -> Result<(), MachineError> {
        let started = self.within(commands, |service| {
            service.enable()?;
            if service.is_active()? {
                return Ok(Started::Ready);
            }
            let _ = service.reset_failed();
            service.start(LIMIT)
        });
        self.at_once("start", started?)
    }

    /// Restarts it.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn restart(&self, commands: Commands) -> Result<(), MachineError> {
        let started = self.within(commands, |service| service.restart(LIMIT));
        self.at_once("restart", started?)
    }

    fn at_once(&self, action: &'static str, started: Started) -> Result<(), MachineError> {
        match started {
            Started::Ready => Ok(()),
            Started::Pending => Err(MachineError::Service {
                action,
                service: self.0.to_owned(),
                source: CommandError::Hung {
                    command: format!("systemctl {action} {}", self.0),
                    seconds: LIMIT.as_secs(),
                },
            }),
        }
    }

    /// Stops it for now.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn stop(&self, commands: Commands) -> Result<(), MachineError> {
        self.within(commands, |service| service.stop())
    }

    /// Stops it, now and for ever.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn ensure_gone(&self, commands: Commands) -> Result<(), MachineError> {
        self.within(commands, |service| {
            let _ = service.disable();
            service.stop()
        })
    }
}

/// Makes the definitions of services be these; returns the names of those that
/// were others.
///
/// # Errors
/// They cannot be written, or systemd does not read them.
pub fn ensure_units<'t>(
    commands: Commands,
    paths: &Paths,
    units: &[(&'t str, String)],
) -> Result<Vec<&'t str>, MachineError> {
    let mut changed = Vec::new();
    for (name, text) in units {
        let path = paths.unit_file(name);
        let beside = path.parent().unwrap_or(&path);
        if ensure_file(commands, beside, &path, text, 0o644, None)? {
            changed.push(*name);
        }
    }
    if !changed.is_empty() {
        reload(commands)?;
    }
    Ok(changed)
}

/// Lets systemd read all definitions anew.
///
/// # Errors
/// systemd refuses.
pub fn reload(commands: Commands) -> Result<(), MachineError> {
    daemon_reload(&commands.of_machine())
}
