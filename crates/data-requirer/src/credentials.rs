//! What a client logs in with, as files for programs that read files.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use secret_value::Secret;
use thiserror::Error;

/// What a client needs to log in with a certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// The authority that the servers are checked with, PEM.
    pub ca: String,
    /// The client's certificate, PEM.
    pub certificate: String,
    /// Its private key, PEM.
    pub key: Secret<String>,
}

/// A file could not be written.
#[derive(Debug, Error)]
#[error("failed to write {path}")]
pub struct SaveError {
    /// The file or directory.
    path: PathBuf,
    /// What the operating system said.
    source: io::Error,
}

impl Credentials {
    /// Writes `client-ca.pem`, `client-cert.pem` and `client-key.pem`, the last of
    /// which only its owner can read, into a directory that is made if it is not
    /// there. Says whether anything was changed: a service that reads the files has
    /// to be told then.
    ///
    /// Each file is replaced as a whole, and the key before its certificate.
    ///
    /// # Errors
    /// The operating system refuses a file or the directory.
    pub fn save(&self, directory: &Path) -> Result<bool, SaveError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| SaveError { path, source }
        };
        fs::create_dir_all(directory).map_err(failed(directory))?;
        let mut changed = false;
        for (name, text, mode) in [
            ("client-key.pem", self.key.expose(), 0o600),
            ("client-cert.pem", &self.certificate, 0o644),
            ("client-ca.pem", &self.ca, 0o644),
        ] {
            let path = directory.join(name);
            if fs::read(&path).is_ok_and(|held| held == text.as_bytes()) {
                continue;
            }
            let new = directory.join(format!(".{name}.new"));
            replace(&path, &new, text, mode).map_err(failed(&path))?;
            changed = true;
        }
        Ok(changed)
    }
}

/// Through a new file, so that nobody reads half of one; what a killed hook left
/// is in the way of nothing.
fn replace(path: &Path, new: &Path, text: &str, mode: u32) -> io::Result<()> {
    match fs::remove_file(new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_are_written_when_they_differ() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("ssl/etcd");
        let mut credentials = Credentials {
            ca: "authority".to_owned(),
            certificate: "certificate".to_owned(),
            key: Secret::new("key".to_owned()),
        };
        assert!(credentials.save(&path).expect("written"));
        assert!(!credentials.save(&path).expect("they are the same"));
        // A killed hook left half a file.
        fs::write(path.join(".client-key.pem.new"), "ke").expect("written");
        credentials.key = Secret::new("another".to_owned());
        assert!(credentials.save(&path).expect("written"));
        for (name, text, mode) in [
            ("client-ca.pem", "authority", 0o644),
            ("client-cert.pem", "certificate", 0o644),
            ("client-key.pem", "another", 0o600),
        ] {
            let path = path.join(name);
            assert_eq!(fs::read_to_string(&path).expect("a file"), text);
            let permissions = fs::metadata(&path).expect("a file").permissions();
            assert_eq!(permissions.mode() & 0o777, mode & !0o022, "{name}");
        }
        let names = fs::read_dir(&path).expect("a directory").count();
        assert_eq!(names, 3, "nothing is left over");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("file"), "").expect("written");
        let credentials = Credentials {
            ca: String::new(),
            certificate: String::new(),
            key: Secret::new("hunter2".to_owned()),
        };
        let error = credentials.save(&directory.path().join("file/below"));
        let error = error.expect_err("a file is no directory").to_string();
        assert!(error.contains("file/below") && !error.contains("hunter2"));
    }
}
