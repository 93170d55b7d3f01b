//! What an operator sees in `juju status`.

use super::text::cut;
use super::{ToolError, Tools};

/// A status that a charm may set (`core/status`); Juju sets all others itself.
/// The order is by urgency, mildest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum StatusName {
    /// Everything does what it should.
    Active,
    /// Something is being done.
    Maintenance,
    /// Something outside of this unit has to happen first.
    Waiting,
    /// An operator has to do something.
    Blocked,
}

impl StatusName {
    /// The name as hook tools spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Blocked => "blocked",
            Self::Maintenance => "maintenance",
            Self::Waiting => "waiting",
        }
    }
}

impl Tools {
    /// Sets the status of this unit (`jujuc/status-set.go`). Immediate: it stays
    /// when the hook fails afterwards.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if the controller cannot be reached.
    pub fn status_set(&self, status: StatusName, message: &str) -> Result<(), ToolError> {
        self.set_status("--application=false", status, message)
    }

    /// Sets the status of the application. Immediate.
    ///
    /// # Errors
    /// [`ToolError::Failed`] if this unit does not lead (see
    /// [`ToolError::is_denied`]) or the controller cannot be reached.
    pub fn status_set_application(
        &self,
        status: StatusName,
        message: &str,
    ) -> Result<(), ToolError> {
        self.set_status("--application=true", status, message)
    }

    fn set_status(&self, of: &str, status: StatusName, message: &str) -> Result<(), ToolError> {
        self.call("status-set")
            .arg(of)
            .arg(status.as_str())
            .text(cut(message))
            .run()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn unit_and_application_have_statuses_of_their_own() {
        let fake = Fake::new(&["status-set"]);
        let tools = fake.tools();
        tools
            .status_set(StatusName::Waiting, "--for a certificate")
            .expect("it is set");
        assert_eq!(
            fake.argv("status-set"),
            [
                "--application=false",
                "waiting",
                "--",
                "--for a certificate"
            ]
        );
        tools
            .status_set_application(StatusName::Active, "")
            .expect("it is set");
        assert_eq!(
            fake.argv("status-set"),
            ["--application=true", "active", "--", ""]
        );
    }

    #[test]
    fn a_follower_may_not_speak_for_the_application() {
        let fake = Fake::failing("status-set", 1, "ERROR this unit is not the leader\n");
        let error = fake
            .tools()
            .status_set_application(StatusName::Blocked, "x")
            .expect_err("it is refused");
        assert!(error.is_denied());
    }
}
