//! Versions of etcd in which one client can reach what is another's. Such a
//! version serves, and an operator is told.

use super::upgrade;
use crate::facts::{Instead, Version};

/// An advisory that lets an authenticated client read or do what its role does
/// not allow, and the first fixed patch release of each series. A series that
/// is not named was never affected, except that those below the first are.
struct Advisory {
    id: &'static str,
    fixed: &'static [(u32, u32)],
}

/// Published advisories of etcd that concern authorization, in the order of
/// their publication. Series from 3.8 on came after all of them.
const ADVISORIES: &[Advisory] = &[
    Advisory {
        id: "CVE-2021-28235",
        fixed: &[(4, 25), (5, 8)],
    },
    Advisory {
        id: "CVE-2023-32082",
        fixed: &[(4, 26), (5, 9)],
    },
    Advisory {
        id: "CVE-2026-33413",
        fixed: &[(4, 42), (5, 28), (6, 9)],
    },
    Advisory {
        id: "CVE-2026-33343",
        fixed: &[(4, 42), (5, 28), (6, 9)],
    },
    Advisory {
        id: "CVE-2026-44283",
        fixed: &[(4, 44), (5, 30), (6, 11)],
    },
    Advisory {
        id: "GHSA-xg4h-6gfc-h4m8",
        fixed: &[(5, 33), (6, 14), (7, 1)],
    },
    ALARM_LIFTS_RIGHTS,
];

/// An alarm that is raised takes the check of rights away from everything that is
/// written by consensus, users and roles included. Any client raises one by filling
/// the database; before the fix of CVE-2026-33413 a single call does it. 3.6 was
/// built differently, and no older series has a fix.
const ALARM_LIFTS_RIGHTS: Advisory = Advisory {
    id: "etcd-io/etcd#22386",
    fixed: &[(6, 0)],
};

/// Whether a client of this version can make itself `root`, by an alarm.
pub fn lets_clients_become_root(version: &Version) -> bool {
    ALARM_LIFTS_RIGHTS.concerns(version)
}

/// The identifiers of the advisories that this version is open to.
pub fn open_advisories(version: &Version) -> Vec<&'static str> {
    ADVISORIES
        .iter()
        .filter(|advisory| advisory.concerns(version))
        .map(|advisory| advisory.id)
        .collect()
}

/// What somebody who runs a version should know and do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Advice {
    /// The version.
    pub version: Version,
    /// The advisories that it is open to.
    pub open: Vec<&'static str>,
    /// The way to a release in which none is open, if there is one.
    pub way: Option<Way>,
}

/// The way to a release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Way {
    /// What has to be attached first.
    pub first: Option<Instead>,
    /// The first release of its series in which no advisory is open.
    pub to: Version,
}

/// What somebody who runs this version should know and do; `None` where no advisory is
/// open.
pub fn advice(version: &Version) -> Option<Advice> {
    let open = open_advisories(version);
    if open.is_empty() {
        return None;
    }
    let way = without_open_ones(version).map(|to| Way {
        first: upgrade::instead(version, &to),
        to,
    });
    Some(Advice {
        version: version.clone(),
        open,
        way,
    })
}

/// The first release, of the series of this version or else of the next that has
/// one, in which none is open.
fn without_open_ones(version: &Version) -> Option<Version> {
    let fixes = ADVISORIES.iter().flat_map(|advisory| advisory.fixed);
    let mut fixed: Vec<_> = fixes
        .copied()
        .filter(|(minor, _)| version.major == 3 && *minor >= version.minor)
        .collect();
    fixed.sort_unstable();
    let release = |(minor, patch)| format!("3.{minor}.{patch}").parse().ok();
    fixed
        .into_iter()
        .filter_map(release)
        .filter(|release| release > version)
        .find(|release| open_advisories(release).is_empty())
}

impl Advisory {
    fn concerns(&self, version: &Version) -> bool {
        if version.major != 3 {
            return version.major < 3;
        }
        let series = self.fixed.iter().find(|(minor, _)| *minor == version.minor);
        match series {
            Some((_, patch)) => version.patch < *patch,
            // A series older than every fixed one never got the fix.
            None => self
                .fixed
                .first()
                .is_some_and(|(minor, _)| version.minor < *minor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(version: &str) -> Vec<&'static str> {
        open_advisories(&version.parse().expect("a version"))
    }

    #[test]
    fn debians_version_is_open_to_all_of_them() {
        assert_eq!(open("3.4.23").len(), ADVISORIES.len());
    }

    #[test]
    fn a_fixed_version_is_open_to_none() {
        for version in ["3.6.14", "3.7.1", "3.8.0", "4.0.0"] {
            assert_eq!(open(version), Vec::<&str>::new(), "{version}");
        }
    }

    #[test]
    fn each_series_has_its_own_fix() {
        assert_eq!(open("3.6.13"), ["GHSA-xg4h-6gfc-h4m8"]);
        assert_eq!(open("3.7.0"), ["GHSA-xg4h-6gfc-h4m8"]);
        assert_eq!(open("3.6.10"), ["CVE-2026-44283", "GHSA-xg4h-6gfc-h4m8"]);
        // No 3.4 has the last fix: the series had ended by then.
        assert_eq!(
            open("3.4.44"),
            ["GHSA-xg4h-6gfc-h4m8", "etcd-io/etcd#22386"]
        );
    }

    #[test]
    fn there_is_a_way_to_a_release_without_open_ones() {
        let version = |text: &str| -> Version { text.parse().expect("a version") };
        for (from, first, to) in [
            ("3.4.23", Some(Instead::FirstOfSeries(3, 5)), "3.6.14"),
            ("3.5.1", Some(Instead::FirstFrom(3, 5, 26)), "3.6.14"),
            ("3.5.33", None, "3.6.14"),
            ("3.6.10", None, "3.6.14"),
            ("3.7.0", None, "3.7.1"),
        ] {
            let expected = Advice {
                version: version(from),
                open: open(from),
                way: Some(Way {
                    first,
                    to: version(to),
                }),
            };
            assert_eq!(advice(&version(from)), Some(expected));
        }
        for text in ["3.6.14", "3.7.1", "3.8.0"] {
            assert_eq!(advice(&version(text)), None, "{text}");
        }
    }

    #[test]
    fn an_alarm_makes_root_in_all_series_before_3_6() {
        for (version, is_open) in [
            ("3.3.25", true),
            ("3.4.44", true),
            ("3.5.33", true),
            ("3.6.0", false),
            ("3.7.3", false),
            ("4.0.0", false),
        ] {
            let version = version.parse().expect("a version");
            assert_eq!(lets_clients_become_root(&version), is_open, "{version}");
        }
    }
}
