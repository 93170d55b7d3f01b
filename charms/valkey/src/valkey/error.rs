//! What can go wrong between us and a server.

use std::io;
use std::time::Duration;

use thiserror::Error;

/// Why a server did not do what it was asked for. No variant holds an argument
/// of a command: passwords are among them.
#[derive(Debug, Error)]
pub enum ValkeyError {
    /// What came is not RESP, or is larger than anything that we ask for.
    #[error("failed to understand {place}: {problem}")]
    Answer {
        /// Who answered.
        place: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The server cannot be reached, or the connection broke.
    #[error("failed to reach {place}")]
    Connect {
        /// Who was to be reached.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server said no. The first word of the text is its code.
    #[error("{place} refused {command}: {text}")]
    Refused {
        /// Who refused.
        place: String,
        /// The command, without its arguments.
        command: String,
        /// What the server said.
        text: String,
    },
    /// There was no answer in time.
    #[error("failed to reach {place}: no answer within {} ms", limit.as_millis())]
    Timeout {
        /// Who did not answer.
        place: String,
        /// The time that it had.
        limit: Duration,
    },
}

impl ValkeyError {
    /// The code that a refusal begins with: `NOAUTH`, `LOADING`, `ERR`, …
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { text, .. } => text.split(' ').next(),
            Self::Answer { .. } | Self::Connect { .. } | Self::Timeout { .. } => None,
        }
    }

    /// Whether the server answered and did not accept who we are.
    pub fn is_of_login(&self) -> bool {
        matches!(self.code(), Some("WRONGPASS" | "NOAUTH"))
    }
}
