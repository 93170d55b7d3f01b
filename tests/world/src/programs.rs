//! The etcds that are at hand.

use std::fmt;
use std::path::{Path, PathBuf};

use juju_simulator::machine::Package;

/// What the distribution calls the version of its packages.
const PACKAGE_VERSION: &str = "3.4.23-4+b4";

/// One release of etcd: a directory with `etcd` and `etcdctl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// What it is called: its version.
    pub version: String,
    /// Where its programs are.
    pub directory: PathBuf,
}

impl fmt::Display for Programs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.version)
    }
}

impl Programs {
    /// All releases below the directory that `ETCD_VERSIONS_DIR` names, or else
    /// where `tests/tools/setup` puts them; the oldest first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let directory = std::env::var_os("ETCD_VERSIONS_DIR").unwrap_or_else(|| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/etcd").into()
        });
        let mut found: Vec<Self> = std::fs::read_dir(Path::new(&directory))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let directory = entry.path().join("bin");
                directory.join("etcd").is_file().then(|| Self {
                    version: entry.file_name().to_string_lossy().into_owned(),
                    directory,
                })
            })
            .collect();
        found.sort_by_key(|programs| programs.numbers());
        found
    }

    /// The oldest release, which is the distribution's where there is one.
    ///
    /// # Panics
    /// Panics if there is none: no test can go on then.
    #[must_use]
    pub fn oldest() -> Self {
        Self::all()
            .into_iter()
            .next()
            .expect("no etcd: run `make setup`")
    }

    /// What the distribution's archive has: the server and the client.
    #[must_use]
    pub fn packages(&self) -> Vec<Package> {
        let program = |name: &str| self.directory.join(name);
        let server = Package::new("etcd-server", PACKAGE_VERSION)
            .program(program("etcd"))
            .service("etcd")
            .user("etcd");
        let mut client = Package::new("etcd-client", PACKAGE_VERSION).program(program("etcdctl"));
        // The tool for data at rest, which etcd has since 3.5.
        if program("etcdutl").is_file() {
            client = client.program(program("etcdutl"));
        }
        vec![server, client]
    }

    fn numbers(&self) -> Vec<u32> {
        self.version
            .split(['.', '-', '+'])
            .filter_map(|part| part.parse().ok())
            .collect()
    }
}
