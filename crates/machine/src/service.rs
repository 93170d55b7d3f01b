//! Services of systemd.

use std::time::Duration;

use crate::command::Commands;
use crate::error::{CommandError, MachineError};

/// How long a service may take to stop: twice the time after which systemd kills
/// ours (`TimeoutStopSec`).
const STOP_LIMIT: Duration = Duration::from_secs(120);

/// One service of this machine.
#[derive(Debug)]
pub struct Service<'a> {
    commands: &'a Commands,
    name: String,
}

/// What systemd says of a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It runs, and said that it is ready.
    Active,
    /// It was started and is not ready yet.
    Activating,
    /// Its last start failed, or it crashed and is not started again.
    Failed,
    /// It does not run, or there is none of this name.
    Inactive,
}

/// How far a service came within the time that it was waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use]
pub enum Started {
    /// It runs, and said that it is ready.
    Ready,
    /// systemd goes on starting it, since it waits for something itself.
    Pending,
}

/// Makes systemd read the definitions of services again.
///
/// # Errors
/// systemd refused.
pub fn daemon_reload(commands: &Commands) -> Result<(), MachineError> {
    commands
        .command("systemctl")
        .arg("daemon-reload")
        .run()
        .map(drop)
        .map_err(MachineError::command("make systemd read its units again"))
}

impl<'a> Service<'a> {
    /// The service of this name, `.service` included; it need not exist.
    pub fn new(commands: &'a Commands, name: impl Into<String>) -> Self {
        Self {
            commands,
            name: name.into(),
        }
    }

    /// Makes the service start with the machine.
    ///
    /// # Errors
    /// There is no such service.
    pub fn enable(&self) -> Result<(), MachineError> {
        self.systemctl("enable")
    }

    /// Undoes [`Service::enable`].
    ///
    /// # Errors
    /// systemd refused.
    pub fn disable(&self) -> Result<(), MachineError> {
        self.systemctl("disable")
    }

    /// Makes every start of the service impossible, by whomever. It need not
    /// exist yet: so a package can be installed without its service starting.
    ///
    /// # Errors
    /// systemd refused.
    pub fn mask(&self) -> Result<(), MachineError> {
        self.systemctl("mask")
    }

    /// Starts the service if it does not run, and waits for it so long.
    ///
    /// # Errors
    /// The service failed at its start.
    pub fn start(&self, limit: Duration) -> Result<Started, MachineError> {
        self.within(limit, "start")
    }

    /// Starts the service anew, whether or not it runs, and waits for it so
    /// long. It is one order to systemd: a hook that is killed meanwhile does
    /// not leave the service stopped.
    ///
    /// # Errors
    /// The service failed at its start.
    pub fn restart(&self, limit: Duration) -> Result<Started, MachineError> {
        self.within(limit, "restart")
    }

    /// Stops the service, and waits until it is; that it does not run is
    /// success. So systemd shall not list it among what failed, as it does with
    /// a server that ended by itself with an error.
    ///
    /// # Errors
    /// systemd refused.
    pub fn stop(&self) -> Result<(), MachineError> {
        self.systemctl("stop")?;
        if self.state()? == State::Failed {
            self.reset_failed()?;
        }
        Ok(())
    }

    /// Makes systemd forget that the service failed, and how often it was started.
    ///
    /// # Errors
    /// systemd does not know the service.
    pub fn reset_failed(&self) -> Result<(), MachineError> {
        self.systemctl("reset-failed")
    }

    /// What systemd says of the service.
    ///
    /// # Errors
    /// `systemctl` could not be run.
    pub fn state(&self) -> Result<State, MachineError> {
        let outcome = self
            .commands
            .command("systemctl")
            .args(["is-active", &self.name])
            .outcome()
            .map_err(|source| self.failed("ask for the state of", source))?;
        // The exit code says only "active" or not, the word says more.
        Ok(match outcome.stdout.trim() {
            "active" | "reloading" => State::Active,
            "activating" => State::Activating,
            "failed" => State::Failed,
            // Also `deactivating`, `unknown`, and nothing at all.
            _ => State::Inactive,
        })
    }

    /// Whether the service runs and said that it is ready.
    ///
    /// # Errors
    /// `systemctl` could not be run.
    pub fn is_active(&self) -> Result<bool, MachineError> {
        Ok(self.state()? == State::Active)
    }

    fn systemctl(&self, verb: &'static str) -> Result<(), MachineError> {
        self.commands
            .command("systemctl")
            .args([verb, &self.name])
            .within(STOP_LIMIT)
            .run()
            .map(drop)
            .map_err(|source| self.failed(verb, source))
    }

    /// Ends the wait, not the order: what systemd was told to do it goes on
    /// doing.
    fn within(&self, limit: Duration, verb: &'static str) -> Result<Started, MachineError> {
        let outcome = self
            .commands
            .command("systemctl")
            .args([verb, &self.name])
            .within(limit)
            .run();
        match outcome {
            Ok(_) => Ok(Started::Ready),
            Err(CommandError::Hung { .. }) => Ok(Started::Pending),
            Err(source) => Err(self.failed(verb, source)),
        }
    }

    fn failed(&self, action: &'static str, source: CommandError) -> MachineError {
        let service = self.name.clone();
        MachineError::Service {
            action,
            service,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::testing::Machine;

    const NAME: &str = "server-charm-server-0.service";

    #[test]
    fn a_failure_names_the_service_and_where_its_log_is() {
        let machine = Machine::new();
        machine.command("systemctl", "echo 'Job failed.' >&2; exit 1");
        let commands = machine.commands();
        let error = Service::new(&commands, NAME)
            .restart(Duration::from_secs(9))
            .expect_err("exit 1");
        assert_eq!(
            error.to_string(),
            format!("failed to restart service {NAME} (hint: `journalctl -u {NAME}`)")
        );
        let cause = error.source().expect("a cause").to_string();
        assert!(cause.ends_with("exit status: 1: Job failed."), "{cause}");
        assert_eq!(machine.calls(), [format!("systemctl restart {NAME}")]);
    }

    #[test]
    fn a_start_that_takes_too_long_is_pending_and_no_failure() {
        let machine = Machine::new();
        machine.command("systemctl", "exec sleep 60");
        let commands = machine.commands();
        let started = Service::new(&commands, NAME).start(Duration::from_secs(1));
        assert_eq!(started.expect("no failure"), Started::Pending);
    }

    #[test]
    fn what_is_stopped_has_not_failed() {
        for (word, further) in [("inactive", None), ("failed", Some("reset-failed"))] {
            let machine = Machine::new();
            machine.command(
                "systemctl",
                &format!("[ $1 != is-active ] || {{ echo {word}; exit 3; }}"),
            );
            let commands = machine.commands();
            Service::new(&commands, NAME).stop().expect("stopped");
            let verbs = ["stop", "is-active"].into_iter().chain(further);
            let expected: Vec<_> = verbs
                .map(|verb| format!("systemctl {verb} {NAME}"))
                .collect();
            assert_eq!(machine.calls(), expected);
        }
    }

    #[test]
    fn the_word_tells_the_state_whatever_the_exit_code() {
        let machine = Machine::new();
        let commands = machine.commands();
        let service = Service::new(&commands, NAME);
        for (word, state) in [
            ("active", State::Active),
            ("activating", State::Activating),
            ("failed", State::Failed),
            ("inactive", State::Inactive),
            ("unknown", State::Inactive),
        ] {
            machine.command("systemctl", &format!("echo {word}; exit 3"));
            assert_eq!(service.state().expect("an answer"), state, "{word}");
        }
    }
}
