//! What the machine's distribution has in its archive.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::machine::supervisor::Supervisor;
use crate::machine::unit_files::Found;

/// A package of the distribution, as `apt-get install` knows it.
///
/// ```
/// use juju_simulator::machine::Package;
///
/// let package = Package::new("server", "1.2-3").program("/usr/bin/env").service("server").user("server");
/// assert_eq!(package.name(), "server");
/// ```
#[derive(Clone, Debug)]
pub struct Package {
    name: String,
    version: String,
    programs: Vec<PathBuf>,
    service: Option<String>,
    user: Option<String>,
}

impl Package {
    /// An empty package of this name and version.
    #[must_use]
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: version.to_owned(),
            programs: Vec::new(),
            service: None,
            user: None,
        }
    }

    /// Brings this file, under its own name, into `/usr/bin`.
    #[must_use]
    pub fn program(mut self, file: impl Into<PathBuf>) -> Self {
        self.programs.push(file.into());
        self
    }

    /// Brings a service that is enabled, and started unless it is masked or a policy forbids it. It only sleeps: many
    /// machines run at once, and the real one would always take the same port. That it runs is enough to see.
    #[must_use]
    pub fn service(mut self, name: &str) -> Self {
        self.service = Some(name.to_owned());
        self
    }

    /// Makes this system user, with a directory in `/var/lib` that only it may enter.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// The package's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version that the archive has.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What the package's files and its scripts do.
    pub(crate) fn configure(&self, supervisor: &Arc<Supervisor>) -> io::Result<()> {
        let root = &supervisor.paths.root;
        for program in &self.programs {
            put_program(program, &root.join("usr/bin"))?;
        }
        if let Some(user) = &self.user {
            supervisor.lock().users.insert(user.clone());
            let home = root.join("var/lib").join(user);
            fs::create_dir_all(&home)?;
            fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
        }
        match &self.service {
            Some(service) => self.install_service(supervisor, service),
            None => Ok(()),
        }
    }

    fn install_service(&self, supervisor: &Arc<Supervisor>, service: &str) -> io::Result<()> {
        let paths = &supervisor.paths;
        let unit = format!(
            "[Unit]\nDescription={}\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
            self.name
        );
        fs::write(
            paths.package_units().join(format!("{service}.service")),
            unit,
        )?;
        supervisor.daemon_reload();
        // A masked unit is neither enabled nor started.
        if let Found::File(file, _) = paths.find_unit(service) {
            paths.enable(service, &file, &["multi-user.target".to_owned()])?;
            let policy = paths.root.join("usr/sbin/policy-rc.d");
            if !starts_are_forbidden(&policy, service) {
                // The package's script goes on whatever comes of it.
                let _ = supervisor.start(service);
            }
        }
        Ok(())
    }
}

/// A hard link where that is possible: servers are large, and machines are many.
fn put_program(source: &Path, directory: &Path) -> io::Result<()> {
    let context =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", source.display()));
    let target = directory.join(source.file_name().unwrap_or_default());
    if fs::symlink_metadata(&target).is_ok() {
        fs::remove_file(&target)?;
    }
    let source = source.canonicalize().map_err(context)?;
    fs::hard_link(&source, &target).or_else(|_| fs::copy(&source, &target).map(drop))
}

/// Debian's way to install a service without starting it: a script that exits with 101.
fn starts_are_forbidden(policy: &Path, service: &str) -> bool {
    let mut script = Command::new(policy);
    script
        .args([service, "start"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    script
        .status()
        .is_ok_and(|status| status.code() == Some(101))
}
