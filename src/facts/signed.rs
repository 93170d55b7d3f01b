//! Common names in which the charm signs certificates on request, over
//! `tls-certificates`. Every member trusts the authority that signs them, so only
//! the user of that name decides what they open: a name belongs to the
//! application that asked for it until the last certificate in it has ended, and
//! to nobody else before.

use serde::{Deserialize, Serialize};

use super::{AppName, RelationId, Timestamp};

/// Whose a name is, and until when. The name is its key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct SignedName {
    /// The relation over which it was asked for.
    pub relation: RelationId,
    /// The application that asked for it, the only one that may have access in
    /// this name.
    pub app: AppName,
    /// When the last of its certificates stops being valid: written before one is
    /// signed, so no certificate is valid for longer.
    pub not_after: Timestamp,
    /// When it was first seen to have ended: a clock may have been wrong, so
    /// nothing ends at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Nobody asks for it any more: nobody has access in this name until its
    /// certificates have ended, by whatever certificate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_revoked: bool,
}

/// Why requests for certificates of one relation are refused, for an operator. The
/// relation is its key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unsigned {
    /// The application that made them.
    pub app: AppName,
    /// Why the first of them is refused.
    pub reason: String,
    /// How many others are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub others: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::facts) fn record(app: &str, is_revoked: bool) -> SignedName {
        SignedName {
            relation: RelationId(7),
            app: app.parse().expect("a name"),
            not_after: Timestamp(1_800_000_000),
            ended_at: None,
            is_revoked,
        }
    }

    #[test]
    fn a_record_is_stored_in_words_that_stay() {
        for (record, text) in [
            (
                record("app", false),
                r#"{"relation":7,"app":"app","not-after":1800000000}"#,
            ),
            (
                record("app", true),
                r#"{"relation":7,"app":"app","not-after":1800000000,"is-revoked":true}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&record).expect("JSON"), text);
            let read: SignedName = serde_json::from_str(text).expect("a record");
            assert_eq!(read, record);
        }
    }
}
