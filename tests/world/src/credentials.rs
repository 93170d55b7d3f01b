//! Credentials of a person, as the charm packs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use juju_simulator::UnitName;

use crate::etcdctl::Etcdctl;
use crate::world::World;

/// An archive that was fetched, as by `juju scp`, and unpacked.
#[derive(Debug)]
pub struct Credentials(tempfile::TempDir);

impl Credentials {
    /// Unpacks an archive.
    ///
    /// # Panics
    /// Panics if it is damaged.
    #[must_use]
    pub fn unpack(archive: &Path) -> Self {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let unpacked = Command::new("tar")
            .args(["--extract", "--gzip", "--file"])
            .arg(archive)
            .arg("--directory")
            .arg(directory.path())
            .status();
        assert!(unpacked.expect("tar can be started").success());
        Self(directory)
    }

    /// Where the files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.path()
    }

    /// One of the files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// `etcdctl` with these credentials, against one unit.
    #[must_use]
    pub fn client(&self, world: &World, unit: &UnitName) -> Etcdctl {
        Etcdctl::new(
            world.etcdctl(),
            world.url(unit),
            self.path("client.crt"),
            self.path("client.key"),
            self.path("ca.crt"),
        )
    }
}
