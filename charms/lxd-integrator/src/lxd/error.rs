//! What can go wrong between us and LXD.

use certificates::Fingerprint;
use thiserror::Error;

/// A failure to talk to LXD. No variant carries what we sent.
#[derive(Debug, Error)]
pub enum LxdError {
    /// What LXD answered cannot be understood.
    #[error("failed to understand LXD's answer to {request}")]
    Answer {
        /// Method and path.
        request: String,
        /// Where it goes wrong.
        source: serde_json::Error,
    },
    /// The server is not the one that it should be.
    #[error("failed to recognise LXD: it shows certificate {shown}, not {expected}")]
    AnotherServer {
        /// The pinned certificate.
        expected: Box<Fingerprint>,
        /// The one that it shows.
        shown: Box<Fingerprint>,
    },
    /// The credentials cannot be used.
    #[error("failed to use the client's certificate and key")]
    Credentials(#[source] tokio_rustls::rustls::Error),
    /// LXD refused, in its own words.
    #[error("LXD refused {request} ({status}): {words}")]
    Refused {
        /// Method and path.
        request: String,
        /// The HTTP status, which is LXD's error code as well.
        status: u16,
        /// What it says, in one line of at most 200 characters.
        words: String,
    },
    /// LXD took longer than it may.
    #[error("LXD did not answer {0} in time")]
    Timeout(String),
    /// LXD cannot be reached, or ended the connection.
    #[error("failed to reach LXD")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl LxdError {
    /// The status of a refusal.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// For `map_err` on whatever the connection fails with.
    pub(super) fn unreachable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unreachable(source.into())
    }
}
