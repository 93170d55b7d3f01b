//! Requests for certificates that are refused, on record so that every status and
//! `list-clients` can speak of them, whichever relation a hook is about.

use super::Planner;
use super::signed::{Signable, Unsignable};
use crate::facts::observed::SigningRelation;
use crate::facts::reason::{SigningRefusal, UnknownRequests};
use crate::facts::{AppName, LedgerWrite, RelationId, Unsigned};

impl Planner<'_, '_> {
    /// Notes what is refused, for a status that speaks of all relations.
    pub(super) fn note_unsigned(
        &mut self,
        id: RelationId,
        app: &AppName,
        relation: &SigningRelation,
        judged: &[Result<Signable, Unsignable>],
    ) {
        let unsigned = match &relation.asked {
            Err(UnknownRequests::Databag(unreadable)) => {
                Unsigned::of(app, &[SigningRefusal::Databag(*unreadable)])
            }
            // What cannot be told now was told before.
            Err(UnknownRequests::Relation | UnknownRequests::Units) => return,
            Ok(_) => {
                let entries = relation.refused.iter();
                let entries = entries.map(|(at, refusal)| SigningRefusal::Entry(*at, *refusal));
                let entries: Vec<_> = entries.collect();
                let judged = judged.iter().filter_map(|judged| judged.as_ref().err());
                Unsigned::of(app, judged.map(|one| &one.refusal).chain(&entries))
            }
        };
        let write = match unsigned {
            Some(unsigned) => LedgerWrite::Unsigned(id, unsigned),
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
