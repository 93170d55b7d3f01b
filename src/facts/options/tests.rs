//! Each bound of each option, from both sides.

use serde_json::{Map, Value, json};

use super::*;
use crate::facts::observed::PrefixPolicy;

fn parse(config: Value) -> Result<Options, OptionRefusal> {
    let Value::Object(config) = config else {
        panic!("options are an object");
    };
    Options::parse(&config)
}

fn options(config: Value) -> Options {
    let said = config.to_string();
    parse(config).unwrap_or_else(|refusal| panic!("{said}: {refusal}"))
}

fn refusal(config: Value) -> String {
    let said = config.to_string();
    match parse(config) {
        Ok(_) => panic!("{said} is taken"),
        Err(refusal) => refusal.to_string(),
    }
}

/// The options as operators find them described.
fn described() -> serde_yaml::Mapping {
    let text = include_str!("../../../charmcraft.yaml");
    let charmcraft: serde_yaml::Value = serde_yaml::from_str(text).expect("YAML");
    let options = charmcraft["config"]["options"].as_mapping();
    options.expect("options").clone()
}

#[test]
fn described_defaults_are_the_defaults() {
    let config: Map<String, Value> = described()
        .iter()
        .map(|(name, option)| {
            let name = name.as_str().expect("a name").to_owned();
            let default = serde_json::to_value(&option["default"]).expect("a value");
            (name, default)
        })
        .collect();
    assert_eq!(Options::parse(&config), Ok(Options::default()));
    assert_eq!(options(json!({})), Options::default());
}

/// One wrong value for each option: so none is described and not read, or read
/// and not described.
#[test]
fn each_option_that_is_described_is_checked_and_named() {
    for (name, option) in described() {
        let name = name.as_str().expect("a name");
        let wrong = match option["type"].as_str().expect("a type") {
            "int" => json!(-1),
            _ => json!("no such value *"),
        };
        let refusal = refusal(json!({ name: wrong.clone() }));
        let begin = format!("option {name} must be ");
        assert!(refusal.starts_with(&begin), "{refusal}");
        assert!(refusal.ends_with(&format!(", not {wrong}")), "{refusal}");
        // Another type than the declared one comes from another revision.
        assert!(parse(json!({ name: [] })).is_err(), "{name}");
    }
}

#[test]
fn numbers_are_taken_within_their_bounds_only() {
    for (option, least, most) in [
        ("certificate-validity-days", 1, 3650),
        ("client-certificate-validity-days", 1, 366),
        ("client-port", 1024, 65_535),
        ("peer-port", 1024, 65_535),
        ("snapshot-count", 1_000, 1_000_000),
    ] {
        for fits in [least, most] {
            options(json!({ option: fits }));
        }
        for wrong in [json!(least - 1), json!(most + 1), json!(1.5), json!(null)] {
            let text = refusal(json!({ option: wrong }));
            let bounds = format!("option {option} must be {least} to {most}");
            assert!(text.starts_with(&bounds), "{text}");
        }
    }
    assert_eq!(options(json!({"client-port": 1024})).client_port, 1024);
    assert_eq!(options(json!({"peer-port": 1025})).peer_port, 1025);
    let days = options(json!({"certificate-validity-days": 2}));
    assert_eq!(days.validity_seconds(), 2 * 86_400);
}

#[test]
fn an_election_takes_ten_heartbeats_at_least() {
    for (heartbeat, election) in [(10, 100), (100, 50_000), (5000, 50_000)] {
        let read = options(json!({
            "heartbeat-interval": heartbeat,
            "election-timeout": election,
        }));
        assert_eq!(i64::from(read.heartbeat_interval), heartbeat);
        assert_eq!(i64::from(read.election_timeout), election);
    }
    for (heartbeat, election, wrong) in [
        (9, 1000, "heartbeat-interval"),
        (5001, 50_000, "heartbeat-interval"),
        (100, 999, "election-timeout"),
        (100, 50_001, "election-timeout"),
        (5000, 49_999, "election-timeout"),
    ] {
        let text = refusal(json!({
            "heartbeat-interval": heartbeat,
            "election-timeout": election,
        }));
        assert!(text.starts_with(&format!("option {wrong} must")), "{text}");
    }
    assert_eq!(
        refusal(json!({"heartbeat-interval": 500})),
        "option election-timeout must be 5000 to 50000 milliseconds, which is at least ten times \
         heartbeat-interval, not 1000"
    );
}

