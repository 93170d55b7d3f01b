//! The words of what a provider has answered, as a unit notes them for itself and an
//! operator reads them.

use std::fmt;

use super::{NotShown, ProviderAnswer, ProviderState};

impl From<ProviderAnswer> for ProviderState {
    fn from(answer: ProviderAnswer) -> Self {
        match answer {
            ProviderAnswer::Asked => Self::Asked,
            ProviderAnswer::Revoked => Self::Revoked,
            ProviderAnswer::Refused { message, code } => {
                Self::Refused(format!("{message} ({})", code.number()))
            }
            ProviderAnswer::Unreadable(unreadable) => Self::Unfit(unreadable.to_string()),
            ProviderAnswer::Unfit(refusal) => Self::Unfit(refusal.to_string()),
            ProviderAnswer::Ended(at) => Self::Unfit(format!("the certificate expired at {at}")),
            ProviderAnswer::NotShown(why) => Self::Learned(why.to_string()),
            ProviderAnswer::Shown(until) => Self::Shown(until),
        }
    }
}

impl fmt::Display for NotShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEtcd => f.write_str("etcd cannot be asked"),
            Self::TooMany(count) => write!(
                f,
                "waiting until older ones are dropped, since {count} are trusted already"
            ),
            Self::NotTold => f.write_str("clients are about to be told"),
            Self::NotConfirmed => f.write_str("this unit is about to confirm it"),
            Self::Behind(members) => write!(f, "waiting for {}", members.join(", ")),
            Self::Grace(until) => write!(f, "clients have until {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use tls_certificates::Unreadable;
    use tls_certificates::answers::{CERTIFICATES, Code};

    use super::*;
    use crate::facts::Timestamp;
    use crate::tls::AnswerRefusal;

    /// As units have it noted: an older revision and a newer one read it.
    #[test]
    fn what_is_noted_stays_in_these_words() {
        let at = Timestamp(1_800_000_000);
        let refused = ProviderAnswer::Refused {
            message: "no".to_owned(),
            code: Code::DomainNotAllowed,
        };
        let behind = NotShown::Behind(vec!["etcd/1".to_owned(), "etcd/2".to_owned()]);
        for (answer, text) in [
            (ProviderAnswer::Asked, r#""Asked""#),
            (ProviderAnswer::Revoked, r#""Revoked""#),
            (refused, r#"{"Refused":"no (102)"}"#),
            (
                ProviderAnswer::Unreadable(Unreadable::NotAList(CERTIFICATES)),
                r#"{"Unfit":"certificates is not a list in JSON"}"#,
            ),
            (
                ProviderAnswer::Unfit(AnswerRefusal::Expired(at)),
                r#"{"Unfit":"the certificate expired at 2027-01-15T08:00:00Z"}"#,
            ),
            (
                ProviderAnswer::Ended(at),
                r#"{"Unfit":"the certificate expired at 2027-01-15T08:00:00Z"}"#,
            ),
            (
                ProviderAnswer::NotShown(NotShown::NoEtcd),
                r#"{"Learned":"etcd cannot be asked"}"#,
            ),
            (
                ProviderAnswer::NotShown(NotShown::TooMany(16)),
                r#"{"Learned":"waiting until older ones are dropped, since 16 are trusted already"}"#,
            ),
            (
                ProviderAnswer::NotShown(NotShown::NotTold),
                r#"{"Learned":"clients are about to be told"}"#,
            ),
            (
                ProviderAnswer::NotShown(NotShown::NotConfirmed),
                r#"{"Learned":"this unit is about to confirm it"}"#,
            ),
            (
                ProviderAnswer::NotShown(behind),
                r#"{"Learned":"waiting for etcd/1, etcd/2"}"#,
            ),
            (
                ProviderAnswer::NotShown(NotShown::Grace(at)),
                r#"{"Learned":"clients have until 2027-01-15T08:00:00Z"}"#,
            ),
            (ProviderAnswer::Shown(at), r#"{"Shown":1800000000}"#),
        ] {
            let state = ProviderState::from(answer);
            assert_eq!(serde_json::to_string(&state).expect("JSON"), text);
        }
    }
}
