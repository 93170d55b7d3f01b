//! For the tests of this module: a root directory, and commands that note how
//! they were called.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use machine::Commands;

use super::paths::Paths;

pub(super) struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        for name in ["root", "bin"] {
            fs::create_dir(dir.path().join(name)).expect("a directory");
        }
        Self { dir }
    }

    pub(super) fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    pub(super) fn paths(&self) -> Paths {
        Paths::new(&self.root(), &"etcd/0".parse().expect("a unit name"))
    }

    /// The stand-ins first, then the real machine's `tar`, `sh` and so on.
    pub(super) fn commands(&self) -> Commands {
        let real = std::env::var("PATH").expect("a PATH");
        let bin = self.dir.path().join("bin");
        Commands::on_path(format!("{}:{real}", bin.display()))
    }

    /// A stand-in: it notes its call, and then runs this piece of shell with
    /// `$root` set.
    pub(super) fn command(&self, name: &str, script: &str) {
        let root = self.root();
        script_at(
            &self.dir.path().join("bin").join(name),
            &format!(
                "root='{}'\necho \"{name} $*\" >>'{}'\n{script}",
                root.display(),
                self.log().display(),
            ),
        );
    }

    /// How the stand-ins were called.
    pub(super) fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("calls")
    }
}

/// Makes an executable shell script.
pub(super) fn script_at(path: &Path, script: &str) {
    fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("an executable");
}
