//! Snapshot files: written whole or not at all, and checked by the SHA-256 that
//! etcd puts behind the database.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use machine::Commands;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::MachineError;
use super::files::{Owner, PRIVATE_DIR, PRIVATE_FILE, ensure_absent, ensure_dir, sync_dir};

/// The length of the digest behind the database.
const DIGEST_BYTES: usize = 32;

/// bbolt grows its file by whole pages only; what is more than that is the
/// digest. etcd itself tells a snapshot from a copied file in this way.
const PAGE_BYTES: u64 = 512;

/// The name of a snapshot that is not complete. It is fixed, so that what a
/// killed run left behind is used up by the next one.
const UNFINISHED: &str = ".etcd-snapshot.part";

/// Why a snapshot file cannot be made or used.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The file is not a whole snapshot.
    #[error("snapshot {path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is a file of that name.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// The file system refused.
    #[error("failed to {action} {path}: {source}")]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The directory could not be prepared, or the file given away.
    #[error(transparent)]
    Machine(Box<MachineError>),
}

/// It is boxed, since all of it would make the errors of callers very large.
impl From<MachineError> for SnapshotError {
    fn from(error: MachineError) -> Self {
        Self::Machine(Box::new(error))
    }
}

/// A complete snapshot file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SnapshotFile {
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of the whole file, as `sha256sum` prints it.
    pub sha256: String,
}

/// A snapshot that is being written.
pub struct SnapshotWriter {
    file: File,
    unfinished: PathBuf,
    path: PathBuf,
    check: Check,
}

impl SnapshotWriter {
    /// Begins a snapshot, which gets its name only when it is complete. The
    /// directory is made if it is missing. Both are the operator's where there
    /// is such a user, and nobody else's: a snapshot holds what all clients
    /// have written.
    ///
    /// # Errors
    /// There is a file of that name, or none can be made.
    pub fn create(commands: &Commands, path: &Path) -> Result<Self, SnapshotError> {
        let dir = path.parent().unwrap_or_else(|| Path::new("/"));
        if fs::symlink_metadata(path).is_ok() {
            return Err(SnapshotError::Exists(path.to_owned()));
        }
        if !dir.is_dir() {
            ensure_dir(dir, PRIVATE_DIR)?;
            Owner::Operator(commands).take(dir)?;
        }
        let unfinished = dir.join(UNFINISHED);
        ensure_absent(&unfinished)?;
        let file = OpenOptions::new()
            .write(true)
            // A link that somebody put there is not followed.
            .create_new(true)
            .mode(PRIVATE_FILE)
            .open(&unfinished)
            .map_err(failed("create", &unfinished))?;
        Owner::Operator(commands).take(&unfinished)?;
        Ok(Self {
            file,
            unfinished,
            path: path.to_owned(),
            check: Check::default(),
        })
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), SnapshotError> {
        self.check.add(piece);
        self.file
            .write_all(piece)
            .map_err(failed("write", &self.unfinished))
    }

    /// Checks what was written and gives it its name.
    ///
    /// # Errors
    /// It is not whole, or there is a file of that name by now.
    pub fn finish(self) -> Result<SnapshotFile, SnapshotError> {
        let Self {
            file,
            unfinished,
            path,
            check,
        } = self;
        let finished = check.finish(&path)?;
        file.sync_all().map_err(failed("write", &unfinished))?;
        // Unlike a renaming, a link never replaces what is there.
        fs::hard_link(&unfinished, &path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => SnapshotError::Exists(path.clone()),
            _ => failed("create", &path)(error),
        })?;
        ensure_absent(&unfinished)?;
        sync_dir(path.parent().unwrap_or_else(|| Path::new("/")))?;
        Ok(finished)
    }

    /// Removes what was written so far.
    pub fn discard(self) {
        // The reason for this is worth more than the space, which the next run
        // uses anew.
        let _ = ensure_absent(&self.unfinished);
    }
}

/// Reads a snapshot file and checks it.
///
/// # Errors
/// It cannot be read, or is not whole.
pub fn verify(path: &Path) -> Result<SnapshotFile, SnapshotError> {
    let mut file = File::open(path).map_err(failed("read", path))?;
    let mut check = Check::default();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(failed("read", path))?;
        if read == 0 {
            return check.finish(path);
        }
        check.add(&buffer[..read]);
    }
}

