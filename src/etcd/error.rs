//! Errors of calls to etcd, with their causes in reach.

use juju_hooks::chain_once;
use thiserror::Error;
use tonic::Code;

use crate::facts::AlarmKind;

/// What etcd says of a request that it has not carried out, for a reason that
/// passes within seconds, in the words of all its releases.
const REFUSED_FOR_NOW: [&str; 4] = [
    // A user or a role has changed since the rights were checked: as every other
    // release has it (`rpctypes.ErrAuthOldRevision`),
    "revision of auth store is old",
    // and as 3.5 hands it on, untranslated (`auth.ErrAuthOldRevision`).
    "revision in header is old",
    // A read was under way when the leader changed; it comes of reads only.
    "leader changed",
    // More is proposed than applied (`rpctypes.ErrTooManyRequests`).
    "too many requests",
];

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
    /// The ledger was changed after it was read, by a unit that has become the
    /// leader or by an action; nothing was written.
    #[error("failed to {call}: the ledger has changed since it was read")]
    Superseded {
        /// What was being done.
        call: String,
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
                    |cause| -> Box<dyn std::error::Error + Send + Sync> {
                        chain_once(cause).into()
                    },
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
            "requested lease not found",
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
    /// nothing: whatever was asked can be asked again.
    pub(super) fn is_of_a_change(&self) -> bool {
        self.says(&REFUSED_FOR_NOW)
    }

    /// Whether what was asked may or may not have been done: an election, a member
    /// that restarts or a connection that is lost has swallowed the answer. Our own
    /// limit is not among the reasons: who does not answer for so long is so again.
    pub(super) fn is_of_unknown_outcome(&self) -> bool {
        let Self::Call { code, .. } = self else {
            return false;
        };
        // Also the code of etcd's `request timed out` in all its forms, `no leader`
        // and `server stopped` (`rpctypes/error.go`); one answer has it as well.
        let is_unavailable = *code == Code::Unavailable && !self.says(&["unhealthy cluster"]);
        is_unavailable || self.says(&["request timed out", "raft proposal dropped"])
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

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code, status: &str) -> EtcdError {
        EtcdError::Call {
            call: "do it".to_owned(),
            code,
            status: status.to_owned(),
            source: None,
        }
    }

    #[test]
    fn every_release_is_understood() {
        for (code, status) in [
            (
                Code::InvalidArgument,
                "etcdserver: revision of auth store is old",
            ),
            (Code::Unknown, "auth: revision in header is old"),
            (Code::Unavailable, "etcdserver: leader changed"),
            (Code::ResourceExhausted, "etcdserver: too many requests"),
        ] {
            assert!(error(code, status).is_of_a_change(), "{status}");
        }
        for (code, status) in [
            (Code::Unavailable, "etcdserver: request timed out"),
            (
                Code::Unavailable,
                "etcdserver: request timed out, possibly due to connection lost",
            ),
            (
                Code::Unknown,
                "etcdserver: request timed out, waiting for the applied index took too long",
            ),
            (Code::Unknown, "raft proposal dropped"),
            (Code::Unavailable, "etcdserver: no leader"),
            (Code::Unavailable, "etcdserver: server stopped"),
            (Code::Unavailable, "error trying to connect"),
        ] {
            assert!(error(code, status).is_of_unknown_outcome(), "{status}");
            assert!(!error(code, status).is_of_a_change(), "{status}");
        }
    }

    #[test]
    fn an_answer_is_final() {
        for (code, status) in [
            (Code::Unavailable, "etcdserver: unhealthy cluster"),
            (Code::PermissionDenied, "etcdserver: permission denied"),
            (Code::FailedPrecondition, "etcdserver: role name not found"),
            (
                Code::ResourceExhausted,
                "etcdserver: mvcc: database space exceeded",
            ),
        ] {
            let error = error(code, status);
            let is_final = !error.is_of_a_change() && !error.is_of_unknown_outcome();
            assert!(is_final, "{status}");
        }
        let unreachable = EtcdError::Timeout {
            call: "do it".to_owned(),
            seconds: 10,
        };
        assert!(!unreachable.is_of_unknown_outcome());
    }
}
