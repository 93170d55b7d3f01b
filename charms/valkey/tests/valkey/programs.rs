//! The releases of Valkey that are at hand.

use std::path::{Path, PathBuf};

/// One release: a directory with `valkey-server`.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) version: String,
    pub(crate) directory: PathBuf,
}

impl Programs {
    /// All releases where `tests/setup` puts them, the oldest first.
    pub(crate) fn all() -> Vec<Self> {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/valkey");
        let mut found: Vec<_> = std::fs::read_dir(place)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| Self {
                version: entry.file_name().to_string_lossy().into_owned(),
                directory: entry.path().join("bin"),
            })
            .filter(|programs| programs.directory.join("valkey-server").is_file())
            .collect();
        found.sort_by(|one, other| one.version.cmp(&other.version));
        found
    }

    pub(crate) fn oldest() -> Self {
        Self::all().swap_remove(0)
    }

    pub(crate) fn newest() -> Self {
        Self::all().pop().expect("a release")
    }
}