fn failed<'p>(
    action: &'static str,
    path: &'p Path,
) -> impl FnOnce(io::Error) -> SnapshotError + 'p {
    move |source| SnapshotError::File {
        action,
        path: path.to_owned(),
        source,
    }
}

/// Both digests at once: that of the database, to compare with the one behind
/// it, and that of the whole file.
#[derive(Default)]
struct Check {
    whole: Sha256,
    database: Sha256,
    /// The end of what came so far, which may be the digest.
    end: Vec<u8>,
    size: u64,
}

impl Check {
    fn add(&mut self, piece: &[u8]) {
        self.whole.update(piece);
        self.size += piece.len() as u64;
        self.end.extend_from_slice(piece);
        let surplus = self.end.len().saturating_sub(DIGEST_BYTES);
        self.database.update(&self.end[..surplus]);
        self.end.drain(..surplus);
    }

    fn finish(self, path: &Path) -> Result<SnapshotFile, SnapshotError> {
        let damaged = |reason: &str| SnapshotError::Damaged {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        if self.size == 0 {
            return Err(damaged("it is empty"));
        }
        if self.size % PAGE_BYTES != DIGEST_BYTES as u64 {
            return Err(damaged(
                "its length is not that of a snapshot; a copied database file is none",
            ));
        }
        if self.database.finalize().as_slice() != self.end {
            return Err(damaged("its content does not match its checksum"));
        }
        let digest = self.whole.finalize();
        Ok(SnapshotFile {
            size: self.size,
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Machine;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Two pages and what etcd puts behind them.
    fn snapshot() -> Vec<u8> {
        let mut content: Vec<u8> = (0..1024_u32).flat_map(|n| [n as u8]).collect();
        let digest = Sha256::digest(&content);
        content.extend(digest);
        content
    }

    fn write(
        machine: &Machine,
        path: &Path,
        content: &[u8],
    ) -> Result<SnapshotFile, SnapshotError> {
        machine.command("id", "exit 1");
        let mut writer = SnapshotWriter::create(&machine.commands(), path)?;
        for piece in content.chunks(100) {
            writer.write(piece)?;
        }
        writer.finish()
    }

    #[test]
    fn a_snapshot_is_written_once_and_read_back() {
        let machine = Machine::new();
        let path = machine.root().join("home/ubuntu/etcd-snapshots/a.db");
        let written = write(&machine, &path, &snapshot()).expect("whole");
        assert_eq!(written.size, 1056);
        assert_eq!(written.sha256.len(), 64);
        assert_eq!(verify(&path).expect("whole"), written);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        let dir = path.parent().expect("a directory");
        assert_eq!(mode(dir), 0o700);
        assert_eq!(fs::read_dir(dir).expect("readable").count(), 1);
        assert!(matches!(
            write(&machine, &path, &snapshot()),
            Err(SnapshotError::Exists(_))
        ));
    }

    #[test]
    fn what_is_not_whole_gets_no_name() {
        let machine = Machine::new();
        let whole = snapshot();
        let mut flipped = whole.clone();
        flipped[700] ^= 1;
        let mut wrong_end = whole.clone();
        wrong_end[1055] ^= 1;
        for (name, content, reason) in [
            ("empty", &whole[..0], "it is empty"),
            ("short", &whole[..1000], "its length is not"),
            ("copied", &whole[..1024], "a copied database file"),
            ("flipped", &flipped, "does not match its checksum"),
            ("end", &wrong_end, "does not match its checksum"),
        ] {
            let path = machine.root().join(name);
            let error = write(&machine, &path, content).expect_err(name).to_string();
            assert!(error.contains(reason), "{name}: {error}");
            assert!(!path.exists(), "{name}");
            fs::write(&path, content).expect("writable");
            let error = verify(&path).expect_err(name).to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
    }

    #[test]
    fn it_belongs_to_whoever_fetches_it() {
        let machine = Machine::new();
        machine.command("id", "echo 1000");
        machine.command("chown", "exit 0");
        let path = machine.root().join("a.db");
        SnapshotWriter::create(&machine.commands(), &path).expect("begun");
        let part = machine.root().join(UNFINISHED);
        let call = format!("chown --no-dereference ubuntu: -- {}", part.display());
        assert_eq!(machine.calls(), ["id -u ubuntu".to_owned(), call]);
    }
}
