//! Getting etcd from where it comes. More sources than these two would each be a
//! variant of [`Source`] and a way to unpack or install it; nothing else would
//! change.

use std::path::{Path, PathBuf};
use std::{fs, io};

use machine::Commands;

use super::archive;
use super::error::WorkloadError;
use super::paths::Paths;
use super::{MachineError, USER};
use crate::facts::Source;

/// What `charmcraft.yaml` calls the archive in the charm.
const PACKED: &str = "etcd.tar.gz";

/// The distribution's packages.
const PACKAGES: [&str; 2] = ["etcd-server", "etcd-client"];

/// The service that comes with them. It would run an etcd of its own, without
/// any security, under the name of the machine.
const DISTRIBUTION_SERVICE: &str = "etcd.service";

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

/// Brings the programs of this source to this machine, and the user that runs them.
/// An archive that is unpacked already is not unpacked again, packages that are there
/// are left alone, unless their installation was cut short. What is installed stays
/// so until [`make_current`].
///
/// # Errors
/// The archive is not one of etcd for this machine, or apt fails.
pub fn ensure_there(
    commands: &Commands,
    source: &Source,
    paths: &Paths,
    was_cut_short: bool,
) -> Result<Installed, WorkloadError> {
    let programs = match source {
        Source::Archive(archive) => archive::ensure_unpacked(commands, archive, paths)?,
        Source::Distribution => {
            ensure_packages(commands, paths, was_cut_short)?;
            paths.distribution_programs()
        }
    };
    // The packages bring the user too; an archive does not.
    machine::ensure_user(commands, USER)?;
    found(&programs).ok_or_else(|| WorkloadError::PackageLacks {
        path: programs.join("etcd"),
    })
}

/// Makes programs that are here the installed ones. A running etcd is not touched: its
/// program stays where it is until [`remove_other_programs`].
///
/// # Errors
/// The link to the archive's programs cannot be changed.
pub fn make_current(
    paths: &Paths,
    source: &Source,
    programs: &Installed,
) -> Result<(), WorkloadError> {
    let place = archive::place(paths);
    match (source, programs.etcd.parent()) {
        (Source::Archive(_), Some(directory)) => place.make_current(directory)?,
        _ => place.ensure_none_current()?,
    }
    Ok(())
}

/// What is installed now: the programs of the last archive, else those of the
/// distribution. Their paths are those of the archive itself and not of the
/// link to it, so that a service goes on starting what it was told to start.
///
/// # Errors
/// The link to the archive's programs cannot be read.
pub fn installed(paths: &Paths) -> Result<Option<Installed>, WorkloadError> {
    let of_archive = archive::place(paths).current()?;
    Ok(found(
        &of_archive.unwrap_or_else(|| paths.distribution_programs()),
    ))
}

/// The archive that was put into the charm when it was packed, if one was. An
/// empty one is none, as with what is attached.
///
/// # Errors
/// The charm's directory cannot be read.
pub fn packed(charm: &Path) -> Result<Option<PathBuf>, MachineError> {
    let archive = charm.join(PACKED);
    match fs::metadata(&archive) {
        Ok(found) => Ok(Some(archive).filter(|_| found.is_file() && found.len() > 0)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(MachineError::file("read", archive)(error)),
    }
}

/// Removes the programs of all archives but this one. To be called when the
/// service runs the programs that are given, and not before.
///
/// # Errors
/// A directory could not be removed.
pub fn remove_other_programs(paths: &Paths, keep: &Installed) -> Result<(), WorkloadError> {
    Ok(archive::place(paths).remove_all_but(keep.etcd.parent())?)
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
    Ok(machine::install(
        commands,
        &PACKAGES,
        &[DISTRIBUTION_SERVICE],
    )?)
}

#[cfg(test)]
mod tests;
