//! What a provider has answered to the request of this unit, after every check.

use tls_certificates::Unreadable;
use tls_certificates::answers::RequestError;

use crate::facts::Timestamp;
use crate::facts::observed::{Observed, Provider};
use crate::facts::provider::PendingRequest;
use crate::tls::{AnswerRefusal, ServerCertificate};

/// An answer, or why there is none.
pub(in crate::plan) enum Answer {
    /// A certificate that the member can show.
    Given(Box<ServerCertificate>),
    /// Nothing yet.
    None,
    /// One that must not be used any more, and no other yet.
    Revoked,
    /// The provider says that there will be none, and why.
    Refused(RequestError),
    /// Something that cannot be read.
    Unreadable(Unreadable),
    /// Something that cannot be used, and why.
    Unfit(AnswerRefusal),
    /// A certificate that has ended.
    Ended(Timestamp),
}

/// What stands there for this request. What was answered to any other is nothing to
/// this unit, be it another unit's or one that it has withdrawn.
pub(in crate::plan) fn answer(
    observed: &Observed,
    provider: &Provider,
    pending: &PendingRequest,
) -> Answer {
    if pending.relation != provider.relation {
        return Answer::None;
    }
    let answers = match &provider.answers {
        Ok(answers) => answers,
        Err(unreadable) => return Answer::Unreadable(*unreadable),
    };
    if let Some(found) = answers.certificate(&pending.csr) {
        let checked = ServerCertificate::check(
            &found.certificate,
            &found.ca,
            &found.chain,
            &pending.key,
            &pending.names,
            observed.now,
        );
        return match checked {
            Ok(given) => Answer::Given(Box::new(given)),
            Err(AnswerRefusal::Expired(at)) => Answer::Ended(at),
            Err(refusal) => Answer::Unfit(refusal),
        };
    }
    if answers.is_revoked(&pending.csr) {
        return Answer::Revoked;
    }
    match answers.error(&pending.csr) {
        Some(error) => Answer::Refused(error.clone()),
        None => Answer::None,
    }
}
