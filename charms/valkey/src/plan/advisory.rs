//! Releases of which weaknesses are known that matter here: clients that do not
//! trust each other share one server.

/// What is known of a release, in a line; none if nothing is. Distributions mend
/// old releases without another number, so a release of theirs is named and not
/// judged.
pub fn of(version: &str) -> Option<&'static str> {
    let mut numbers = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    match (next(), next(), next()) {
        (..8, _, _) => Some("it is older than any release that is looked after"),
        (8, 0, _) => Some("release 8.0 of Debian's backports was never mended; use 8.1 or 9"),
        (8, _, _) => Some("safe with the distribution's updates: look for them, and for 9.1.2"),
        (9, 0, _) | (9, 1, ..2) => {
            Some("CVE-2026-82631, -82677, -85522 and -86227 are mended in 9.1.2")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_releases_are_named() {
        for version in ["7.2.5", "8.0.1", "8.1.1", "9.0.3", "9.1.1"] {
            assert!(of(version).is_some(), "{version}");
        }
        for version in ["9.1.2", "9.2.0", "10.0.0"] {
            assert_eq!(of(version), None, "{version}");
        }
    }
}
