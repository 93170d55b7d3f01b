//! The commands of the machine: an argument vector, no shell, a time limit.

use std::ffi::OsStr;
use std::io;
use std::path::PathBuf;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use thiserror::Error;

/// Far longer than anything but an installation takes.
const LIMIT: Duration = Duration::from_secs(120);

/// What is shown of what a command said.
const SHOWN: usize = 300;

/// Why the machine did not do what it was asked for.
#[derive(Debug, Error)]
pub enum MachineError {
    /// A command ended with an error.
    #[error("failed to run `{command}`: {said}")]
    Command {
        /// The command.
        command: String,
        /// The end of what it said.
        said: String,
    },
    /// A file or directory cannot be used.
    #[error("failed to {intent} {path}")]
    File {
        /// What was tried.
        intent: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A command cannot be started.
    #[error("failed to start `{command}`")]
    Start {
        /// The command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
}

impl MachineError {
    /// For `map_err`, about a file.
    pub fn file(intent: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            intent,
            path,
            source,
        }
    }
}

/// Runs commands. Handed to whatever runs some, so that a signature tells.
#[derive(Clone, Copy, Debug)]
pub struct Commands;

impl Commands {
    /// Runs a command; gives what it printed.
    ///
    /// # Errors
    /// It cannot be started, ends with an error, or does not end.
    pub fn run<A: AsRef<OsStr>>(self, program: &str, args: &[A]) -> Result<String, MachineError> {
        self.run_within(LIMIT, program, args)
    }

    /// The same, with a time limit of its own.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_within<A: AsRef<OsStr>>(
        self,
        limit: Duration,
        program: &str,
        args: &[A],
    ) -> Result<String, MachineError> {
        let shown = args.iter().map(|arg| arg.as_ref().to_string_lossy());
        let shown: Vec<_> = std::iter::once(program.into()).chain(shown).collect();
        let command = shown.join(" ");
        let mut process = Process::new(program);
        process
            .args(args)
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let output = process
            .spawn()
            .and_then(|child| process_limit::output(child, None, limit));
        match output {
            Err(source) => Err(MachineError::Start { command, source }),
            Ok(None) => Err(MachineError::Command {
                command,
                said: format!("it did not end within {} s", limit.as_secs()),
            }),
            Ok(Some(output)) if output.status.success() => {
                Ok(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            Ok(Some(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let said = said.trim();
                let skipped = said.chars().count().saturating_sub(SHOWN);
                Err(MachineError::Command {
                    command,
                    said: said.chars().skip(skipped).collect(),
                })
            }
        }
    }
}
