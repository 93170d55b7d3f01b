//! Answers to those who ask for certificates.

use tls_certificates::answers::{self, Answer, RequestError};

use crate::facts::observed::{Observed, SigningRelation};
use crate::facts::{Cluster, Relation, Timestamp};
use crate::plan::access::{Signable, Unsignable, signable};
use crate::relation::CERTIFICATES;
use crate::tls::ClientRequest;

/// What one relation is told.
#[derive(Clone, Debug)]
pub struct SigningPublication {
    /// The relation.
    pub relation: Relation,
    /// What was answered before and stands.
    pub unchanged: Vec<Answer>,
    /// What is signed now.
    pub to_sign: Vec<ToSign>,
    /// Why the others have no certificate.
    pub errors: Vec<RequestError>,
}

/// A request that is signed now.
#[derive(Clone, Debug)]
pub struct ToSign {
    /// The request, as it is answered.
    pub csr: String,
    /// What is signed.
    pub request: ClientRequest,
    /// When the certificate ends: not after what the ledger has on record.
    pub not_after: Timestamp,
}

/// The relations in scope that are not told what they should be. What cannot be
/// read is not answered anew.
pub(super) fn publications(observed: &Observed, cluster: &Cluster) -> Vec<SigningPublication> {
    let relations = observed.clients.signing.iter();
    relations
        .filter(|(_, relation)| relation.asked.is_ok() && observed.machine.client_ca.is_some())
        .filter_map(|(id, relation)| {
            let publication = SigningPublication {
                relation: Relation {
                    endpoint: CERTIFICATES,
                    id: *id,
                },
                unchanged: Vec::new(),
                to_sign: Vec::new(),
                errors: Vec::new(),
            };
            let signable = signable(observed, cluster, &cluster.ledger, *id);
            let publication = signable
                .into_iter()
                .fold(publication, |so_far, next| with(so_far, next, cluster));
            (!publication.is_published(relation)).then_some(publication)
        })
        .collect()
}

fn with(
    mut publication: SigningPublication,
    next: Result<Signable, Unsignable>,
    cluster: &Cluster,
) -> SigningPublication {
    match next {
        Err(Unsignable { csr, refusal }) => publication.errors.push(RequestError {
            csr,
            code: refusal.code(),
            message: refusal.to_string(),
            reason: None,
        }),
        Ok(Signable {
            csr,
            request,
            answer,
        }) => {
            let claim = cluster.ledger.signed.get(&request.common_name);
            let claim = claim
                .filter(|claim| claim.relation == publication.relation.id && !claim.is_revoked);
            match (answer, claim) {
                (Some((answer, end)), Some(claim)) if end <= claim.not_after => {
                    publication.unchanged.push(answer);
                }
                (_, Some(claim)) => publication.to_sign.push(ToSign {
                    csr,
                    request,
                    not_after: claim.not_after,
                }),
                // Nothing is signed that is not on record.
                (_, None) => {}
            }
        }
    }
    publication
}

impl SigningPublication {
    /// Whether all of it stands already.
    fn is_published(&self, relation: &SigningRelation) -> bool {
        let mut values = answers::write(&self.unchanged, &self.errors).into_iter();
        self.to_sign.is_empty()
            && values.all(|(key, value)| relation.own.get(key) == value.as_ref())
    }
}
