//! Why something asked for is not in force, as it is on record in the ledger.

use serde::{Deserialize, Serialize};

use super::Reason;

/// A reason as it was recorded: of its kind, and in the words of the revision of the
/// charm that recorded it. What another revision has written stays as it is until the
/// request is judged anew. There is no way to make one but from a [`Reason`], or to read
/// it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Condition {
    kind: ConditionKind,
    #[serde(rename = "reason")]
    words: String,
}

/// Who has to do something.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConditionKind {
    /// It will not be granted as it stands; the requirer has to change it.
    Refused,
    /// Something has not arrived yet; nobody has to do anything here.
    Waiting,
}

impl Condition {
    pub(super) const fn new(kind: ConditionKind, words: String) -> Self {
        Self { kind, words }
    }

    /// Who has to do something.
    pub const fn kind(&self) -> ConditionKind {
        self.kind
    }

    /// The reason, for an operator.
    pub fn words(&self) -> &str {
        &self.words
    }
}

impl From<&Reason> for Condition {
    fn from(reason: &Reason) -> Self {
        Self::new(reason.kind(), reason.to_string())
    }
}

impl From<Reason> for Condition {
    fn from(reason: Reason) -> Self {
        Self::from(&reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As ledgers have it since there are any: an older and a newer revision read it.
    #[test]
    fn what_is_stored_stays_byte_for_byte() {
        for (reason, text) in [
            (
                Reason::NoCertificate,
                r#"{"kind":"waiting","reason":"no certificate yet"}"#,
            ),
            (
                Reason::ForeignCertificate,
                r#"{"kind":"refused","reason":"its certificate was issued to another application"}"#,
            ),
        ] {
            let read: Condition = serde_json::from_str(text).expect("a condition");
            // What is the same is not written again.
            assert_eq!(read, Condition::from(reason));
            assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
        }
    }

    #[test]
    fn the_words_of_another_revision_stay() {
        let text = r#"{"kind":"refused","reason":"what nobody here would say"}"#;
        let read: Condition = serde_json::from_str(text).expect("a condition");
        assert_eq!(read.kind(), ConditionKind::Refused);
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
        // The order of fields is nobody's promise, and a field more is no harm.
        let text = r#"{"reason":"no certificate yet","kind":"waiting","since":1}"#;
        let read: Condition = serde_json::from_str(text).expect("a condition");
        assert_eq!(read, Reason::NoCertificate.into());
    }
}
