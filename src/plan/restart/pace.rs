//! How often this member restarts for certificates at most, whoever brings them.
//!
//! Restarts are paid for with time: each with five minutes, which is what lies
//! between two `update-status`, and up to an hour is lent. So a change after a quiet
//! hour is at once, as are a dozen of them, one for each of as many clients that
//! come one after the other; and then twelve in an hour, each of which takes in
//! all that has come meanwhile. What is postponed happens with the first hook
//! after its time, at the next `update-status` at the latest.

use crate::facts::Timestamp;

/// What a restart costs, in seconds.
const INTERVAL: i64 = 300;

/// How many restarts are lent.
const LENT: i64 = 12;

/// When the next restart may be, given until when those before are paid for: in
/// the past, where it may be now.
pub(super) fn next(paid_until: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let paid_until = believed(paid_until, now);
    paid_until.plus_seconds(-INTERVAL * (LENT - 1))
}

/// Until when all is paid for after a restart now.
pub(super) fn paid_after(paid_until: Option<Timestamp>, now: Timestamp) -> Timestamp {
    believed(paid_until, now).max(now).plus_seconds(INTERVAL)
}

/// More than was ever lent is from before the clock was set right.
fn believed(paid_until: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let most = now.plus_seconds(INTERVAL * LENT);
    paid_until.filter(|until| *until <= most).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dozen_at_once_and_then_one_in_five_minutes() {
        let mut paid = None;
        let mut restarts = Vec::new();
        for now in (0..4 * 3600).map(Timestamp) {
            if next(paid, now) <= now {
                paid = Some(paid_after(paid, now));
                restarts.push(now.0);
            }
        }
        assert_eq!(restarts[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
        assert_eq!(restarts[12..15], [300, 600, 900]);
        assert_eq!(restarts.len(), 12 + 47);
    }

    #[test]
    fn a_quiet_hour_lends_all_again_and_a_wrong_clock_bars_nobody() {
        let hours = |hours: i64| Timestamp(hours * 3600);
        let paid = (0..12).fold(None, |paid, _| Some(paid_after(paid, hours(0))));
        assert_eq!(paid, Some(hours(1)));
        assert!(next(paid, hours(0)) > hours(0));
        let again = (0..12).fold(paid, |paid, _| {
            assert!(next(paid, hours(1)) <= hours(1));
            Some(paid_after(paid, hours(1)))
        });
        assert!(next(again, hours(1)) > hours(1));
        assert!(next(Some(hours(9999)), hours(1)) <= hours(1));
    }
}
