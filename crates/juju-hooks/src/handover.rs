//! Secret content on its way to the agent.
//!
//! `secret-add` and `secret-set` take content as `key#file=<path>`, and it is the
//! agent, not the tool, that opens the file (`juju/core/secrets`,
//! `CreateSecretData`). So content never appears among the arguments of a
//! process, which every local user can read and which agents have logged
//! (CVE-2024-41129).

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::ToolError;
use super::secret_content::SecretContent;

/// The directory in which content waits for the agent.
#[derive(Debug)]
pub(super) struct Handover {
    directory: PathBuf,
    next: AtomicU64,
}

impl Handover {
    /// Makes or takes over `directory`, closes it to other users and removes the
    /// files in it. Directories inside are left alone: none of them is ours.
    pub(super) fn new(directory: &Path) -> Result<Self, ToolError> {
        prepare(directory).map_err(|source| failed(directory, source))?;
        Ok(Self {
            directory: directory.to_owned(),
            next: AtomicU64::new(0),
        })
    }

    /// Writes each value to a file of its own. The files are gone as soon as the
    /// returned value is, however the call that needs them ends.
    pub(super) fn hand_over(&self, content: &SecretContent) -> Result<HandedOver, ToolError> {
        let mut handed_over = HandedOver {
            arguments: Vec::new(),
            files: Vec::new(),
        };
        for (key, value) in content.iter() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let path = self.directory.join(number.to_string());
            // Registered before it is written, so that half a file is removed too.
            handed_over.files.push(path.clone());
            write_new(&path, value).map_err(|source| failed(&path, source))?;
            let mut argument = OsString::from(format!("{key}#file="));
            argument.push(&path);
            handed_over.arguments.push(argument);
        }
        Ok(handed_over)
    }
}

/// Content that lies ready for the agent for as long as this value lives.
pub(super) struct HandedOver {
    arguments: Vec<OsString>,
    files: Vec<PathBuf>,
}

impl HandedOver {
    /// One `key#file=<path>` for each key.
    pub(super) fn arguments(&self) -> &[OsString] {
        &self.arguments
    }
}

impl Drop for HandedOver {
    fn drop(&mut self) {
        for file in &self.files {
            // What cannot be removed now is removed when the next hook begins.
            let _ = fs::remove_file(file);
        }
    }
}

fn prepare(directory: &Path) -> io::Result<()> {
    if !directory.is_absolute() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the path is not absolute",
        ));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    // Not `metadata`: a link would lead the files to a place of its owner's choice.
    if !fs::symlink_metadata(directory)?.is_dir() {
        return Err(io::Error::new(
            io::ErrorKind::NotADirectory,
            "it is a link, not a directory",
        ));
    }
    fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn write_new(path: &Path, value: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?
        .write_all(value.as_bytes())
}

fn failed(path: &Path, source: io::Error) -> ToolError {
    ToolError::Handover {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("it exists").permissions().mode() & 0o777
    }

    #[test]
    fn what_a_killed_hook_left_is_removed_and_the_directory_is_closed() {
        let fake = Fake::new(&[]);
        let directory = fake.path("left");
        fs::create_dir(&directory).expect("a directory");
        fs::set_permissions(&directory, Permissions::from_mode(0o755)).expect("permissions");
        fs::write(directory.join("0"), "hunter2").expect("a file");
        fs::create_dir(directory.join("inner")).expect("a directory");

        Handover::new(&directory).expect("it can be taken over");

        assert_eq!(mode(&directory), 0o700);
        assert!(!directory.join("0").exists());
        assert!(directory.join("inner").exists());
    }

    #[test]
    fn files_are_private_and_live_as_long_as_the_guard() {
        let fake = Fake::new(&[]);
        let directory = fake.path("new/inner");
        let handover = Handover::new(&directory).expect("it can be made");
        let content = SecretContent::from_iter([("first", "a\n"), ("second", "ü")]);

        let handed_over = handover.hand_over(&content).expect("it can be written");
        let first = directory.join("0");
        assert_eq!(mode(&first), 0o600);
        assert_eq!(fs::read_to_string(&first).expect("a file"), "a\n");
        assert_eq!(
            handed_over.arguments()[1],
            *format!("second#file={}", directory.join("1").display())
        );

        drop(handed_over);
        assert_eq!(fs::read_dir(&directory).expect("it exists").count(), 0);
    }

    #[test]
    fn links_and_relative_paths_are_refused() {
        let fake = Fake::new(&[]);
        let link = fake.path("link");
        std::os::unix::fs::symlink(fake.path("."), &link).expect("a link");
        assert!(matches!(
            Handover::new(&link),
            Err(ToolError::Handover { .. })
        ));
        assert!(Handover::new(Path::new("relative")).is_err());
    }
}
