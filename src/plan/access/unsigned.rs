//! Requests for certificates that are refused, on record so that every status and
//! `list-clients` can speak of them, whichever relation a hook is about.

use tls_certificates::answers::RequestError;

use super::Planner;
use super::signed::Signable;
use crate::facts::observed::SigningRelation;
use crate::facts::{AppName, Condition, LedgerWrite, RelationId, Unsigned};

impl Planner<'_, '_> {
    /// Notes what is refused, for a status that speaks of all relations.
    pub(super) fn note_unsigned(
        &mut self,
        id: RelationId,
        app: &AppName,
        relation: &SigningRelation,
        judged: &[Result<Signable, RequestError>],
    ) {
        let mut refused: Vec<_> = match &relation.asked {
            Err(Condition::Refused(reason)) => vec![reason.clone()],
            // What cannot be told now was told before.
            Err(Condition::Waiting(_)) => return,
            Ok(_) => {
                let refused = judged.iter().filter_map(|judged| judged.as_ref().err());
                let refused = refused.map(|error| error.message.clone());
                refused.chain(relation.set_aside.iter().cloned()).collect()
            }
        };
        // In an order of their own: that of the requests is drawn by lot.
        refused.sort_unstable();
        let write = match refused.first() {
            Some(reason) => {
                let why = Unsigned {
                    app: app.clone(),
                    reason: reason.clone(),
                    others: refused.len() - 1,
                };
                LedgerWrite::Unsigned(id, why)
            }
            None => LedgerWrite::ForgetUnsigned(id),
        };
        self.write([write]);
    }

    /// Forgets what was refused over relations in scope that are gone.
    pub(super) fn forget_unsigned(&mut self) {
        let clients = &self.observed.clients;
        let gone = self.ledger.unsigned.keys().copied();
        let gone =
            gone.filter(|id| clients.scope.contains(*id) && !clients.signing.contains_key(id));
        let writes: Vec<_> = gone.map(LedgerWrite::ForgetUnsigned).collect();
        self.write(writes);
    }
}
