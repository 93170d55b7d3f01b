//! The directories with etcd's data: the one in use, one that is prepared to
//! take its place, and those that were quarantined. All lie side by side in the
//! storage, so that one can become the other by its name alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use machine::{Commands, MachineError};

use super::files::sync_dir;
use super::paths::Paths;
use super::{guard, layout};

/// The data that etcd runs on.
const CURRENT: &str = "etcd";

/// The beginning of the name of data that is being prepared.
const PREPARED: &str = "etcd.prepared-";

/// The beginning of the name of data that was quarantined.
const QUARANTINED: &str = "etcd.before-";

/// The data that etcd runs on.
pub fn current(storage: &Path) -> PathBuf {
    storage.join(CURRENT)
}

/// The data of a new cluster of this generation, until it takes its place.
pub fn prepared(storage: &Path, generation: u64) -> PathBuf {
    storage.join(format!("{PREPARED}{generation}"))
}

/// The data that made room for a cluster of this generation.
pub fn quarantined(storage: &Path, generation: u64) -> PathBuf {
    storage.join(format!("{QUARANTINED}{generation}"))
}

/// Quarantines the data that etcd ran on, for a cluster of this generation; that
/// there is none any more is success. etcd must not run.
///
/// # Errors
/// It could not be renamed.
pub fn quarantine(storage: &Path, generation: u64) -> Result<(), MachineError> {
    let (from, to) = (current(storage), quarantined(storage, generation));
    // What stands there was quarantined by a run that was cut short, and is the
    // one that counts; what came after it is worth keeping all the same.
    let to = match to.exists() {
        false => to,
        true => (2..)
            .map(|number| storage.join(format!("{QUARANTINED}{generation}-{number}")))
            .find(|path| !path.exists())
            .unwrap_or(to),
    };
    if from.exists() {
        fs::rename(&from, &to).map_err(MachineError::file("rename", from))?;
        sync_dir(storage)?;
    }
    Ok(())
}

/// Puts prepared data in the place of the data before, which is quarantined. A
/// run that was cut short anywhere in between can be repeated.
///
/// # Errors
/// A directory could not be renamed.
pub fn put_in_place(storage: &Path, generation: u64) -> Result<(), MachineError> {
    let prepared = prepared(storage, generation);
    if prepared.exists() {
        quarantine(storage, generation)?;
        fs::rename(&prepared, current(storage)).map_err(MachineError::file("rename", prepared))?;
        sync_dir(storage)?;
    }
    Ok(())
}

/// How long a copy may take: the largest database that etcd advises has 8 GiB.
const COPY_LIMIT: Duration = Duration::from_secs(30 * 60);

/// Makes an empty directory for the data of a member that is about to start for
/// the first time, and allows that start. What is there is quarantined, for the
/// cluster of this generation.
///
/// # Errors
/// A directory could not be renamed or made.
pub fn begin(
    commands: &Commands,
    paths: &Paths,
    storage: &Path,
    generation: u64,
) -> Result<(), MachineError> {
    if current(storage).join("member").exists() {
        quarantine(storage, generation)?;
    }
    layout::ensure_data_dir(commands, &current(storage))?;
    guard::allow_first_start(paths)
}

/// Copies data that nobody writes to at the moment.
///
/// # Errors
/// It could not be copied; the disk may be full.
pub fn copy(commands: &Commands, from: &Path, to: &Path) -> Result<(), MachineError> {
    commands
        .command("cp")
        .args(["--archive", "--reflink=auto", "--"])
        .args([from, to])
        .within(COPY_LIMIT)
        .run()
        .map(drop)
        .map_err(MachineError::command(format!("copy {}", from.display())))
}

/// Removes what was prepared and never used.
///
/// # Errors
/// A directory could not be removed.
pub fn discard_prepared(storage: &Path) -> Result<(), MachineError> {
    let entries = fs::read_dir(storage).map_err(MachineError::file("read", storage))?;
    for entry in entries {
        let entry = entry.map_err(MachineError::file("read", storage))?;
        if entry.file_name().to_string_lossy().starts_with(PREPARED) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(MachineError::file("remove", path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(storage: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(storage)
            .expect("readable")
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let content = fs::read_to_string(path.join("x")).expect("readable");
                format!("{}: {content}", path.file_name().expect("a name").display())
            })
            .collect();
        names.sort();
        names
    }

    fn make(path: PathBuf, content: &str) {
        fs::create_dir(&path).expect("made");
        fs::write(path.join("x"), content).expect("written");
    }

    #[test]
    fn the_new_takes_the_place_of_the_old_wherever_a_run_is_cut_short() {
        for cut in 0..3 {
            let dir = tempfile::tempdir().expect("a directory");
            let storage = dir.path();
            make(current(storage), "old");
            make(prepared(storage, 7), "new");
            if cut > 0 {
                quarantine(storage, 7).expect("quarantined");
            }
            if cut > 1 {
                fs::rename(prepared(storage, 7), current(storage)).expect("renamed");
            }
            for _ in 0..2 {
                put_in_place(storage, 7).expect("in place");
                assert_eq!(names(storage), ["etcd.before-7: old", "etcd: new"]);
            }
        }
    }

    #[test]
    fn nothing_that_was_quarantined_is_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        let storage = dir.path();
        for content in ["one", "two", "three"] {
            make(current(storage), content);
            quarantine(storage, 7).expect("quarantined");
            quarantine(storage, 7).expect("nothing to do");
        }
        assert_eq!(
            names(storage),
            [
                "etcd.before-7-2: two",
                "etcd.before-7-3: three",
                "etcd.before-7: one"
            ]
        );
        make(prepared(storage, 8), "new");
        discard_prepared(storage).expect("removed");
        assert_eq!(names(storage).len(), 3);
    }
}
