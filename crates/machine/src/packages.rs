//! Packages of the distribution, by apt.

use std::time::Duration;

use crate::command::{Command, Commands};
use crate::error::{CommandError, MachineError};
use crate::service::Service;

/// What `apt-get install` says when its lists are missing, or so old that the
/// mirror has what they name no longer.
const STALE_LISTS: [&str; 3] = [
    "Unable to locate package",
    "has no installation candidate",
    "Unable to fetch some archives",
];

/// What it says after an installation that was killed; it does nothing more
/// until that is made good.
const INTERRUPTED: &str = "dpkg was interrupted";

/// Unattended upgrades and the machine's own set-up hold apt's lock for some
/// minutes at the worst.
const LOCK_TIMEOUT: &str = "DPkg::Lock::Timeout=600";

/// How long packages may take to be fetched and set up; waiting for the lock is
/// in it.
const PACKAGE_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Installs packages, without what they only recommend. The services that come with
/// them never run: an installation would start them as the distribution has them, so
/// they are masked before.
///
/// # Errors
/// apt fails, also with new lists of packages.
pub fn install(
    commands: &Commands,
    packages: &[&str],
    services: &[&str],
) -> Result<(), MachineError> {
    for service in services {
        Service::new(commands, *service).mask()?;
    }
    let intent = || MachineError::command(format!("install {}", packages.join(" and ")));
    let mut outcome = try_install(commands, packages);
    if let Err(CommandError::Failed { stderr, .. }) = &outcome
        && stderr.contains(INTERRUPTED)
    {
        commands
            .command("dpkg")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["--configure", "--pending"])
            .within(PACKAGE_LIMIT)
            .run()
            .map_err(MachineError::command("finish what dpkg has begun"))?;
        outcome = try_install(commands, packages);
    }
    match outcome {
        Err(CommandError::Failed { stderr, .. })
            if STALE_LISTS.iter().any(|text| stderr.contains(text)) =>
        {
            apt_get(commands)
                .arg("update")
                .run()
                .map_err(MachineError::command("renew the lists of packages"))?;
            try_install(commands, packages).map_err(intent())
        }
        result => result.map_err(intent()),
    }
}

fn try_install(commands: &Commands, packages: &[&str]) -> Result<(), CommandError> {
    apt_get(commands)
        .args(["install", "-y", "--no-install-recommends"])
        .args(packages)
        .run()
        .map(drop)
}

fn apt_get(commands: &Commands) -> Command {
    commands
        .command("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", LOCK_TIMEOUT])
        .within(PACKAGE_LIMIT)
}
