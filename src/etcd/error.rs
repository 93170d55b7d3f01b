//! Errors of calls to etcd, with their causes in reach.

use thiserror::Error;
use tonic::Code;

use crate::model::AlarmKind;

/// A call that did not succeed.
#[derive(Debug, Error)]
pub enum EtcdError {
    /// etcd, or the way to it, failed the call.
    #[error("failed to {call}: {}", message(.status))]
    Call {
        /// What was being done, for example `add user client1`.
        call: String,
        /// The code of the gRPC status.
        code: Code,
        /// etcd's own words.
        status: String,
        /// The transport's error underneath, where there is one.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The client could not be set up, or etcd answered what it never should.
    #[error("failed to {call}: {reason}")]
    Client {
        /// What was being done.
        call: String,
        /// What is wrong.
        reason: String,
    },
    /// No answer came within the time allowed.
    #[error("failed to {call}: no answer within {seconds} s")]
    Timeout {
        /// What was being done.
        call: String,
        /// The time allowed.
        seconds: u64,
    },
    /// A value in the ledger is not what this charm writes.
    #[error("failed to read ledger key {key:?}")]
    Ledger {
        /// The key, escaped.
        key: String,
        /// Why it could not be read.
        #[source]
        source: serde_json::Error,
    },
}

impl EtcdError {
    /// Takes apart an error of the `etcd-client` crate, whose `Display` prints
    /// the inner status in its debug form and whose `source` is always empty.
    pub(super) fn new(call: String, error: etcd_client::Error) -> Self {
        match error {
            etcd_client::Error::GRpcStatus(status) => Self::Call {
                call,
                code: status.code(),
                status: status.message().to_owned(),
                // The status itself repeats the message; what it rests on does not.
                source: std::error::Error::source(&status).map(
                    |cause| -> Box<dyn std::error::Error + Send + Sync> { chain(cause).into() },
                ),
            },
            other => Self::Client {
                call,
                reason: other.to_string(),
            },
        }
    }

    /// Whether etcd refused because the thing is there already.
    pub(super) fn is_already_there(&self) -> bool {
        self.says(&["already exists", "already granted"])
    }

    /// Whether etcd refused because the thing is not there.
    pub(super) fn is_not_there(&self) -> bool {
        self.says(&[
            "user name not found",
            "role name not found",
            "role is not granted to the user",
            "permission is not granted to the role",
            "member not found",
        ])
    }

    /// Whether etcd refused a write because its database is full.
    pub fn is_out_of_space(&self) -> bool {
        self.says(&["database space exceeded"])
    }

    /// The alarm because of which etcd refused a write (`ErrNoSpace`,
    /// `ErrCorrupt`).
    pub fn alarm(&self) -> Option<AlarmKind> {
        if self.is_out_of_space() {
            Some(AlarmKind::NoSpace)
        } else {
            self.says(&["corrupt cluster"])
                .then_some(AlarmKind::Corrupt)
        }
    }

    /// Whether etcd refused because of what passes within seconds, and did
    /// nothing: a read was under way when the leader changed (`ErrLeaderChanged`
    /// comes of reads only), or a request was checked against users that have
    /// changed since (`ErrAuthOldRevision`).
    pub(super) fn is_of_a_change(&self) -> bool {
        self.says(&["leader changed", "revision of auth store is old"])
    }

    /// Whether etcd, or the way to it, is what failed the call; otherwise it
    /// answered what nobody can go on with.
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Timeout { .. })
    }

    /// Whether etcd's own message contains one of the texts. The codes alone
    /// do not tell: `FailedPrecondition` stands for a dozen reasons.
    pub(super) fn says(&self, texts: &[&str]) -> bool {
        match self {
            Self::Call { status, .. } => texts.iter().any(|text| status.contains(text)),
            _ => false,
        }
    }
}

/// etcd's words without the `etcdserver: ` in front, which tells a reader
/// nothing here.
fn message(status: &str) -> &str {
    match status.strip_prefix("etcdserver: ").unwrap_or(status) {
        "" => "no reason given",
        text => text,
    }
}

/// An error and its causes in one line. The transport's errors borrow from the
/// status, so they cannot be kept as a chain.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = error.to_string();
        if !text.ends_with(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        cause = error.source();
    }
    text
}
