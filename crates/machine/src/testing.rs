//! For the tests of this crate: commands that note how they were called.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::command::Commands;

pub(crate) struct Machine(tempfile::TempDir);

impl Machine {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// The stand-ins first, then the real machine's.
    pub(crate) fn commands(&self) -> Commands {
        let real = std::env::var("PATH").expect("a PATH");
        Commands::on_path(format!("{}:{real}", self.0.path().display()))
    }

    /// A stand-in: it notes its call, and then runs this piece of shell.
    pub(crate) fn command(&self, name: &str, script: &str) {
        let log = self.calls_file();
        let log = log.display();
        let script = format!("#!/bin/sh\necho \"{name} $*\" >>'{log}'\n{script}\n");
        let path = self.0.path().join(name);
        fs::write(&path, script).expect("a script");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("an executable");
    }

    /// How the stand-ins were called.
    pub(crate) fn calls(&self) -> Vec<String> {
        let log = fs::read_to_string(self.calls_file()).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    fn calls_file(&self) -> PathBuf {
        self.0.path().join("calls")
    }
}
