//! What a test learns of one run of a hook or an action.

use std::time::Duration;

use crate::commit::Change;
use crate::hook::Hook;
use crate::name::UnitName;

/// How a hook's process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// A signal killed it.
    Signal(i32),
}

/// One call of a hook tool.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// The tool's name.
    pub tool: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its standard input, if it read any.
    pub stdin: Option<String>,
    /// How it exited.
    pub exit_code: i32,
    /// What it printed.
    pub stdout: String,
    /// Its error output.
    pub stderr: String,
    /// Whether the tool is one that changes something in the model (log tools are not).
    pub writes: bool,
}

/// One run of a hook or an action.
#[derive(Clone, Debug)]
pub struct HookRun {
    /// The unit that ran it.
    pub unit: UnitName,
    /// The hook's full name, or `action NAME`.
    pub name: String,
    /// The hook; `None` for an action.
    pub hook: Option<Hook>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// The tools it called, in order.
    pub calls: Vec<ToolCall>,
    /// How it ended.
    pub exit: Exit,
    /// No executable was there, which counts as success for a hook.
    pub skipped: bool,
    /// The time limit was over and the process group was killed.
    pub timed_out: bool,
    /// What the process wrote to standard output.
    pub stdout: String,
    /// What the process wrote to standard error.
    pub stderr: String,
    /// What it logged with juju-log: level and message.
    pub log: Vec<(String, String)>,
    /// Whether the kept-back writes were committed.
    pub committed: bool,
    /// Why the commit failed.
    pub commit_error: Option<String>,
    /// What the commit changed.
    pub changes: Vec<Change>,
    /// How long the process ran.
    pub duration: Duration,
}

impl HookRun {
    /// Whether the hook counts as successful: exit 0 and committed.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self.exit, Exit::Code(0)) && self.committed
    }

    /// The value of an environment variable, if it was set.
    #[must_use]
    pub fn variable(&self, key: &str) -> Option<&str> {
        self.environment
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The calls of one tool.
    pub fn calls_of(&self, tool: &str) -> impl Iterator<Item = &ToolCall> {
        self.calls.iter().filter(move |call| call.tool == tool)
    }
}
