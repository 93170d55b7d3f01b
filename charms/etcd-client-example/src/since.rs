//! Since when etcd can be used: a file that is there as long as it can.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use juju_hooks::UnitName;

/// The file of one unit.
pub(crate) struct Since(PathBuf);

impl Since {
    pub(crate) fn of(root: &Path, unit: &UnitName) -> Self {
        let directory = root.join("var/lib/etcd-client-example");
        Self(directory.join(format!("{}-{}", unit.app(), unit.number())))
    }

    /// The time that was written first since etcd could not be used, which is `now`
    /// if none was.
    pub(crate) fn start(&self, now: &str) -> io::Result<String> {
        match fs::read_to_string(&self.0) {
            Ok(text) if !text.is_empty() => return Ok(text),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if let Some(directory) = self.0.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&self.0, now)?;
        Ok(now.to_owned())
    }

    /// Forgets the time.
    pub(crate) fn end(&self) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_counts_until_it_ends() {
        let root = tempfile::tempdir().expect("a directory");
        let since = Since::of(root.path(), &"app/1".parse().expect("a unit"));
        since.end().expect("nothing is there");
        assert_eq!(since.start("one").expect("written"), "one");
        assert_eq!(since.start("two").expect("read"), "one");
        since.end().expect("removed");
        assert_eq!(since.start("three").expect("written"), "three");
    }
}
