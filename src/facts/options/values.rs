//! The values of options that are texts: sizes, periods, names.

use std::collections::BTreeSet;
use std::net::IpAddr;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The smallest quota: the records of some hundred clients and the history of
/// an hour still fit, also while one of them writes too much.
const LEAST_QUOTA: u64 = 16 * MIB;

/// The largest quota: more than ten times what etcd recommends.
const MOST_QUOTA: u64 = 100 * GIB;

/// What etcd recommends not to exceed.
const MOST_AUTO_QUOTA: u64 = 8 * GIB;

pub(super) const QUOTA: &str = "auto, or 16MiB to 100GiB as a number of bytes or with K, M or G";

/// One minute; compactions that follow each other faster are all that a member
/// does.
const LEAST_PERIOD: u64 = 60;
/// A year.
const MOST_PERIOD: u64 = 8760 * 3600;

pub(super) const PERIOD: &str = "1m to 8760h, such as 30m, 1h30m or 24h, a plain number being \
     hours, as auto-compaction-mode is periodic";

const LEAST_REVISIONS: u64 = 100;
const MOST_REVISIONS: u64 = 1_000_000_000;

pub(super) const REVISIONS: &str =
    "a number of 100 to 1000000000 revisions, as auto-compaction-mode is revision";

/// Stands for the number of the unit.
pub(super) const UNIT: &str = "{unit}";

/// More would make every handshake noticeably longer.
const MOST_NAMES: usize = 50;

/// Limits of the domain name system.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;

pub(super) const NAMES: &str =
    "up to 50 DNS names without wildcards and IP addresses, separated by commas";

/// How much history etcd keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Retention {
    /// That of so many seconds.
    Seconds(u64),
    /// So many revisions.
    Revisions(u64),
}

impl Retention {
    /// Mode and retention in etcd's words, in one spelling for each length.
    pub(super) fn render(self) -> (&'static str, String) {
        match self {
            Self::Revisions(count) => ("revision", count.to_string()),
            Self::Seconds(seconds) => {
                let (number, unit) = match seconds {
                    _ if seconds % 3600 == 0 => (seconds / 3600, 'h'),
                    _ if seconds % 60 == 0 => (seconds / 60, 'm'),
                    _ => (seconds, 's'),
                };
                ("periodic", format!("{number}{unit}"))
            }
        }
    }
}

/// The quota that `auto` stands for, on a volume of so many bytes.
///
/// Half of the volume, since a defragmentation writes a second copy beside the
/// first, and the log takes its share; at most the 8 GiB that etcd recommends.
/// Rounded down to a power of two, so that a volume which is a little larger or
/// smaller than before changes nothing: a new quota is a restart.
pub fn auto_quota(volume_bytes: u64) -> u64 {
    let half = (volume_bytes / 2).clamp(LEAST_QUOTA, MOST_AUTO_QUOTA);
    1 << half.ilog2()
}

/// `None` is not a quota; `Some(None)` is `auto`.
pub(super) fn quota(text: &str) -> Option<Option<u64>> {
    if text == "auto" {
        return Some(None);
    }
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match text[digits.len()..].trim_start() {
        "" | "B" => 1,
        "K" | "Ki" | "KiB" => 1 << 10,
        "M" | "Mi" | "MiB" => MIB,
        "G" | "Gi" | "GiB" => GIB,
        _ => return None,
    };
    let bytes = number(digits)?.checked_mul(factor)?;
    (LEAST_QUOTA..=MOST_QUOTA)
        .contains(&bytes)
        .then_some(Some(bytes))
}

/// A length of time as Go writes it, whole seconds only; a plain number is one
/// of hours, as etcd has it.
pub(super) fn period(text: &str) -> Option<Retention> {
    let seconds = match number(text) {
        Some(hours) => hours.checked_mul(3600)?,
        None => go_duration(text)?,
    };
    (LEAST_PERIOD..=MOST_PERIOD)
        .contains(&seconds)
        .then_some(Retention::Seconds(seconds))
}

fn go_duration(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut seconds: u64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let factor = match rest.as_bytes()[end] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        let part = number(&rest[..end])?.checked_mul(factor)?;
        seconds = seconds.checked_add(part)?;
        rest = &rest[end + 1..];
    }
    Some(seconds)
}

pub(super) fn revisions(text: &str) -> Option<Retention> {
    number(text)
        .filter(|count| (LEAST_REVISIONS..=MOST_REVISIONS).contains(count))
        .map(Retention::Revisions)
}

/// Digits and nothing else: a sign or a separator would be somebody's slip.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// Names and addresses in one spelling each, or the first that is none.
pub(super) fn names(text: &str) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    for name in text.split(',').map(str::trim) {
        if name.is_empty() {
            continue;
        }
        names.insert(self::name(name).ok_or_else(|| format!("{name:?}"))?);
        if names.len() > MOST_NAMES {
            return Err(format!("more than {MOST_NAMES}"));
        }
    }
    Ok(names)
}

fn name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        // Nobody can be reached at these, or everybody.
        let is_fit = !address.is_unspecified() && !address.is_multicast();
        return is_fit.then(|| address.to_string());
    }
    // A unit's number has as many digits as it will; five are plenty.
    let sample = text.replace(UNIT, "10000");
    let is_label = |label: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=LONGEST_LABEL).contains(&label.len())
            && label.bytes().all(fits)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A name that ends in digits only is an address with a slip in it.
    let last = sample.rsplit('.').next()?;
    let is_name = sample.len() <= LONGEST_NAME
        && sample.split('.').all(is_label)
        && !last.bytes().all(|b| b.is_ascii_digit());
    is_name.then(|| text.to_ascii_lowercase())
}
