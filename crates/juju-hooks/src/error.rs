//! What can go wrong with a hook tool.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use thiserror::Error;

/// A hook tool did not do what it was asked for. No variant holds the content of
/// a secret: content is never an argument, and no tool prints it to stderr.
#[derive(Debug, Error)]
pub enum ToolError {
    /// The tool said no. Its exit status is 2 for arguments it does not accept
    /// (our mistake, or a relation this unit never saw) and 1 for anything else
    /// (`juju/cmd`, `Main`).
    #[error("failed to run `{call}` ({status}): {stderr}")]
    Failed {
        /// The tool and those of its arguments that may be shown.
        call: String,
        /// How the process ended.
        status: ExitStatus,
        /// What it wrote to stderr, trimmed and cut to a length fit for a log.
        stderr: String,
    },

    /// The tool did not end in time, and was killed. Whether it did what it was
    /// asked for is unknown.
    #[error("failed to run `{call}`: no answer within {seconds} s")]
    Hung {
        /// The tool and those of its arguments that may be shown.
        call: String,
        /// The time that it had.
        seconds: u64,
    },

    /// The directory for secret content cannot be used: its file system is full,
    /// read-only, or something else is in its place.
    #[error("failed to prepare secret content in {path}")]
    Handover {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The tool succeeded, and its output is not what this version of Juju is
    /// known to print.
    #[error("failed to understand the output of {tool}")]
    Parse {
        /// The tool.
        tool: &'static str,
        /// What is wrong with the output.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// There is no such tool on `PATH`, or it cannot be executed: the process was
    /// not started by an agent, or the agent is too old to have the tool.
    #[error("failed to start {tool}")]
    Start {
        /// The tool.
        tool: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
}

impl ToolError {
    /// Whether this unit may not do or see what it asked for. Juju also says so
    /// of a relation that is gone from the model but still known to the agent
    /// (juju/juju#23246).
    pub fn is_denied(&self) -> bool {
        self.says(&[
            "access denied",
            "is not allowed to",
            "cannot write relation settings",
            "not the leader",
            "permission denied",
        ])
    }

    /// Whether what was asked about does not exist, or no longer does.
    pub fn is_not_found(&self) -> bool {
        self.says(&["not found"])
    }

    /// Whether this version of Juju does not have the tool: either nothing of
    /// that name is on `PATH`, or the agent does not know it.
    pub fn is_unknown_tool(&self) -> bool {
        match self {
            Self::Start { source, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Failed { .. } => self.says(&["unknown hook command", "unknown command"]),
            Self::Handover { .. } | Self::Hung { .. } | Self::Parse { .. } => false,
        }
    }

    /// Whether this unit does not lead its application, and so may do nothing of
    /// what only the leader may.
    pub fn is_of_leadership(&self) -> bool {
        self.says(&["cannot write relation settings", "not the leader"])
    }

    /// Whether the tool did not end in time.
    pub fn is_hung(&self) -> bool {
        matches!(self, Self::Hung { .. })
    }

    /// Whether it is about what was asked of the tool, such as a certain relation or
    /// secret, and not about this unit: another call may succeed.
    pub fn is_of_the_call(&self) -> bool {
        match self {
            Self::Failed { .. } => !self.is_of_leadership(),
            Self::Hung { .. } | Self::Parse { .. } => true,
            Self::Handover { .. } | Self::Start { .. } => false,
        }
    }

    /// Whether the same call may well succeed a moment later: the tool failed
    /// (exit status 1), and not with an answer to what it was asked.
    pub(super) fn may_pass(&self) -> bool {
        let Self::Failed { status, .. } = self else {
            return false;
        };
        let is_answer = self.is_denied() || self.is_not_found() || self.is_unknown_tool();
        status.code() == Some(1) && !is_answer
    }

    /// Whether stderr contains one of `words`, in any case. Juju has no error
    /// codes: the wording is all there is.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        let Self::Failed { stderr, .. } = self else {
            return false;
        };
        let stderr = stderr.to_lowercase();
        words.iter().any(|word| stderr.contains(word))
    }

    /// An error about output that is JSON, but not of the expected shape.
    pub(super) fn parse(
        tool: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Parse {
            tool,
            source: source.into(),
        }
    }
}
