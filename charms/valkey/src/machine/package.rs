//! Getting Valkey: from the distribution's packages.

use std::path::PathBuf;
use std::time::Duration;

use super::command::{Commands, MachineError};
use super::paths::Paths;
use super::service::Service;

/// Waiting for apt's lock is in it.
const PACKAGE_LIMIT: Duration = Duration::from_secs(30 * 60);
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=600";

const PACKAGES: [&str; 2] = ["valkey-server", "valkey-sentinel"];

/// What these packages start by themselves: servers that let in everybody.
const DISTRIBUTION_SERVICES: [&str; 2] = ["valkey-server.service", "valkey-sentinel.service"];

/// What apt says when its lists are missing or old.
const STALE_LISTS: [&str; 3] = [
    "Unable to locate package",
    "has no installation candidate",
    "Unable to fetch some archives",
];

/// Makes the program be there, and gives its path. A server of the packages' own
/// never runs: its services are masked before they are installed.
///
/// # Errors
/// apt fails.
pub fn ensure_program(commands: Commands, paths: &Paths) -> Result<PathBuf, MachineError> {
    let program = paths.program();
    if program.is_file() {
        return Ok(program);
    }
    for service in DISTRIBUTION_SERVICES {
        Service::new(service).mask(commands)?;
    }
    match install(commands) {
        Err(MachineError::Command { said, .. })
            if STALE_LISTS.iter().any(|text| said.contains(text)) =>
        {
            commands.run_within(PACKAGE_LIMIT, "apt-get", &["-o", LOCK_TIMEOUT, "update"])?;
            install(commands)?;
        }
        result => result?,
    }
    Ok(program)
}

fn install(commands: Commands) -> Result<(), MachineError> {
    let mut arguments = vec![
        "-o",
        LOCK_TIMEOUT,
        "install",
        "-y",
        "--no-install-recommends",
    ];
    arguments.extend(PACKAGES);
    commands
        .run_within(PACKAGE_LIMIT, "apt-get", &arguments)
        .map(drop)
}

/// The user that the services run as.
///
/// # Errors
/// It cannot be made.
pub fn ensure_user(commands: Commands) -> Result<(), MachineError> {
    if commands.run("id", &["-u", "valkey"]).is_ok() {
        return Ok(());
    }
    let arguments = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
        "valkey",
    ];
    commands.run("useradd", &arguments).map(drop)
}

/// The release of the program: `8.1.1`.
///
/// # Errors
/// It does not run.
pub fn version(commands: Commands, program: &std::path::Path) -> Result<String, MachineError> {
    let program = program.display().to_string();
    let said = commands.run(&program, &["--version"])?;
    let version = said.split(' ').find_map(|word| word.strip_prefix("v="));
    version.map(str::to_owned).ok_or(MachineError::Command {
        command: program,
        said,
    })
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
