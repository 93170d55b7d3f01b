//! Whether a relation may be given secrets that it was not given before. Juju
//! refuses some of that only when a hook is committed, and then refuses the whole
//! hook, with all that was meant for others; so what it would refuse is not tried.

use crate::facts::observed::{AcrossModels, ClientRelation, Observed};
use crate::facts::{Reason, RelationId, RequestKey, Share};
use crate::relation::{self, OfferedCertificate};

/// How often a commit may fail before anything is concluded from it: commits fail
/// for a busy controller as well (`state changing too quickly`).
const TRIES: u32 = 2;

/// When a relation that was found at fault is tried again: what Juju refuses for a
/// reason that no tool tells may be over by then, and costs one hook if it is not.
const AGAIN_AFTER_SECONDS: i64 = 3600;

/// Whether this relation may be given secrets now.
///
/// # Errors
/// Why not.
pub fn may_share(observed: &Observed, id: RelationId) -> Result<(), Reason> {
    let Some(relation) = observed.clients.relations.get(&id) else {
        return Ok(());
    };
    if relation.is_ending {
        return Err(Reason::EndingRelation);
    }
    if relation.across_models == Some(AcrossModels::Consumed) {
        return Err(Reason::ConsumedOffer);
    }
    match is_suspect(observed, relation) {
        Some(share) if share.alone => Err(Reason::RefusedShare),
        // One of several was at fault. Halving finds it in a few hooks.
        Some(_) if !first_half(observed).contains(&id) => Err(Reason::SuspectedShare),
        _ => Ok(()),
    }
}

/// Whether the answer to this request stands already, so that nothing is to be
/// shared for it.
pub fn is_answered(relation: &ClientRelation, key: &RequestKey) -> bool {
    let published = relation::read_own(&relation.own);
    let answer = published.get(&key.request);
    answer.is_some_and(|answer| answer.secret_user.is_some() && answer.secret_tls.is_some())
}

fn is_suspect<'o>(observed: &Observed, relation: &'o ClientRelation) -> Option<&'o Share> {
    let share = relation.refused_share.as_ref()?;
    let is_over = observed.now >= share.at.plus_seconds(AGAIN_AFTER_SECONDS);
    (share.tries >= TRIES && !is_over).then_some(share)
}

fn first_half(observed: &Observed) -> Vec<RelationId> {
    let relations = observed.clients.relations.iter();
    let suspects: Vec<_> = relations
        .filter(|(_, relation)| is_suspect(observed, relation).is_some_and(|share| !share.alone))
        .map(|(id, _)| *id)
        .collect();
    let half = suspects.len().div_ceil(2);
    suspects.into_iter().take(half).collect()
}

/// A requirer of another model cannot share a secret with us, so it needs a
/// key of ours to send its certificate under. It is made only for one that has
/// sent none: a certificate that stands there in clear is answered as it is.
pub(super) fn needs_encryption_key(relation: &ClientRelation) -> bool {
    let waits_for_certificate = match &relation.asked {
        Ok(Some(asked)) => asked.requests.iter().any(|entry| match &entry.outcome {
            Ok(request) => request.certificate == OfferedCertificate::None,
            Err(_) => false,
        }),
        _ => false,
    };
    relation.across_models == Some(AcrossModels::Offered)
        && waits_for_certificate
        && !relation.own.contains_key(relation::ENCRYPTION_SECRET)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Databag;
    use crate::plan::testing::{Bench, NOW};

    /// A bench whose relations were refused so often, in a hook of this many.
    fn refused(relations: &[u32], tries: u32) -> Bench {
        let mut bench = Bench::new(1);
        for id in relations {
            bench.ask_as(*id, &format!("/{id}/"), &format!("name{id}"), *id);
            let own = Databag::new();
            let alone = relations.len() == 1;
            let mut share = None;
            for _ in 0..tries {
                share = Some(Share::tried(share.as_ref(), &own, alone, NOW));
            }
            bench.relation(*id).refused_share = share;
        }
        bench
    }

    fn allowed(bench: &Bench) -> Vec<u32> {
        let ids = bench.observed.clients.relations.keys();
        let allowed = ids.filter(|id| may_share(&bench.observed, **id).is_ok());
        allowed.map(|id| id.0).collect()
    }

    #[test]
    fn commits_that_fail_again_and_again_are_narrowed_down_to_one_relation() {
        assert_eq!(allowed(&refused(&[1, 2, 3, 4, 5], 1)), [1, 2, 3, 4, 5]);
        let mut bench = refused(&[1, 2, 3, 4, 5], 2);
        assert_eq!(allowed(&bench), [1, 2, 3]);
        // The third is at fault; those that are served have another databag.
        for id in [1, 2] {
            bench.relation(id).refused_share = None;
        }
        assert_eq!(allowed(&bench), [1, 2, 3, 4]);
        let own = Databag::new();
        let share = bench.relation(3).refused_share.take();
        let alone = Share::tried(share.as_ref(), &own, true, NOW);
        bench.relation(3).refused_share = Some(alone);
        assert_eq!(allowed(&bench), [1, 2, 4]);
    }

    #[test]
    fn whoever_was_at_fault_is_tried_again_after_an_hour() {
        let mut bench = refused(&[1], 2);
        assert!(allowed(&bench).is_empty());
        bench.observed.now = NOW.plus_seconds(3600);
        assert_eq!(allowed(&bench), [1]);
    }

    #[test]
    fn what_juju_is_known_to_refuse_is_not_tried() {
        let mut bench = refused(&[1, 2, 3], 0);
        bench.relation(1).is_ending = true;
        bench.relation(2).across_models = Some(AcrossModels::Consumed);
        bench.relation(3).across_models = Some(AcrossModels::Offered);
        assert_eq!(allowed(&bench), [3]);
    }
}
