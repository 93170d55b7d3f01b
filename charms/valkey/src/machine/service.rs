//! Services of systemd.

use super::command::{Commands, MachineError};
use super::files::ensure_file;
use super::paths::Paths;

/// One service of this machine.
#[derive(Clone, Debug)]
pub struct Service<'n>(&'n str);

impl<'n> Service<'n> {
    /// The service of this name.
    pub fn new(name: &'n str) -> Self {
        Self(name)
    }

    /// Whether it runs.
    pub fn is_active(&self, commands: Commands) -> bool {
        commands
            .run("systemctl", &["is-active", "--quiet", self.0])
            .is_ok()
    }

    /// Lets it start at each boot, and now.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn ensure_started(&self, commands: Commands) -> Result<(), MachineError> {
        commands.run("systemctl", &["enable", "--quiet", self.0])?;
        if !self.is_active(commands) {
            commands.run("systemctl", &["reset-failed", self.0]).ok();
            commands.run("systemctl", &["start", self.0])?;
        }
        Ok(())
    }

    /// Restarts it.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn restart(&self, commands: Commands) -> Result<(), MachineError> {
        commands.run("systemctl", &["restart", self.0]).map(drop)
    }

    /// Stops it for now.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn stop(&self, commands: Commands) -> Result<(), MachineError> {
        commands.run("systemctl", &["stop", self.0]).map(drop)
    }

    /// Stops it, now and for ever.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn ensure_gone(&self, commands: Commands) -> Result<(), MachineError> {
        commands
            .run("systemctl", &["disable", "--quiet", self.0])
            .ok();
        commands.run("systemctl", &["stop", self.0]).map(drop)
    }

    /// Lets nobody start it.
    ///
    /// # Errors
    /// systemd refuses.
    pub fn mask(&self, commands: Commands) -> Result<(), MachineError> {
        commands.run("systemctl", &["mask", self.0]).map(drop)
    }
}

/// Makes the definitions of services be these; returns the names of those that
/// were others.
///
/// # Errors
/// They cannot be written, or systemd does not read them.
pub fn ensure_units<'t>(
    commands: Commands,
    paths: &Paths,
    units: &[(&'t str, String)],
) -> Result<Vec<&'t str>, MachineError> {
    let mut changed = Vec::new();
    for (name, text) in units {
        let path = paths.unit_file(name);
        let beside = path.parent().unwrap_or(&path);
        if ensure_file(commands, beside, &path, text, 0o644, None)? {
            changed.push(*name);
        }
    }
    if !changed.is_empty() {
        reload(commands)?;
    }
    Ok(changed)
}

/// Lets systemd read all definitions anew.
///
/// # Errors
/// systemd refuses.
pub fn reload(commands: Commands) -> Result<(), MachineError> {
    commands.run("systemctl", &["daemon-reload"]).map(drop)
}
