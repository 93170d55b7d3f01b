//! How long a name is kept from everybody once the certificates in it have ended.

use crate::facts::Timestamp;

/// How long a name is still kept after its certificates were first seen to have ended:
/// a day, since the clocks of members are not ours, and a name may become another
/// client's. It counts from then and not from the end itself, so that a clock
/// that jumps ahead of it, and back within the day, takes nothing from anybody.
const KEPT_SECONDS: i64 = 24 * 3600;

/// When a name may be somebody else's whose last certificate ends at this moment.
pub fn free_after(not_after: Timestamp) -> Timestamp {
    not_after.plus_seconds(KEPT_SECONDS)
}

/// Whether certificates that were first seen to have ended then have ended for long
/// enough that no clock can be at fault.
pub(super) fn is_over(ended_at: Option<Timestamp>, now: Timestamp) -> bool {
    ended_at.is_some_and(|since| since.plus_seconds(KEPT_SECONDS) < now)
}
