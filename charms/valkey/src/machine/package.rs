//! Getting Valkey: from the distribution's packages.

use std::path::{Path, PathBuf};

use machine::MachineError;

use super::command::{Commands, shortened};
use super::files::USER;
use super::paths::Paths;

const PACKAGES: [&str; 2] = ["valkey-server", "valkey-sentinel"];

/// What these packages start by themselves: servers that let in everybody.
const DISTRIBUTION_SERVICES: [&str; 2] = ["valkey-server.service", "valkey-sentinel.service"];

/// Makes the program be there, and gives its path. A server of the packages' own
/// never runs.
///
/// # Errors
/// apt fails.
pub fn ensure_program(commands: Commands, paths: &Paths) -> Result<PathBuf, MachineError> {
    let program = paths.program();
    if program.is_file() {
        return Ok(program);
    }
    let installed = machine::install(&commands.of_machine(), &PACKAGES, &DISTRIBUTION_SERVICES);
    installed.map_err(|error| match error {
        MachineError::Command { intent, source } => MachineError::Command {
            intent,
            source: shortened(source),
        },
        other => other,
    })?;
    Ok(program)
}

/// The user that the services run as.
///
/// # Errors
/// It cannot be made.
pub fn ensure_user(commands: Commands) -> Result<(), MachineError> {
    machine::ensure_user(&commands.of_machine(), USER)
}

/// The release of the program: `8.1.1`; none if what it says has none in it.
///
/// # Errors
/// It does not run, or says something else.
pub fn version(commands: Commands, program: &Path) -> Result<String, MachineError> {
    let told = commands
        .of_machine()
        .command(program)
        .arg("--version")
        .run();
    let read = told.and_then(|told| {
        let mut words = told.stdout.split(' ');
        match words.find_map(|word| word.strip_prefix("v=")) {
            Some(version) => Ok(version.to_owned()),
            None => Err(told.failure()),
        }
    });
    read.map_err(shortened)
        .map_err(MachineError::command("tell the release of Valkey"))
}

/// The memory of the machine, in bytes, if the system tells.
pub fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
