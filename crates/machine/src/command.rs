//! The one runner of a machine's commands: an argument vector, no shell,
//! captured output.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use crate::error::CommandError;

/// How long a command may take that says nothing else: far longer than any that
/// only asks or sets something takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Enough of standard error to show what failed, too little to flood a log.
const SHOWN_STDERR_CHARS: usize = 2000;

/// Where commands are found. Handed to whatever runs some, so that a signature
/// tells whether a function does.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    search_path: Option<OsString>,
}

impl Commands {
    /// Commands as this process's PATH finds them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Commands of another PATH: tests put stand-ins there.
    pub fn on_path(search_path: impl Into<OsString>) -> Self {
        Self {
            search_path: Some(search_path.into()),
        }
    }

    /// A command, to be given arguments and run.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let program = program.as_ref();
        let mut process = Process::new(program);
        // Some messages are matched, and all of them end up in one log.
        process.env("LC_ALL", "C").stdin(Stdio::null());
        if let Some(path) = &self.search_path {
            process.env("PATH", path);
        }
        Command {
            process,
            shown: program.to_string_lossy().into_owned(),
            limit: LIMIT,
        }
    }
}

/// A command that was not started yet.
#[derive(Debug)]
pub struct Command {
    process: Process,
    shown: String,
    limit: Duration,
}

/// How a command ended, whether or not that is success.
#[derive(Clone, Debug)]
pub struct Outcome {
    command: String,
    status: ExitStatus,
    /// Standard output, with what is no UTF-8 replaced.
    pub stdout: String,
    /// Standard error, with what is no UTF-8 replaced.
    pub stderr: String,
}

impl Command {
    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.shown.push(' ');
        self.shown.push_str(&arg.as_ref().to_string_lossy());
        self.process.arg(arg);
        self
    }

    /// Adds several arguments.
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.process.env(name, value);
        self
    }

    /// Takes a variable out of its environment.
    pub fn without_env(mut self, name: &str) -> Self {
        self.process.env_remove(name);
        self
    }

    /// Lets the command take so long.
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the command; an exit code other than 0 is an error.
    ///
    /// # Errors
    /// The command could not be started, or failed.
    pub fn run(self) -> Result<Outcome, CommandError> {
        self.outcome()?.success()
    }

    /// Runs the command and leaves it to the caller what its exit code means.
    ///
    /// # Errors
    /// The command could not be started.
    pub fn outcome(mut self) -> Result<Outcome, CommandError> {
        self.process.stdout(Stdio::piped());
        self.finish()
    }

    /// Runs the command with a file as its standard output.
    ///
    /// # Errors
    /// The command could not be started, or failed.
    pub fn run_into(mut self, file: File) -> Result<(), CommandError> {
        self.process.stdout(file);
        self.finish()?.success().map(drop)
    }

    /// Starts the command and does not wait for it; what it says goes to a file.
    ///
    /// # Errors
    /// The command could not be started.
    pub fn start(mut self, log: File) -> Result<Child, CommandError> {
        let second = log.try_clone();
        let started = second.and_then(|second| {
            self.process.stdout(log).stderr(second);
            spawn(&mut self.process)
        });
        started.map_err(|source| CommandError::Start {
            command: self.shown,
            source,
        })
    }

    fn finish(mut self) -> Result<Outcome, CommandError> {
        self.process.stderr(Stdio::piped());
        let output = spawn(&mut self.process)
            .and_then(|child| process_limit::output(child, None, self.limit));
        match output {
            Ok(None) => Err(CommandError::Hung {
                command: self.shown,
                seconds: self.limit.as_secs(),
            }),
            Ok(Some(output)) => Ok(Outcome {
                command: self.shown,
                status: output.status,
                stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
                stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            }),
            Err(source) => Err(CommandError::Start {
                command: self.shown,
                source,
            }),
        }
    }
}

impl Outcome {
    /// The exit code; none if a signal ended the command.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The outcome itself if the command succeeded.
    ///
    /// # Errors
    /// The command failed.
    pub fn success(self) -> Result<Self, CommandError> {
        if self.status.success() {
            Ok(self)
        } else {
            Err(self.failure())
        }
    }

    /// This outcome as an error, whatever its exit code is.
    pub fn failure(self) -> CommandError {
        let stderr = self.stderr.trim();
        let skipped = stderr.chars().count().saturating_sub(SHOWN_STDERR_CHARS);
        CommandError::Failed {
            command: self.command,
            ending: self.status.to_string(),
            stderr: stderr.chars().skip(skipped).collect(),
        }
    }
}

/// Starts a process. A program that was written a moment ago can still be open
/// for writing in a process that another thread is just starting ("text file
/// busy"); that passes by itself within milliseconds.
fn spawn(process: &mut Process) -> io::Result<Child> {
    for _ in 0..50 {
        match process.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
    process.spawn()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_command_exit_code_and_standard_error() {
        let error = Commands::new()
            .command("sh")
            .args(["-c", "echo no >&2; exit 7"])
            .run()
            .expect_err("exit 7");
        assert_eq!(
            error.to_string(),
            "`sh -c echo no >&2; exit 7` ended with exit status: 7: no"
        );
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let error = Commands::new()
            .command("sleep")
            .arg("60")
            .within(Duration::from_millis(100))
            .run()
            .expect_err("it takes a minute");
        assert_eq!(error.to_string(), "`sleep 60` did not end within 0 s");
    }

    #[test]
    fn a_command_is_found_on_the_given_path_only() {
        let error = Commands::on_path("/nonexistent")
            .command("sh")
            .run()
            .expect_err("no such directory");
        assert_eq!(error.to_string(), "failed to start `sh`");
    }
}
