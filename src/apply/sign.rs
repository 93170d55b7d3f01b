//! Certificates that applications have asked for.

use tls_certificates::answers::{self, Answer};

use super::{ApplyError, Missing};
use crate::context::Context;
use crate::facts::authorities::Authorities;
use crate::plan::publish::{SigningPublication, ToSign};
use crate::tls::Authority;
use crate::workload::relation_notes;

/// Signs what is to be signed for one relation, and answers it. The names are on
/// record by now. If this hook fails, nobody gets what it has signed.
///
/// # Errors
/// See [`ApplyError`].
pub(super) fn sign(
    context: &Context,
    authorities: Option<&Authorities>,
    publication: &SigningPublication,
) -> Result<String, ApplyError> {
    let SigningPublication {
        relation,
        unchanged,
        to_sign,
        errors,
    } = publication;
    let mut answers = unchanged.clone();
    if !to_sign.is_empty() {
        let authority = authorities.and_then(|all| all.client.as_ref());
        let authority = authority.ok_or(ApplyError::Missing(Missing::ClientAuthority))?;
        for request in to_sign {
            answers.push(answer(context, authority, request)?);
        }
    }
    // In one order, so that the next hook finds what this one has written.
    answers.sort_by(|one, other| one.csr.cmp(&other.csr));
    let changes = answers::write(&answers, errors)
        .map(|(key, value)| (key.to_owned(), value))
        .into();
    relation_notes::forget(&context.paths, relation.id)?;
    context.tools.relation_set_app(*relation, &changes)?;
    let refused: Vec<_> = errors.iter().map(|error| error.message.as_str()).collect();
    let refused = match refused.as_slice() {
        [] => String::new(),
        all => format!(", refused: {}", all.join(", ")),
    };
    Ok(format!(
        "{relation}: signed {} certificates{refused}",
        to_sign.len()
    ))
}

fn answer(
    context: &Context,
    authority: &Authority,
    request: &ToSign,
) -> Result<Answer, ApplyError> {
    let seconds = request.not_after.0 - context.now.0;
    let certificate = authority.sign_request(&request.request, context.now, seconds)?;
    Ok(Answer {
        csr: request.csr.clone(),
        chain: vec![certificate.clone(), authority.certificate.clone()],
        certificate,
        ca: authority.certificate.clone(),
        is_revoked: false,
    })
}
