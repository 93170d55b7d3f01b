//! What the operator has configured: checked as a whole, and turned into what
//! the rest of the charm works with. Juju checks types only, so every bound is
//! held here; `charmcraft.yaml` tells operators the same bounds in words.

mod read;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde_json::{Map, Value};

use crate::facts::tuning::{CLIENT_PORT, PEER_PORT, Tuning};
use crate::facts::{RefusalNote, UnitName};
use read::Reader;
pub use values::{Retention, auto_quota};

const DAY_SECONDS: i64 = 24 * 3600;

/// etcd takes more, but a leader that is unreachable for so long is no leader.
const HEARTBEAT: (i64, i64) = (10, 5000);

/// etcd refuses more than this many milliseconds, and less than five heartbeats;
/// ten are what it recommends, so that a single one lost means nothing.
const LONGEST_ELECTION: i64 = 50_000;
const HEARTBEATS_TO_ELECTION: i64 = 10;

/// Every so many entries a snapshot is written: with few of them a member does
/// little else, with many it holds them all in memory.
const SNAPSHOT_COUNT: (i64, i64) = (1_000, 1_000_000);

/// Ports below are root's, and etcd does not run as root.
const PORTS: (i64, i64) = (1024, 65_535);

/// The authorities live for ten years, and nothing outlives them.
const CERTIFICATE_DAYS: (i64, i64) = (1, 3650);

/// A year is longer than any charm needs to read a databag.
const GRACE_MINUTES: (i64, i64) = (0, 527_040);

/// Until its certificates have ended a name is nobody else's, so a year is long.
const CLIENT_CERTIFICATE_DAYS: (i64, i64) = (1, 366);

/// `debug` is not among them: from 3.5 on etcd then shows profiles of its
/// memory and traces of requests to every client, whatever its rights
/// (`embed.configureClientListeners`; CVE-2021-28235).
const LOG_LEVELS: [&str; 3] = ["info", "warn", "error"];

/// What happens where a prefix overlaps that of another client.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PrefixPolicy {
    /// Both are granted.
    #[default]
    Shared,
    /// The first keeps it, the other is refused.
    Exclusive,
}

/// All options, each within its bounds and in agreement with the others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// `allow-vulnerable-etcd`.
    pub allows_vulnerable: bool,
    /// `auto-compaction-mode` and `auto-compaction-retention`.
    pub retention: Retention,
    /// `certificate-extra-sans`, with the placeholder `{unit}`.
    pub extra_names: BTreeSet<String>,
    /// `certificate-validity-days`.
    pub certificate_days: u32,
    /// `client-certificate-validity-days`.
    pub client_certificate_days: u32,
    /// `client-port`.
    pub client_port: u16,
    /// `election-timeout`, milliseconds.
    pub election_timeout: u32,
    /// `heartbeat-interval`, milliseconds.
    pub heartbeat_interval: u32,
    /// `log-level`.
    pub log_level: &'static str,
    /// `peer-port`.
    pub peer_port: u16,
    /// `prefix-policy`.
    pub prefix_policy: PrefixPolicy,
    /// `provider-ca-grace-minutes`.
    pub provider_grace_minutes: u32,
    /// `quota-backend-bytes`; `None` is `auto`, see [`auto_quota`].
    pub quota: Option<u64>,
    /// `snapshot-count`.
    pub snapshot_count: u32,
}

impl Default for Options {
    /// What `charmcraft.yaml` says of options that nobody has set.
    fn default() -> Self {
        Self {
            allows_vulnerable: false,
            retention: Retention::Seconds(3600),
            extra_names: BTreeSet::new(),
            certificate_days: 90,
            client_certificate_days: 30,
            client_port: CLIENT_PORT,
            election_timeout: 1000,
            heartbeat_interval: 100,
            log_level: "info",
            peer_port: PEER_PORT,
            prefix_policy: PrefixPolicy::Shared,
            provider_grace_minutes: 60,
            quota: None,
            snapshot_count: 10_000,
        }
    }
}

/// Options that cannot be taken as they stand: the first that is wrong, and those
/// after it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OptionRefusal {
    /// The option.
    pub option: &'static str,
    /// What it may be, as the end of a sentence that begins with the option.
    pub allowed: String,
    /// What it is, shortened.
    pub value: String,
    /// Those that are wrong besides.
    pub others: Vec<Self>,
}

impl fmt::Display for OptionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.alone())?;
        match self.others.len() {
            0 => Ok(()),
            1 => f.write_str(" (and 1 more option is wrong)"),
            more => write!(f, " (and {more} more options are wrong)"),
        }
    }
}

impl OptionRefusal {
    /// That of a port which something else on this machine has. etcd would not start
    /// with it, and nothing would serve until an operator chooses another one.
    pub fn of_taken_port(option: &'static str, port: u16, address: IpAddr) -> Self {
        Self {
            option,
            allowed: format!("a port that is free on this machine ({address})"),
            value: port.to_string(),
            others: Vec::new(),
        }
    }

