//! What can go wrong on this machine.

use std::path::PathBuf;

pub use machine::CommandError;
use machine::MachineError;
use thiserror::Error;

use super::guard::NotItsData;
use crate::facts::ArchiveFault;

/// A failure on this machine. No variant carries a file's content, because
/// files of this charm may be private keys.
#[derive(Debug, Error)]
pub enum WorkloadError {
    /// The archive is damaged, or is none at all.
    #[error(
        "failed to read the archive {archive}; attach a release of etcd \
         for this machine: `juju attach-resource <application> etcd=etcd-v3.6.x-linux-<amd64|arm64>.tar.gz`"
    )]
    Archive {
        /// The archive.
        archive: PathBuf,
        /// What `tar` says.
        source: CommandError,
    },
    /// It is some other archive, or its programs are links.
    #[error(
        "failed to find `{program}` in the archive {archive}: {reason}; attach \
         an archive as etcd releases it, with `etcd` and `etcdctl` at its top or in one directory"
    )]
    ArchiveLacks {
        /// The archive.
        archive: PathBuf,
        /// What was looked for.
        program: &'static str,
        /// Why what is there is not taken.
        reason: &'static str,
    },
    /// A file, a command or a service.
    #[error(transparent)]
    Machine(#[from] MachineError),
    /// A file of this charm does not say what it should: somebody edited it.
    #[error("failed to understand {path}")]
    UnitState {
        /// The file.
        path: PathBuf,
        /// Where the text goes wrong.
        source: serde_json::Error,
    },
    /// The charm was downgraded below the revision that wrote the file.
    #[error(
        "failed to understand {path}: its version is {found} and this revision of the charm knows \
         {known}; refresh the charm to a newer revision"
    )]
    UnitStateTooNew {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version that is understood.
        known: u32,
    },
    /// etcd may not start with what is in its directory.
    #[error("failed to let etcd start")]
    NotItsData(#[from] NotItsData),
    /// The package manager said that it succeeded, yet the program is missing.
    #[error(
        "failed to find {path}, which the packages `etcd-server` and `etcd-client` should bring"
    )]
    PackageLacks {
        /// Where the program should be.
        path: PathBuf,
    },
    /// The program in the archive is for another kind of machine, in nearly
    /// all cases.
    #[error(
        "failed to run `{program}` of the archive on this machine ({architecture}); attach the \
         release for this architecture: `juju attach-resource <application> etcd=etcd-v3.6.x-linux-{release}.tar.gz`"
    )]
    Program {
        /// Which of the programs.
        program: &'static str,
        /// What this machine is.
        architecture: &'static str,
        /// The same, in the names of etcd's releases.
        release: &'static str,
        /// What happened when it was run.
        source: CommandError,
    },
}

impl WorkloadError {
    /// What is wrong with the archive, where it is that which is at fault.
    pub const fn of_the_archive(&self) -> Option<ArchiveFault> {
        match self {
            Self::Archive { .. } => Some(ArchiveFault::Unreadable),
            Self::ArchiveLacks { program, .. } => Some(ArchiveFault::Lacks(program)),
            Self::Program {
                program, release, ..
            } => Some(ArchiveFault::DoesNotRun(program, release)),
            _ => None,
        }
    }
}
