//! A packed charm, opened by Python, which charmcraft needs in any case: there
//! is no reader of archives among the charm's own dependencies.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

/// Lists an archive as JSON and unpacks it as Juju does, with the modes that the
/// archive has.
const SCRIPT: &str = "
import json, os, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
entries = []
for entry in archive.infolist():
    mode = entry.external_attr >> 16
    entries.append({'name': entry.filename, 'mode': mode & 0o7777, 'kind': mode >> 12})
    os.chmod(archive.extract(entry, sys.argv[2]), mode & 0o7777)
print(json.dumps(entries))
";

/// The kind of a regular file, in the upper bits of its mode.
const FILE: u32 = 0o10;

#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) mode: u32,
    kind: u32,
}

pub(crate) struct Archive {
    path: PathBuf,
    entries: Vec<Entry>,
    unpacked: PathBuf,
}

impl Archive {
    /// Opens an archive and unpacks it into a directory, in the place of what was
    /// unpacked there before.
    pub(crate) fn open(path: &Path, unpacked: &Path) -> Self {
        drop(std::fs::remove_dir_all(unpacked));
        let mut entries = list(path, unpacked);
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(
            entries.iter().all(|entry| entry.kind == FILE),
            "{entries:?}"
        );
        Self {
            path: path.to_owned(),
            entries,
            unpacked: unpacked.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.entries
            .iter()
            .map(|entry| entry.name.as_str())
            .collect()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.unpacked.join(name)).unwrap()
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub(crate) fn yaml(&self, name: &str) -> serde_yaml::Value {
        serde_yaml::from_str(&self.text(name)).unwrap()
    }

    /// Where its files are.
    pub(crate) fn unpacked(&self) -> &Path {
        &self.unpacked
    }
}

fn list(archive: &Path, directory: &Path) -> Vec<Entry> {
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .args([archive, directory])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}