    /// Each of them in a sentence, where there is room for more than one line.
    pub fn each(&self) -> Vec<RefusalNote> {
        let all = std::iter::once(self).chain(&self.others);
        all.map(|refusal| RefusalNote::new(refusal.alone()))
            .collect()
    }

    fn alone(&self) -> String {
        let Self {
            option,
            allowed,
            value,
            others: _,
        } = self;
        format!("option {option} must be {allowed}, not {value}")
    }
}

impl From<&OptionRefusal> for RefusalNote {
    fn from(refusal: &OptionRefusal) -> Self {
        Self::new(refusal.to_string())
    }
}

impl Options {
    /// Reads all options from what Juju says. One that Juju does not know yet,
    /// as while the charm is being upgraded, has its default.
    ///
    /// # Errors
    /// One is out of its bounds, or contradicts another; then none of them is
    /// taken, since they were set to work together.
    pub fn parse(config: &Map<String, Value>) -> Result<Self, OptionRefusal> {
        let default = Self::default();
        let mut read = Reader::new(config);
        let heartbeat_interval = read.number(
            "heartbeat-interval",
            default.heartbeat_interval,
            HEARTBEAT,
            "milliseconds",
        );
        let least = i64::from(heartbeat_interval) * HEARTBEATS_TO_ELECTION;
        let election_timeout = read.number(
            "election-timeout",
            default.election_timeout,
            (least, LONGEST_ELECTION),
            "milliseconds, which is at least ten times heartbeat-interval",
        );
        let client_port = read.number("client-port", default.client_port, PORTS, "");
        let peer_port = read.number("peer-port", default.peer_port, PORTS, "");
        if client_port == peer_port {
            read.refuse("peer-port", "another port than client-port", peer_port);
        }
        let options = Self {
            allows_vulnerable: read.flag("allow-vulnerable-etcd"),
            retention: read.retention(default.retention),
            extra_names: read.names("certificate-extra-sans"),
            certificate_days: read.number(
                "certificate-validity-days",
                default.certificate_days,
                CERTIFICATE_DAYS,
                "days",
            ),
            client_certificate_days: read.number(
                "client-certificate-validity-days",
                default.client_certificate_days,
                CLIENT_CERTIFICATE_DAYS,
                "days",
            ),
            client_port,
            election_timeout,
            heartbeat_interval,
            log_level: read.word("log-level", &LOG_LEVELS),
            peer_port,
            prefix_policy: read.prefix_policy("prefix-policy"),
            provider_grace_minutes: read.number(
                "provider-ca-grace-minutes",
                default.provider_grace_minutes,
                GRACE_MINUTES,
                "minutes",
            ),
            quota: read.quota("quota-backend-bytes"),
            snapshot_count: read.number(
                "snapshot-count",
                default.snapshot_count,
                SNAPSHOT_COUNT,
                "entries",
            ),
        };
        read.done(options)
    }

    /// The quota in bytes, on a machine whose volume is good for this one.
    pub fn quota_on(&self, auto: Option<u64>) -> u64 {
        let auto = auto.unwrap_or_else(|| auto_quota(0));
        self.quota.unwrap_or(auto)
    }

    /// What of it stands in etcd's configuration. The same options give the
    /// same text, however they were spelt.
    pub fn tuning(&self, auto_quota: u64) -> Tuning {
        let (mode, retention) = self.retention.render();
        Tuning {
            heartbeat_interval: self.heartbeat_interval,
            election_timeout: self.election_timeout,
            quota_backend_bytes: self.quota.unwrap_or(auto_quota),
            auto_compaction_mode: mode.to_owned(),
            auto_compaction_retention: retention,
            snapshot_count: self.snapshot_count.into(),
            log_level: self.log_level.to_owned(),
        }
    }

    /// The additional names and addresses of this unit's certificate.
    pub fn names_of(&self, unit: &UnitName) -> BTreeSet<String> {
        let unit = unit.to_string();
        let number = unit.rsplit('/').next().unwrap_or_default();
        let names = self.extra_names.iter();
        names
            .map(|name| name.replace(values::UNIT, number))
            .collect()
    }

    /// How long a certificate is valid that an application asks for.
    pub fn client_validity_seconds(&self) -> i64 {
        i64::from(self.client_certificate_days) * DAY_SECONDS
    }

    /// How long others have to take over the authority of a provider.
    pub fn provider_grace_seconds(&self) -> i64 {
        i64::from(self.provider_grace_minutes) * 60
    }

    /// How long a certificate of a member or an administrator is valid.
    pub fn validity_seconds(&self) -> i64 {
        i64::from(self.certificate_days) * DAY_SECONDS
    }
}
