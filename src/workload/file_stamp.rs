//! What tells a file from the one that stood there before, without reading it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::MachineError;

/// A file as the kernel knows it: which one it is, how long, and when it was changed
/// last, which nobody can set back. The files that this is asked of are never written
/// twice within one tick of the kernel's clock: each is a new file each time, and
/// between two of them etcd is stopped and started, or a disk has taken the one before.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) struct FileStamp(Option<[u64; 7]>);

impl FileStamp {
    /// The file that is there now, if there is one.
    ///
    /// # Errors
    /// The kernel does not say.
    pub(super) fn of(path: &Path) -> Result<Self, MachineError> {
        let found = match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self(None)),
            found => found.map_err(MachineError::file("look at", path))?,
        };
        Ok(Self(Some([
            found.dev(),
            found.ino(),
            found.size(),
            found.mtime().cast_unsigned(),
            found.mtime_nsec().cast_unsigned(),
            found.ctime().cast_unsigned(),
            found.ctime_nsec().cast_unsigned(),
        ])))
    }

    /// Whether there is a file.
    pub(super) const fn is_there(&self) -> bool {
        self.0.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn whatever_is_done_to_a_file_shows() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        let stamp = || FileStamp::of(&path).expect("readable");
        let mut seen = vec![stamp()];
        assert!(!seen[0].is_there());
        let mut is_new = |what: &str| {
            let now = stamp();
            assert!(!seen.contains(&now), "{what}");
            seen.push(now);
            // Longer than a tick.
            std::thread::sleep(std::time::Duration::from_millis(30));
            assert_eq!(stamp(), now);
        };
        fs::write(&path, "one").expect("written");
        is_new("made");
        fs::write(&path, "two").expect("written");
        is_new("written");
        fs::write(&path, "more").expect("written");
        is_new("longer");
        let file = fs::File::options().write(true).open(&path);
        file.expect("opened")
            .set_modified(SystemTime::UNIX_EPOCH)
            .expect("set back");
        is_new("set back");
        let other = directory.path().join("other");
        fs::write(&other, "more").expect("written");
        fs::rename(&other, &path).expect("renamed");
        is_new("replaced");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        is_new("guarded");
    }
}