#[test]
fn an_election_timeout_that_nobody_set_is_held_against_the_heartbeat() {
    let set = options(json!({"heartbeat-interval": 50}));
    assert_eq!((set.heartbeat_interval, set.election_timeout), (50, 1000));
}

#[test]
fn two_servers_do_not_share_a_port() {
    let text = refusal(json!({"client-port": 2380}));
    assert_eq!(
        text,
        "option peer-port must be another port than client-port, not 2380"
    );
    let swapped = options(json!({"client-port": 2380, "peer-port": 2379}));
    assert_eq!((swapped.client_port, swapped.peer_port), (2380, 2379));
}

#[test]
fn a_quota_is_a_size_or_auto() {
    let quota = |text: &str| parse(json!({"quota-backend-bytes": text})).map(|read| read.quota);
    for (text, bytes) in [
        ("auto", None),
        (" auto ", None),
        ("", None),
        ("16777216", Some(16 << 20)),
        ("16MiB", Some(16 << 20)),
        ("2097152K", Some(2 << 30)),
        ("4096 M", Some(4 << 30)),
        ("8G", Some(8 << 30)),
        ("8GiB", Some(8 << 30)),
        ("107374182400B", Some(100 << 30)),
        ("100G", Some(100 << 30)),
    ] {
        assert_eq!(quota(text), Ok(bytes), "{text}");
    }
    for text in [
        "0",
        "-1",
        "16777215",
        "15M",
        "101G",
        "107374182401",
        "8GB",
        "8g",
        "1.5G",
        "G",
        "8G8",
        "AUTO",
        "8T",
        "99999999999999999999G",
        "18446744073709551615G",
    ] {
        assert!(quota(text).is_err(), "{text}");
    }
}

#[test]
fn an_automatic_quota_is_half_a_volume_in_steps() {
    let gib = |count: u64| count << 30;
    for (volume, quota) in [
        (0, 16 << 20),
        (gib(1), 512 << 20),
        // A file system of 1 GiB has a little less than that.
        (gib(1) - 1, 256 << 20),
        (gib(7), gib(2)),
        (gib(8), gib(4)),
        (gib(10), gib(4)),
        (gib(16), gib(8)),
        (u64::MAX, gib(8)),
    ] {
        assert_eq!(auto_quota(volume), quota, "of {volume}");
    }
}

#[test]
fn history_is_kept_for_a_time_or_a_number_of_revisions() {
    let render = |mode: &str, text: &str| {
        let config = json!({"auto-compaction-mode": mode, "auto-compaction-retention": text});
        let read = parse(config)?;
        let tuning = read.tuning(0);
        assert_eq!(tuning.auto_compaction_mode, mode);
        Ok::<_, OptionRefusal>(tuning.auto_compaction_retention)
    };
    // One spelling for each length, so that another spelling restarts nothing.
    for (text, rendered) in [
        ("1", "1h"),
        ("1h", "1h"),
        ("60m", "1h"),
        ("3600s", "1h"),
        ("0h60m", "1h"),
        ("1m", "1m"),
        ("90s", "90s"),
        ("1h30m", "90m"),
        ("72", "72h"),
        ("8760", "8760h"),
    ] {
        assert_eq!(render("periodic", text).as_deref(), Ok(rendered), "{text}");
    }
    for (text, rendered) in [("100", "100"), ("1000000000", "1000000000")] {
        assert_eq!(render("revision", text).as_deref(), Ok(rendered), "{text}");
    }
    for (mode, text) in [
        ("periodic", "0"),
        ("periodic", "59s"),
        ("periodic", "8761"),
        ("periodic", "8760h1s"),
        ("periodic", "1d"),
        ("periodic", "h"),
        ("periodic", "1h30"),
        ("periodic", "-1h"),
        ("periodic", "0.5h"),
        ("periodic", "99999999999999999999h"),
        ("periodic", "9999999999999999h"),
        ("revision", "1h"),
        ("revision", "0"),
        ("revision", "99"),
        ("revision", "1000000001"),
    ] {
        assert!(render(mode, text).is_err(), "{mode} {text}");
    }
    // A mode alone contradicts the retention of the other.
    let text = refusal(json!({
        "auto-compaction-mode": "revision",
        "auto-compaction-retention": "1h",
    }));
    assert!(text.contains("auto-compaction-retention"), "{text}");
}

