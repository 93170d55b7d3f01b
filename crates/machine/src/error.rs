//! What can go wrong on this machine.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A failure on this machine. No variant carries a file's content, because a file
/// may be a private key.
#[derive(Debug, Error)]
pub enum MachineError {
    /// A command of the machine failed.
    #[error("failed to {intent}")]
    Command {
        /// What the command was for, as a verb and its object.
        intent: String,
        /// What the command says.
        source: CommandError,
    },
    /// A file or directory could not be made, changed or read.
    #[error("failed to {action} {path}")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why the system refused.
        source: io::Error,
    },
    /// systemd refused, or the service failed.
    #[error("failed to {action} service {service} (hint: `journalctl -u {service}`)")]
    Service {
        /// What was tried, as a verb.
        action: &'static str,
        /// The service's name.
        service: String,
        /// What `systemctl` says.
        source: CommandError,
    },
}

/// A command that did not do what it was asked for.
#[derive(Debug, Error)]
pub enum CommandError {
    /// The command ran and reported failure.
    #[error("`{command}` ended with {ending}: {stderr}")]
    Failed {
        /// Program and arguments.
        command: String,
        /// The exit code, or the signal.
        ending: String,
        /// The end of what it wrote to standard error.
        stderr: String,
    },
    /// The command did not end in time, and was killed.
    #[error("`{command}` did not end within {seconds} s")]
    Hung {
        /// Program and arguments.
        command: String,
        /// The time that it had.
        seconds: u64,
    },
    /// The command could not be started at all.
    #[error("failed to start `{command}`")]
    Start {
        /// Program and arguments.
        command: String,
        /// Why the system refused.
        source: io::Error,
    },
}

impl MachineError {
    /// For `map_err` on a file operation: what was tried, as a verb, with which file.
    pub fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// For `map_err` on a command: what it was for, as a verb and its object.
    pub fn command(intent: impl Into<String>) -> impl FnOnce(CommandError) -> Self {
        let intent = intent.into();
        move |source| Self::Command { intent, source }
    }
}
