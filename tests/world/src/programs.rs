//! The etcds that are at hand.

use std::path::{Path, PathBuf};

/// One release of etcd: a directory with `etcd` and `etcdctl`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// What it is called: its version.
    pub version: String,
    /// Where its programs are.
    pub directory: PathBuf,
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

    fn numbers(&self) -> Vec<u32> {
        self.version
            .split(['.', '-', '+'])
            .filter_map(|part| part.parse().ok())
            .collect()
    }
}
