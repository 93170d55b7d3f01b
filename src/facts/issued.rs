//! Identities that the charm issues itself, each with a certificate of its own
//! admin authority: for the relations of the legacy interfaces, and for people
//! and tools of an operator.
//!
//! Every member trusts that authority from its first start on, so no member
//! restarts for such an identity. For the same reason nothing but the missing
//! user keeps a revoked certificate out: its name must be nobody's until it has
//! expired.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Endpoint, Fingerprint, KeyRange, Prefix, RelationId, Timestamp};

/// An interface from before `etcd_client`, over which the provider hands out
/// certificate and key.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegacyInterface {
    /// `etcd`, of the endpoint `db`.
    Db,
    /// `etcd-proxy`, of the endpoint `proxy`.
    Proxy,
}

impl LegacyInterface {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Db, Self::Proxy];

    /// The endpoint of this charm that has the interface.
    pub fn endpoint(self) -> Endpoint {
        match self {
            Self::Db => Endpoint("db"),
            Self::Proxy => Endpoint("proxy"),
        }
    }
}

/// For whom an identity was issued.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// For a person or a tool, by the action `generate-client-certificates`.
    Operator,
    /// For a relation of a legacy interface.
    Relation(LegacyInterface, RelationId),
}

/// The file on this machine that an archive with credentials is written to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ArchivePlace {
    /// As an operator names it.
    pub path: PathBuf,
    /// Whether `juju scp` can fetch it.
    pub is_fetched: bool,
    /// The SHA-256 of what lies there, if anything does.
    pub found: Option<String>,
}

/// How far an identity has come.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IssuedState {
    /// Its archive was not handed over yet, so it has no rights. What an action
    /// leaves that is killed; running it again takes the name up.
    Unfinished,
    /// It has its rights.
    InForce,
    /// It has no rights any more, and its name is kept from everybody.
    Revoked,
}

/// What is known of one issued identity. Its common name is its key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct IssuedRecord {
    /// For whom.
    pub purpose: Purpose,
    /// The keys that it may read and write; all keys of clients where there is
    /// no prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
    /// The fingerprint of the certificate that was issued last; `None` for a name
    /// that is kept from everybody because a certificate of it may be somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Which authority has signed it, as it is told from others; `None` where that
    /// was not noted yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// When that one was issued.
    pub issued_at: Timestamp,
    /// When the last of its certificates stops being valid.
    pub not_after: Timestamp,
    /// When it was first seen to have ended: a clock may have been wrong, so
    /// nothing ends at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How far it has come.
    pub state: IssuedState,
    /// The SHA-256 of the archive that was written last for an operator, so
    /// that an archive on a machine is known for what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
}

impl IssuedRecord {
    /// The keys that the identity may read and write.
    pub fn range(&self) -> KeyRange {
        match &self.prefix {
            Some(prefix) => prefix.range(),
            None => KeyRange::of_clients(),
        }
    }

    /// Whether it was issued for this relation.
    pub fn is_of(&self, id: RelationId) -> bool {
        matches!(self.purpose, Purpose::Relation(_, relation) if relation == id)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::facts) fn record(purpose: Purpose) -> IssuedRecord {
        IssuedRecord {
            purpose,
            prefix: None,
            fingerprint: "5f".repeat(32).try_into().ok(),
            issuer: None,
            issued_at: Timestamp(1_700_000_000),
            not_after: Timestamp(1_800_000_000),
            ended_at: None,
            state: IssuedState::InForce,
            archive: None,
        }
    }

    #[test]
    fn a_record_is_stored_in_words_that_stay() {
        let stored = |record: &IssuedRecord| serde_json::to_string(record).expect("JSON");
        let of_relation = record(Purpose::Relation(LegacyInterface::Proxy, RelationId(10)));
        let text = stored(&of_relation);
        assert!(
            text.contains(r#""purpose":{"relation":["proxy",10]}"#),
            "{text}"
        );
        assert!(text.contains(r#""state":"in-force""#), "{text}");
        let of_operator = IssuedRecord {
            prefix: Some(Prefix::new("/app/").expect("a prefix")),
            archive: Some("00".to_owned()),
            ..record(Purpose::Operator)
        };
        for record in [of_relation, of_operator] {
            let read: IssuedRecord = serde_json::from_str(&stored(&record)).expect("a record");
            assert_eq!(read, record);
        }
    }

    #[test]
    fn without_a_prefix_it_is_all_keys_of_clients() {
        let range = record(Purpose::Operator).range();
        assert_eq!(range.to_string(), "[\\x01, ∞)");
        let ledger = KeyRange {
            key: b"\0etcd-charm/".to_vec(),
            range_end: b"\0etcd-charm0".to_vec(),
        };
        assert!(!range.overlaps(&ledger));
    }
}
