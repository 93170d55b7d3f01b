//! The choice among the programs at hand.

use std::path::{Path, PathBuf};
use std::{fs, io};

use juju_hooks::{Resource, ToolError, Tools};

use super::archive::{self, ArchiveError};
use crate::explain::chain;
use crate::machine::{Commands, MachineError, Paths, ensure_absent, ensure_program, version};
use crate::plan::restart::numbers;

/// What `metadata.yaml` calls the archive.
const RESOURCE: &str = "valkey";

/// There while the archive that Juju has was looked at, and taken.
fn asked(paths: &Paths) -> PathBuf {
    paths.base().join("programs/asked")
}

/// Why the archive was refused, for hooks that do not look at it.
fn refusal(paths: &Paths) -> PathBuf {
    paths.base().join("programs/refused")
}

/// When Juju is asked for the archive.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ask {
    /// Another one may have come.
    Always,
    /// If the last one could not be taken, which may be otherwise by now.
    Refused,
    /// If it was never asked.
    Never,
}

/// Forgets that Juju was asked, since another archive may have come: a hook that does
/// not come so far leaves it to the next one.
pub fn forget_asked(paths: &Paths) {
    // The hook that it comes with asks in any case.
    let _ = ensure_absent(&asked(paths));
}

/// The program that is to run here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chosen {
    /// Where it is.
    pub path: PathBuf,
    /// Its release.
    pub version: String,
    /// Why it is not the one of the archive that the operator attached.
    pub refused: Option<String>,
}

/// Makes the program that is to run be there: that of the archive that the operator
/// attached, else the distribution's. An archive that cannot be used is refused with a
/// reason, and what is there stays. Where Juju is not asked for the archive, what was
/// chosen last holds.
///
/// # Errors
/// Juju does not answer, there is no program at all, or it does not run.
pub fn ensure(
    tools: &Tools,
    paths: &Paths,
    ask: Ask,
) -> Result<Result<Chosen, MachineError>, ToolError> {
    let asks = match ask {
        Ask::Always => true,
        Ask::Refused => !asked(paths).exists(),
        Ask::Never => !asked(paths).exists() && !refusal(paths).exists(),
    };
    let attached = match asks {
        true => Some(tools.resource_get(RESOURCE)?),
        false => None,
    };
    let answered = !matches!(attached, None | Some(Resource::Unavailable(_)));
    let chosen = choose(paths, attached);
    if answered && chosen.as_ref().is_ok_and(|chosen| chosen.refused.is_none()) {
        // Without it, the next hook asks again.
        let _ = fs::create_dir_all(paths.base().join("programs"));
        let _ = fs::write(asked(paths), "");
    }
    Ok(chosen)
}

fn choose(paths: &Paths, attached: Option<Resource>) -> Result<Chosen, MachineError> {
    let commands = Commands;
    let note = refusal(paths);
    let refused = match attached {
        None | Some(Resource::Unavailable(_)) => fs::read_to_string(&note).ok(),
        Some(attached) => {
            let archive = match &attached {
                Resource::File(path) => Some(path.as_path()),
                Resource::Absent(_) | Resource::Unavailable(_) => None,
            };
            let reason = replace(paths, archive).err();
            let reason = reason.map(|error| chain(&error));
            // Hooks that do not look at the archive say the same.
            match &reason {
                Some(reason) => {
                    let _ = fs::create_dir_all(paths.base().join("programs"));
                    let _ = fs::write(&note, reason);
                }
                None => drop(fs::remove_file(&note)),
            }
            reason
        }
    };
    let path = match (archive::current(paths), &refused) {
        (Some(path), _) => path,
        // What was asked for is not replaced by something else, unless that is here.
        (None, Some(reason)) if !paths.program().is_file() => {
            let reason = io::Error::other(reason.clone());
            return Err(MachineError::file("unpack", format!("resource {RESOURCE}"))(reason));
        }
        (None, _) => ensure_program(commands, paths)?,
    };
    Ok(Chosen {
        version: version(commands, &path)?,
        path,
        refused,
    })
}

/// Lets the program of this archive be the one in use; without one, the
/// distribution's.
fn replace(paths: &Paths, archive: Option<&Path>) -> Result<(), ArchiveError> {
    let commands = Commands;
    let installed =
        archive::current(paths).or_else(|| Some(paths.program()).filter(|path| path.is_file()));
    let new = match archive {
        Some(archive) => archive::ensure_unpacked(commands, archive, paths)?,
        None if archive::current(paths).is_none() => return Ok(()),
        None => ensure_program(commands, paths)?,
    };
    if let Some(installed) = installed.filter(|installed| *installed != new) {
        let (new, installed) = (
            version(commands, &new).map_err(ArchiveError::Program)?,
            version(commands, &installed)?,
        );
        if numbers(&new) < numbers(&installed) {
            return Err(ArchiveError::Older { new, installed });
        }
    }
    archive::make_current(paths, archive.map(|_| new.as_path()))
}
