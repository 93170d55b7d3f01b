//! The commands of the machine.

use std::ffi::OsStr;
use std::time::Duration;

use machine::{CommandError, MachineError};

/// Far longer than anything but an installation takes.
const LIMIT: Duration = Duration::from_secs(120);

/// What is shown of what a command said: it ends up in a status.
const SHOWN: usize = 300;

/// Runs commands. Handed to whatever runs some, so that a signature tells.
#[derive(Clone, Copy, Debug)]
pub struct Commands;

impl Commands {
    /// Runs a command; gives what it printed.
    ///
    /// # Errors
    /// It cannot be started, ends with an error, or does not end.
    pub fn run<A: AsRef<OsStr>>(self, program: &str, args: &[A]) -> Result<String, MachineError> {
        let command = self.of_machine().command(program).args(args).within(LIMIT);
        let outcome = command.run().map_err(shortened);
        let outcome = outcome.map_err(MachineError::command(format!("run {program}")))?;
        Ok(outcome.stdout)
    }

    /// What the crate of the machine runs them by.
    pub(super) fn of_machine(self) -> machine::Commands {
        machine::Commands::new()
    }
}

pub(super) fn shortened(mut error: CommandError) -> CommandError {
    if let CommandError::Failed { stderr, .. } = &mut error {
        let skipped = stderr.chars().count().saturating_sub(SHOWN);
        *stderr = stderr.chars().skip(skipped).collect();
    }
    error
}
