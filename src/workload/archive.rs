//! Programs from an archive as etcd releases it.

use std::path::{Path, PathBuf};

use machine::{Archive, ArchiveError, Commands, Programs};

use super::error::WorkloadError;
use super::paths::Paths;
use super::release::version;

/// What is taken out of an archive, and whether it must be in there: etcd has
/// `etcdutl` since 3.5.
const PROGRAMS: [(&str, bool); 3] = [("etcd", true), ("etcdctl", true), ("etcdutl", false)];

/// A program lies at the top of an archive, or in one directory.
const PARTS: usize = 2;

/// The place of unpacked programs.
pub(super) fn place(paths: &Paths) -> Programs {
    Programs::below(paths.programs_dir())
}

/// Unpacks the programs of an archive unless they are there already, and returns
/// their directory. A directory has its name only when it is complete and its
/// `etcd` was seen to run.
///
/// # Errors
/// The archive cannot be read, is not one of etcd, or is one for another kind
/// of machine.
pub(super) fn ensure_unpacked(
    commands: &Commands,
    archive: &Path,
    paths: &Paths,
) -> Result<PathBuf, WorkloadError> {
    place(paths).ensure(archive, PROGRAMS[0].0, |into| {
        unpack(commands, archive, into)?;
        check(commands, into)
    })
}

fn unpack(commands: &Commands, path: &Path, into: &Path) -> Result<(), WorkloadError> {
    let failed = |program| move |error| unusable(path, program, error);
    let archive = Archive::open(commands, path).map_err(failed(PROGRAMS[0].0))?;
    for (program, needed) in PROGRAMS {
        let member = archive.program(program, PARTS).map_err(failed(program))?;
        match member {
            Some(member) => archive
                .extract(member, &into.join(program))
                .map_err(failed(program))?,
            None if needed => return Err(lacks(path, program, "there is none")),
            None => {}
        }
    }
    Ok(())
}

fn unusable(archive: &Path, program: &'static str, error: ArchiveError) -> WorkloadError {
    match error {
        ArchiveError::Unreadable { archive, source } => WorkloadError::Archive { archive, source },
        ArchiveError::Ambiguous { .. } => lacks(archive, program, "there is more than one"),
        ArchiveError::Empty { .. } => lacks(archive, program, "it is a link, or empty"),
        ArchiveError::Machine(error) => error.into(),
    }
}

fn lacks(archive: &Path, program: &'static str, reason: &'static str) -> WorkloadError {
    WorkloadError::ArchiveLacks {
        archive: archive.to_owned(),
        program,
        reason,
    }
}

/// Runs the server once: an archive for another kind of machine is told apart
/// here, and not when the member should start.
fn check(commands: &Commands, programs: &Path) -> Result<(), WorkloadError> {
    let release = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    version(commands, &programs.join("etcd"))
        .map(drop)
        .map_err(|source| WorkloadError::Program {
            program: "etcd",
            architecture: std::env::consts::ARCH,
            release,
            source,
        })
}
