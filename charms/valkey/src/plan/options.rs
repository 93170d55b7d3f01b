//! The options of the charm. A value that is none leaves the default in force,
//! and is told.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The options, each with a value that can be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// Whether clients speak TLS.
    pub client_tls: bool,
    /// After how many milliseconds without an answer a server is down.
    pub down_after: u32,
    /// Whether a pattern that meets another's is refused.
    pub exclusive: bool,
    /// The memory for data, as the server takes it: `0`, `512mb`.
    pub maxmemory: String,
    /// What happens when it is full.
    pub maxmemory_policy: String,
    /// Whether clients may list the names of all keys.
    pub scan: bool,
    /// Whether clients may run scripts.
    pub scripts: bool,
    /// The options whose values cannot be used.
    pub invalid: Vec<&'static str>,
}

const POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

/// No share of the machine is so small that nothing could be stored.
const SMALLEST_MEMORY: u64 = 16 << 20;

impl Options {
    /// Reads what `config-get` gives; `memory` is the machine's, in bytes.
    pub fn read(options: &Map<String, Value>, memory: Option<u64>) -> Self {
        let mut invalid = Vec::new();
        let text = |name| {
            options
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let flag = |name, default| {
            options
                .get(name)
                .and_then(Value::as_bool)
                .unwrap_or(default)
        };
        let mut checked = |name, value: Option<String>, default: &str| {
            value.unwrap_or_else(|| {
                invalid.push(name);
                default.to_owned()
            })
        };
        let policy = match text("maxmemory-policy") {
            "" => Some("noeviction"),
            policy => POLICIES.into_iter().find(|known| *known == policy),
        };
        let maxmemory_policy = checked("maxmemory-policy", policy.map(str::to_owned), "noeviction");
        let default = share(75, memory);
        let maxmemory = match text("maxmemory") {
            "" => Some(default.clone()),
            text => size(text, memory),
        };
        let maxmemory = checked("maxmemory", maxmemory, &default);
        let exclusive = match text("pattern-policy") {
            "" | "shared" => Some("shared"),
            "exclusive" => Some("exclusive"),
            _ => None,
        };
        let exclusive = checked("pattern-policy", exclusive.map(str::to_owned), "exclusive");
        let down_after = options
            .get("down-after")
            .and_then(Value::as_i64)
            .unwrap_or(5000);
        let down_after = match u32::try_from(down_after) {
            Ok(down_after @ 500..=30_000) => down_after,
            _ => {
                invalid.push("down-after");
                5000
            }
        };
        Self {
            client_tls: flag("client-tls", false),
            down_after,
            exclusive: exclusive == "exclusive",
            maxmemory,
            maxmemory_policy,
            scan: flag("scan-for-clients", false),
            scripts: flag("scripts-for-clients", true),
            invalid,
        }
    }

    /// What the server is told, beside what never changes.
    pub fn of_server(&self, members: usize) -> BTreeMap<&'static str, String> {
        // With two units one that is lost would stop all writes of the other.
        let copies = u8::from(members >= 3);
        [
            ("maxmemory", self.maxmemory.clone()),
            ("maxmemory-policy", self.maxmemory_policy.clone()),
            ("min-replicas-to-write", copies.to_string()),
            ("min-replicas-max-lag", "3".to_owned()),
        ]
        .into()
    }

    /// How long a failover may take, in milliseconds.
    pub fn failover_timeout(&self) -> u32 {
        (self.down_after * 4).max(10_000)
    }
}

/// Bytes, `mb`, `gb`, or a share of the machine's memory in percent.
fn size(text: &str, memory: Option<u64>) -> Option<String> {
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.parse().ok()?;
        return (1..=95).contains(&percent).then(|| share(percent, memory));
    }
    let lower = text.to_lowercase();
    let (digits, factor) = [("gb", 1 << 30), ("mb", 1 << 20), ("kb", 1 << 10), ("", 1)]
        .into_iter()
        .find_map(|(unit, factor)| Some((lower.strip_suffix(unit)?, factor)))?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bytes = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    (bytes == 0 || bytes >= 1 << 20).then(|| bytes.to_string())
}

fn share(percent: u64, memory: Option<u64>) -> String {
    match memory {
        Some(memory) => (memory / 100 * percent).max(SMALLEST_MEMORY).to_string(),
        None => "0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(options: Value) -> Options {
        let options = options.as_object().cloned().unwrap_or_default();
        Options::read(&options, Some(1 << 30))
    }

    #[test]
    fn the_defaults_lose_nothing() {
        let options = read(json!({}));
        assert_eq!(options.maxmemory, ((1_u64 << 30) / 100 * 75).to_string());
        assert_eq!(options.maxmemory_policy, "noeviction");
        assert!(!options.client_tls && !options.exclusive && !options.scan && options.scripts);
        assert_eq!(options.invalid, Vec::<&str>::new());
        assert_eq!(options.of_server(3)["min-replicas-to-write"], "1");
        assert_eq!(options.of_server(2)["min-replicas-to-write"], "0");
    }

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("0", "0"),
            ("512mb", "536870912"),
            ("2GB", "2147483648"),
            ("50%", "536870900"),
        ] {
            let options = read(json!({"maxmemory": text}));
            assert_eq!(
                (options.maxmemory.as_str(), options.invalid.len()),
                (bytes, 0),
                "{text}"
            );
        }
        for text in [
            "-1",
            "lots",
            "1",
            "0%",
            "100%",
            "mb",
            "99999999999gb",
            "1 gb",
        ] {
            assert_eq!(
                read(json!({"maxmemory": text})).invalid,
                ["maxmemory"],
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_value_is_told_and_the_safer_one_counts() {
        let options = read(json!({
            "maxmemory-policy": "never", "pattern-policy": "both", "down-after": 10,
        }));
        assert_eq!(
            options.invalid,
            ["maxmemory-policy", "pattern-policy", "down-after"]
        );
        assert!(options.exclusive);
        assert_eq!(options.down_after, 5000);
    }
}
