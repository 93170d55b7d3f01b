//! How often one relation may bring certificates that no member knows yet. Each
//! time costs a restart of every member, whatever else is limited; so one that
//! goes on waits, each time for longer, and nobody beside it does.

use sha2::{Digest as _, Sha256};

use super::Planner;
use crate::facts::observed::{Certificate, Scope};
use crate::facts::{Grant, LedgerWrite, Pace, Reason, RelationId, RequestKey, Timestamp};
use crate::plan::digest;

/// So many changes are taken at once. A relation begins with one or a few, and
/// changes its certificates months later; an operator who tries what is accepted
/// needs some more.
const FREE: u32 = 5;

/// How long the first change after those waits, in seconds; each further one twice
/// as long as the one before.
const FIRST_WAIT: i64 = 60;

/// The longest that a change waits, in seconds, and the time after which one of
/// those before does not count any more. So a relation that never stops
/// brings ten in its first hour, and one in each hour after it.
const LONGEST_WAIT: i64 = 3600;

impl Planner<'_, '_> {
    /// Whether the relation may bring another certificate now.
    ///
    /// # Errors
    /// When it may.
    pub(super) fn admit_pace(&self, key: &RequestKey, grant: &Grant) -> Result<(), Reason> {
        let now = self.observed.now;
        match self.ledger.paces.get(&key.relation) {
            Some(pace)
                if self.is_new(key, grant)
                    && !self.is_counted(key, pace)
                    && next(pace, now) > now =>
            {
                Err(Reason::Pace(next(pace, now)))
            }
            _ => Ok(()),
        }
    }

    /// Counts a certificate that is about to be granted. All that a relation shows at
    /// once are one change, since they cost one restart.
    pub(super) fn count_change(&mut self, key: &RequestKey, grant: &Grant) {
        let now = self.observed.now;
        let before = self.ledger.paces.get(&key.relation);
        let is_repeated = before.is_some_and(|pace| self.is_counted(key, pace));
        let is_noted = is_repeated && before.is_some_and(|pace| pace.last == now);
        if !self.is_new(key, grant) || is_noted {
            return;
        }
        let pace = Pace {
            changes: before.map_or(0, |pace| counted(pace, now)) + u32::from(!is_repeated),
            last: now,
            shown: self.shown(key.relation),
        };
        self.write([LedgerWrite::Pace(key.relation, pace)]);
    }

    /// Forgets what does not count any more.
    pub(super) fn forget_paces(&mut self) {
        let now = self.observed.now;
        let clients = &self.observed.clients;
        let is_over = |relation, pace: &Pace| {
            let is_gone = clients.scope == Scope::All && !clients.relations.contains_key(relation);
            is_gone || counted(pace, now) == 0
        };
        let paces = self.ledger.paces.iter();
        let over = paces.filter(|(relation, pace)| is_over(*relation, pace));
        let over: Vec<_> = over
            .map(|(relation, _)| LedgerWrite::ForgetPace(*relation))
            .collect();
        for write in over {
            self.write([write]);
        }
    }

    /// Whether this member would have to restart for it, and does not wait to do so
    /// already.
    fn is_new(&self, key: &RequestKey, grant: &Grant) -> bool {
        // Every member trusts its authority by now.
        if grant.issuer.is_some() {
            return false;
        }
        let held = self.ledger.clients.get(key);
        let held = held.and_then(|record| record.grant.as_ref());
        if held.is_some_and(|held| held.fingerprint == grant.fingerprint) {
            return false;
        }
        let loaded = self.observed.machine.loaded_leaves.as_ref();
        !loaded.is_some_and(|loaded| loaded.contains(&grant.fingerprint))
    }

    /// Whether the last change was counted for what the relation shows now: the hook
    /// that did so was cut short, or a grant has not come into force yet.
    fn is_counted(&self, key: &RequestKey, pace: &Pace) -> bool {
        pace.shown.is_some() && pace.shown == self.shown(key.relation)
    }

    /// A digest of the certificates that the relation shows, whatever has become of
    /// them so far.
    fn shown(&self, relation: RelationId) -> Option<String> {
        let relation = self.observed.clients.relations.get(&relation)?;
        let mut hash = Sha256::new();
        for (key, certificate) in &relation.certificates {
            if let Certificate::Text(text) = certificate {
                let request = key.request.as_ref().map_or("", |id| id.as_str());
                // Lengths keep two neighbouring texts apart.
                for part in [request, text] {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
            }
        }
        Some(digest::hex(&hash.finalize()[..16]))
    }
}

/// How many changes still count. One from the future is from before the clock was
/// set right, and counts for nothing.
fn counted(pace: &Pace, now: Timestamp) -> u32 {
    let since = now.0 - pace.last.0;
    if since < 0 {
        return 0;
    }
    let forgotten = u32::try_from(since / LONGEST_WAIT).unwrap_or(u32::MAX);
    pace.changes.saturating_sub(forgotten)
}

/// When the next change is taken: in the past, where it is now.
fn next(pace: &Pace, now: Timestamp) -> Timestamp {
    match counted(pace, now).checked_sub(FREE) {
        None => pace.last.min(now),
        Some(more) => {
            let wait = FIRST_WAIT << more.min(16);
            pace.last.plus_seconds(wait.min(LONGEST_WAIT))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When changes are taken of a relation that brings one in every second.
    fn taken(seconds: i64) -> Vec<i64> {
        let mut taken = Vec::new();
        let mut pace: Option<Pace> = None;
        for now in (0..seconds).map(Timestamp) {
            if pace.as_ref().is_some_and(|pace| next(pace, now) > now) {
                continue;
            }
            let changes = pace.map_or(0, |pace| counted(&pace, now)) + 1;
            pace = Some(Pace {
                changes,
                last: now,
                shown: None,
            });
            taken.push(now.0);
        }
        taken
    }

    #[test]
    fn who_never_stops_waits_longer_each_time() {
        let taken = taken(24 * 3600);
        assert_eq!(taken[..5], [0, 1, 2, 3, 4]);
        let waits: Vec<_> = taken[4..10].windows(2).map(|at| at[1] - at[0]).collect();
        assert_eq!(waits, [60, 120, 240, 480, 960]);
        let in_hour = |hour| taken.iter().filter(|at| **at / 3600 == hour).count();
        assert_eq!(in_hour(0), 10);
        assert!((1..24).all(|hour| in_hour(hour) <= 2), "{taken:?}");
        assert!(taken.len() <= 10 + 24, "{taken:?}");
    }

    #[test]
    fn who_was_quiet_begins_anew_and_a_wrong_clock_bars_nobody() {
        let pace = Pace {
            changes: 9,
            last: Timestamp(0),
            shown: None,
        };
        let after = |hours: i64| Timestamp(hours * 3600);
        assert_eq!(counted(&pace, after(4)), 5);
        assert_eq!(counted(&pace, after(9)), 0);
        assert!(next(&pace, after(5)) <= after(5));
        let ahead = Pace {
            changes: 9,
            last: after(9999),
            shown: None,
        };
        assert!(next(&ahead, after(1)) <= after(1));
    }
}
