//! The version of what the charm operates, as `juju status` shows it.

use super::{ToolError, Tools};

impl Tools {
    /// Shows `version` as that of the application
    /// (`jujuc/application-version-set.go`). Any unit may do so. Immediate.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn application_version_set(&self, version: &str) -> Result<(), ToolError> {
        self.call("application-version-set").text(version).run()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;

    #[test]
    fn the_version_is_the_only_argument() {
        let fake = Fake::new(&["application-version-set"]);
        fake.tools().application_version_set("3.6.4").expect("set");
        assert_eq!(fake.argv("application-version-set"), ["--", "3.6.4"]);
    }
}
