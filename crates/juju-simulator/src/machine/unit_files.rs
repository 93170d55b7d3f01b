//! Which unit files there are, which are masked and which are enabled: all of it is files and links, as with systemd.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::machine::paths::Paths;

/// What the files say of one unit.
pub(crate) enum Found {
    Nothing,
    Masked,
    /// The file and its text.
    File(PathBuf, String),
}

impl Paths {
    pub(crate) fn find_unit(&self, name: &str) -> Found {
        for directory in [self.own_units(), self.package_units()] {
            let file = directory.join(format!("{name}.service"));
            if fs::read_link(&file).is_ok_and(|target| target == Path::new("/dev/null")) {
                return Found::Masked;
            }
            if let Ok(text) = fs::read_to_string(&file) {
                return Found::File(file, text);
            }
        }
        Found::Nothing
    }

    pub(crate) fn mask(&self, name: &str) -> Result<Option<String>, String> {
        let file = self.own_units().join(format!("{name}.service"));
        if matches!(self.find_unit(name), Found::Masked) {
            return Ok(None);
        }
        if file.symlink_metadata().is_ok() {
            return Err(format!(
                "Failed to mask unit: File {} already exists.",
                file.display()
            ));
        }
        symlink("/dev/null", &file).map_err(|error| format!("Failed to mask unit: {error}"))?;
        Ok(Some(format!(
            "Created symlink {} → /dev/null.",
            file.display()
        )))
    }

    /// Links the unit where a target looks for what it wants; returns what there is to say.
    pub(crate) fn enable(
        &self,
        name: &str,
        file: &Path,
        wanted_by: &[String],
    ) -> io::Result<Vec<String>> {
        let mut said = Vec::new();
        for target in wanted_by {
            let link = self.wants(target).join(format!("{name}.service"));
            if link.symlink_metadata().is_ok() {
                continue;
            }
            fs::create_dir_all(self.wants(target))?;
            symlink(file, &link)?;
            said.push(format!(
                "Created symlink {} → {}.",
                link.display(),
                file.display()
            ));
        }
        Ok(said)
    }

    pub(crate) fn disable(&self, name: &str) -> io::Result<Vec<String>> {
        let mut said = Vec::new();
        for link in self.links(name) {
            fs::remove_file(&link)?;
            said.push(format!("Removed \"{}\".", link.display()));
        }
        Ok(said)
    }

    pub(crate) fn is_enabled(&self, name: &str) -> bool {
        !self.links(name).is_empty()
    }

    fn links(&self, name: &str) -> Vec<PathBuf> {
        entries(&self.own_units())
            .filter(|directory| {
                directory
                    .extension()
                    .is_some_and(|extension| extension == "wants")
            })
            .map(|directory| directory.join(format!("{name}.service")))
            .filter(|link| link.symlink_metadata().is_ok())
            .collect()
    }

    /// The services that boot starts.
    pub(crate) fn wanted_at_boot(&self) -> Vec<String> {
        let mut names: Vec<String> = entries(&self.wants("multi-user.target"))
            .filter_map(|link| {
                link.file_name()?
                    .to_str()?
                    .strip_suffix(".service")
                    .map(str::to_owned)
            })
            .collect();
        names.sort();
        names
    }
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
}
