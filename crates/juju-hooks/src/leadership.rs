//! Who speaks for the application.

use super::{ToolError, Tools};

impl Tools {
    /// Whether this unit leads its application (`jujuc/is-leader.go`).
    ///
    /// A `true` holds for 30 seconds from the call and each call renews it; once
    /// `false`, it stays so for the rest of the hook. It may be `true` before
    /// `leader-elected` has run.
    ///
    /// # Errors
    /// [`ToolError::Failed`] with `leadership status unknown` if the agent
    /// cannot reach its controller.
    pub fn is_leader(&self) -> Result<bool, ToolError> {
        self.call("is-leader").json()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;

    #[test]
    fn leadership_is_a_json_boolean() {
        for (stdout, leads) in [("true\n", true), ("false\n", false)] {
            let fake = Fake::printing("is-leader", stdout);
            assert_eq!(fake.tools().is_leader().expect("an answer"), leads);
            assert_eq!(fake.argv("is-leader"), ["--format=json"]);
        }
        let fake = Fake::printing("is-leader", "True\n");
        assert!(fake.tools().is_leader().is_err());
    }
}
