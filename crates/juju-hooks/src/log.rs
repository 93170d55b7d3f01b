//! Juju's own log, which `juju debug-log` shows.

use super::text::pieces;
use super::{ToolError, Tools};

/// The levels of Juju's log (`jujuc/juju-log.go`).
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum LogLevel {
    /// Not kept, unless the model says so.
    Trace,
    /// Not kept, unless the model says so.
    Debug,
    /// What has been done.
    Info,
    /// What an operator should look at.
    Warning,
    /// What has failed.
    Error,
}

impl LogLevel {
    /// The name as the tool spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Error => "ERROR",
            Self::Info => "INFO",
            Self::Trace => "TRACE",
            Self::Warning => "WARNING",
        }
    }
}

impl Tools {
    /// Writes to Juju's log, by several calls if the text is too long for one,
    /// and by none if it is empty. Immediate.
    ///
    /// # Errors
    /// Only those of every tool: see [`ToolError`].
    pub fn juju_log(&self, level: LogLevel, text: &str) -> Result<(), ToolError> {
        if text.is_empty() {
            return Ok(());
        }
        for piece in pieces(text) {
            self.call("juju-log")
                .args(["--log-level", level.as_str()])
                .text(piece)
                .run()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::Fake;
    use super::*;

    #[test]
    fn text_is_never_taken_for_an_option() {
        let fake = Fake::new(&["juju-log"]);
        let tools = fake.tools();
        tools
            .juju_log(LogLevel::Warning, "--help is \0 no option")
            .expect("it is logged");
        assert_eq!(
            fake.argv("juju-log"),
            [
                "--log-level",
                "WARNING",
                "--",
                "--help is \u{fffd} no option"
            ]
        );
        assert_eq!(tools.calls(), 1);
    }

    #[test]
    fn long_text_takes_several_calls_and_no_text_none() {
        let fake = Fake::new(&["juju-log"]);
        let tools = fake.tools();
        tools
            .juju_log(LogLevel::Info, &"x".repeat(250_000))
            .expect("it is logged");
        assert_eq!(tools.calls_by_tool(), [("juju-log", 3)]);
        assert_eq!(fake.argv("juju-log")[3].len(), 50_000);
        tools.juju_log(LogLevel::Info, "").expect("nothing to do");
        assert_eq!(tools.calls(), 3);
    }
}