#[test]
fn words_are_taken_as_they_are_written() {
    assert_eq!(options(json!({"log-level": "error"})).log_level, "error");
    let policy = options(json!({"prefix-policy": "exclusive"})).prefix_policy;
    assert_eq!(policy, PrefixPolicy::Exclusive);
    for text in ["debug", "INFO", "panic"] {
        assert_eq!(
            refusal(json!({"log-level": text})),
            format!("option log-level must be info or warn or error, not {text:?}")
        );
    }
    refusal(json!({"prefix-policy": "none"}));
}

#[test]
fn additional_names_are_names_or_addresses() {
    let names = |text: &str| {
        let unit: UnitName = "etcd/12".parse().expect("a unit");
        let read = parse(json!({"certificate-extra-sans": text}))?;
        Ok::<Vec<_>, OptionRefusal>(read.names_of(&unit).into_iter().collect())
    };
    for (text, read) in [
        ("", &[][..]),
        (" , ", &[]),
        (
            "Etcd.Example.com, 10.9.8.7,fd00:0::1",
            &["10.9.8.7", "etcd.example.com", "fd00::1"],
        ),
        ("etcd-{unit}.example.com", &["etcd-12.example.com"]),
        ("a,a,A", &["a"]),
        ("under_score.internal", &["under_score.internal"]),
    ] {
        let expected: Vec<_> = read.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(names(text), Ok(expected), "{text}");
    }
    let long = format!("{}.com", "a".repeat(64));
    let longest = format!("{}.com", "a".repeat(63));
    assert!(names(&longest).is_ok());
    for text in [
        "*.example.com",
        "a b",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.{unit}",
        "0.0.0.0",
        "::",
        "224.0.0.1",
        "-a",
        "a-",
        "a..b",
        "a.",
        "ä.com",
        "https://a.com",
        "a:2379",
        &long,
        &[&*longest; 4].join("."),
    ] {
        assert!(names(text).is_err(), "{text}");
    }
    let many = |count: usize| (0..count).map(|n| format!("n{n},")).collect::<String>();
    assert!(names(&many(50)).is_ok());
    assert!(names(&many(51)).is_err());
}

#[test]
fn the_first_mistake_is_named_and_the_others_are_counted() {
    let text = refusal(json!({"heartbeat-interval": 1, "log-level": "x"}));
    assert_eq!(
        text,
        "option heartbeat-interval must be 10 to 5000 milliseconds, not 1 (and 1 more option is \
         wrong)"
    );
    let text = refusal(json!({"heartbeat-interval": 1, "log-level": "x", "snapshot-count": 1}));
    assert!(text.ends_with("(and 2 more options are wrong)"), "{text}");
    let config = json!({"heartbeat-interval": 1, "log-level": "x", "snapshot-count": 1});
    let each = parse(config).expect_err("three are wrong").each();
    assert_eq!(
        each.iter().map(RefusalNote::as_str).collect::<Vec<_>>(),
        [
            "option heartbeat-interval must be 10 to 5000 milliseconds, not 1",
            "option log-level must be info or warn or error, not \"x\"",
            "option snapshot-count must be 1000 to 1000000 entries, not 1",
        ]
    );
    // A value is shown by its beginning.
    let text = refusal(json!({"log-level": "x".repeat(1000)}));
    assert!(text.len() < 200, "{text}");
}
