//! Getting etcd from where it comes. More sources than these two would each be a
//! variant of [`Source`] and a way to unpack or install it; nothing else would
//! change.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::archive;
use super::command::Commands;
use super::error::{CommandError, WorkloadError};
use super::files::ensure_absent;
use super::paths::Paths;
use super::service::Service;
use crate::facts::Source;

/// What `charmcraft.yaml` calls the archive in the charm.
const PACKED: &str = "etcd.tar.gz";

/// The distribution's packages.
const PACKAGES: [&str; 2] = ["etcd-server", "etcd-client"];

/// The service that comes with them. It would run an etcd of its own, without
/// any security, under the name of the machine.
const DISTRIBUTION_SERVICE: &str = "etcd.service";

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

/// Programs that are there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Installed {
    /// The server.
    pub etcd: PathBuf,
    /// The client.
    pub etcdctl: PathBuf,
    /// The tool for data at rest, which etcd has since 3.5.
    pub etcdutl: Option<PathBuf>,
}

/// Makes the programs of this source the installed ones, and the user that
/// runs them exist. An archive that is unpacked already is not unpacked again,
/// packages that are there are left alone, unless their installation was cut
/// short. A running etcd is not touched: its program stays where it is until
/// [`remove_other_programs`]. Where they may not follow those that
/// are installed, those stay so.
///
/// # Errors
/// The archive is not one of etcd for this machine, or apt fails.
pub fn ensure_installed(
    commands: &Commands,
    source: &Source,
    paths: &Paths,
    was_cut_short: bool,
    may_follow: impl FnOnce(&Installed) -> bool,
) -> Result<Installed, WorkloadError> {
    let programs = match source {
        Source::Archive(archive) => archive::ensure_unpacked(commands, archive, paths)?,
        Source::Distribution => {
            ensure_packages(commands, paths, was_cut_short)?;
            paths.distribution_programs()
        }
    };
    ensure_user(commands)?;
    let new = found(&programs).ok_or_else(|| WorkloadError::PackageLacks {
        path: programs.join("etcd"),
    })?;
    if may_follow(&new) {
        match source {
            Source::Archive(_) => archive::make_current(paths, &programs)?,
            Source::Distribution => ensure_absent(&paths.current_programs())?,
        }
    }
    Ok(new)
}

/// What is installed now: the programs of the last archive, else those of the
/// distribution. Their paths are those of the archive itself and not of the
/// link to it, so that a service goes on starting what it was told to start.
///
/// # Errors
/// The link to the archive's programs cannot be read.
pub fn installed(paths: &Paths) -> Result<Option<Installed>, WorkloadError> {
    let current = paths.current_programs();
    match fs::read_link(&current) {
        Ok(digest) => Ok(found(&paths.programs_dir().join(digest))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(found(&paths.distribution_programs()))
        }
        Err(error) => Err(WorkloadError::file("read", current)(error)),
    }
}

/// The archive that was put into the charm when it was packed, if one was. An
/// empty one is none, as with what is attached.
///
/// # Errors
/// The charm's directory cannot be read.
pub fn packed(charm: &Path) -> Result<Option<PathBuf>, WorkloadError> {
    let archive = charm.join(PACKED);
    match fs::metadata(&archive) {
        Ok(found) => Ok(Some(archive).filter(|_| found.is_file() && found.len() > 0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(WorkloadError::file("read", archive)(error)),
    }
}

/// What tells one archive from another: the SHA-256 of the file, 64 hexadecimal
/// digits.
///
/// # Errors
/// The file cannot be read.
pub fn digest(archive: &Path) -> Result<String, WorkloadError> {
    archive::sha256(archive)
}

/// Removes the programs of all archives but this one. To be called when the
/// service runs the programs that are given, and not before.
///
/// # Errors
/// A directory could not be removed.
pub fn remove_other_programs(paths: &Paths, keep: &Installed) -> Result<(), WorkloadError> {
    archive::remove_all_but(paths, keep.etcd.parent())
}

fn found(programs: &Path) -> Option<Installed> {
    let program = |name| Some(programs.join(name)).filter(|path| path.is_file());
    Some(Installed {
        etcd: program("etcd")?,
        etcdctl: program("etcdctl")?,
        etcdutl: program("etcdutl"),
    })
}

fn ensure_packages(
    commands: &Commands,
    paths: &Paths,
    was_cut_short: bool,
) -> Result<(), WorkloadError> {
    if !was_cut_short && found(&paths.distribution_programs()).is_some() {
        return Ok(());
    }
    // Before the packages are there: their installation starts the service.
    Service::new(commands, DISTRIBUTION_SERVICE).mask()?;
    let intent = || WorkloadError::command(format!("install {}", PACKAGES.join(" and ")));
    let mut outcome = install(commands);
    if let Err(CommandError::Failed { stderr, .. }) = &outcome
        && stderr.contains(INTERRUPTED)
    {
        commands
            .command("dpkg")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["--configure", "--pending"])
            .within(PACKAGE_LIMIT)
            .run()
            .map_err(WorkloadError::command("finish what dpkg has begun"))?;
        outcome = install(commands);
    }
    match outcome {
        Err(CommandError::Failed { stderr, .. })
            if STALE_LISTS.iter().any(|text| stderr.contains(text)) =>
        {
            apt_get(commands)
                .arg("update")
                .run()
                .map_err(WorkloadError::command("renew the lists of packages"))?;
            install(commands).map_err(intent())
        }
        result => result.map_err(intent()),
    }
}

fn install(commands: &Commands) -> Result<(), CommandError> {
    apt_get(commands)
        .args(["install", "-y", "--no-install-recommends"])
        .args(PACKAGES)
        .run()
        .map(drop)
}

fn apt_get(commands: &Commands) -> super::command::Command {
    commands
        .command("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(["-o", LOCK_TIMEOUT])
        .within(PACKAGE_LIMIT)
}

/// The packages bring the user too; an archive does not.
fn ensure_user(commands: &Commands) -> Result<(), WorkloadError> {
    let there = commands
        .command("id")
        .args(["-u", "etcd"])
        .outcome()
        .map_err(WorkloadError::command("look up the user etcd"))?;
    if there.code() == Some(0) {
        return Ok(());
    }
    commands
        .command("useradd")
        .args(["--system", "--user-group", "--no-create-home"])
        .args(["--home-dir", "/nonexistent"])
        .args(["--shell", "/usr/sbin/nologin", "etcd"])
        .run()
        .map(drop)
        .map_err(WorkloadError::command("make the user etcd"))
}

#[cfg(test)]
mod tests;
