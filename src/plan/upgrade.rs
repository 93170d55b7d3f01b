//! Which release of etcd may follow which: a member that is started with
//! another one may not start at all, or not be able to go back. What members
//! refuse to be upgraded to, a unit cannot join them with either.

use crate::facts::{Instead, UpgradeRefusal, Version};

/// The first release of 3.5 whose members can become 3.6: those before it do
/// not write down that a member was promoted, and 3.6 does not start with what
/// they have written ("too many learner members in cluster").
const LAST_STEP_OF_3_5: (u32, u32) = (5, 26);

/// Why a member that runs `from` may not be started with `to`, and what to
/// attach instead; `None` where it may.
pub fn refusal(from: &Version, to: &Version) -> Option<UpgradeRefusal> {
    Some(UpgradeRefusal {
        from: from.clone(),
        to: to.clone(),
        instead: instead(from, to)?,
    })
}

/// The release to attach where `to` cannot follow `from`, and where a unit that has
/// `to` cannot join members that run `from`.
pub(super) fn instead(from: &Version, to: &Version) -> Option<Instead> {
    let (minor, patch) = LAST_STEP_OF_3_5;
    if (from.major, from.minor) == (to.major, to.minor) {
        return None;
    }
    if from.major != to.major || to.minor < from.minor {
        Some(Instead::OfSeries(from.major, from.minor))
    } else if to.minor > from.minor + 1 {
        Some(Instead::FirstOfSeries(from.major, from.minor + 1))
    } else if from.minor == minor && from.patch < patch {
        Some(Instead::FirstFrom(from.major, minor, patch))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_follow_one_another() {
        let refused = |from: &str, to: &str| {
            let version = |text: &str| text.parse::<Version>().expect("a version");
            refusal(&version(from), &version(to)).map(|refusal| refusal.instead)
        };
        for (from, to) in [
            ("3.4.23", "3.4.44"),
            ("3.6.16", "3.6.14"),
            ("3.4.23", "3.5.1"),
            ("3.5.26", "3.6.16"),
            ("3.6.16", "3.7.3"),
        ] {
            assert_eq!(refused(from, to), None, "{from} {to}");
        }
        for (from, to, attach) in [
            ("3.5.1", "3.6.16", Instead::FirstFrom(3, 5, 26)),
            ("3.4.23", "3.6.16", Instead::FirstOfSeries(3, 5)),
            ("3.6.16", "3.5.26", Instead::OfSeries(3, 6)),
            ("3.6.16", "4.0.0", Instead::OfSeries(3, 6)),
        ] {
            assert_eq!(refused(from, to), Some(attach), "{from} {to}");
        }
    }
}
