//! Everything that the charm leaves behind, in a form in which two ends can be
//! compared: identifiers that chance or a counter gives are replaced by what
//! they stand for.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use etcd_charm_world::{KeyValue, RelationId, UnitName};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::crash::harness::Harness;

/// Texts, by what they are.
pub(crate) type Snapshot = BTreeMap<String, String>;

/// What is replaced in all texts: the text, and what stands for it.
pub(crate) type Aliases = Vec<(String, String)>;

/// Names for a relation's number in all forms in which it is written.
pub(crate) fn alias_relation(aliases: &mut Aliases, id: RelationId, name: &str) {
    for (from, to) in [
        (format!("client/{id}/"), format!("client/<{name}>/")),
        (format!("pace/{id}\""), format!("pace/<{name}>\"")),
        (format!("unsigned/{id}\""), format!("unsigned/<{name}>\"")),
        (
            format!("\"relation\":{id},"),
            format!("\"relation\":<{name}>,"),
        ),
        (format!("relation {id} "), format!("relation <{name}> ")),
        (format!("relation {id}/"), format!("relation <{name}>/")),
        (format!("etcd-client:{id}"), format!("etcd-client:<{name}>")),
        (
            format!("etcd-client.{id}."),
            format!("etcd-client.<{name}>."),
        ),
        (format!("db:{id}"), format!("db:<{name}>")),
        (format!("db.{id}."), format!("db.<{name}>.")),
        (format!("[\"db\",{id}]"), format!("[\"db\",<{name}>]")),
        (format!("{id:?}"), format!("<{name}>")),
    ] {
        aliases.push((from, to));
    }
}

/// Digests of the authorities, which are made by chance, and of the configuration
/// that names that of the servers.
pub(crate) fn of_authority(harness: &Harness, units: &[UnitName]) -> Aliases {
    let world = &harness.world;
    let mut aliases = Aliases::new();
    let stored = authorities(harness);
    // What is trusted, and who signs: the same, at rest. Of members, and of
    // administrators.
    let (server, admin) = (&stored["server-ca-cert"], &stored["admin-ca-cert"]);
    let client = &stored["client-ca-cert"];
    let told = [server, server, admin, client, admin].map(String::as_str);
    let announced = hex(&Sha256::digest(told.concat())[..8]);
    aliases.push((announced, "<announced>".to_owned()));
    let client = pem::parse(client).expect("a certificate");
    let client = hex(&Sha256::digest(client.contents()));
    aliases.push((client, "<authority of clients>".to_owned()));
    for peers in world.model.relation_ids("etcd", "cluster") {
        for unit in units {
            let bag = world.model.unit_bag(peers, unit.clone());
            for authority in ["server-ca", "admin-ca"] {
                let told = bag.get(authority).expect("an authority is told");
                let (trusted, signs) = told.split_once(' ').expect("two digests are told");
                aliases.push((trusted.to_owned(), format!("<trusted {authority}>")));
                aliases.push((signs.to_owned(), format!("<signing {authority}>")));
            }
            let digest = bag["configuration"].clone();
            aliases.push((digest, format!("<configuration of {}>", unit.with_dash())));
        }
    }
    aliases
}

/// The numbers that etcd draws for the cluster and its members, as the databag
/// of the peers has them and as units remember them.
pub(crate) fn of_identities(harness: &Harness, units: &[UnitName]) -> Aliases {
    let model = &harness.world.model;
    let mut aliases = Aliases::new();
    let mut add = |told: &str, name: String| {
        let number = u64::from_str_radix(told, 16).expect("hexadecimal digits");
        aliases.push((format!("\"{told}\""), name.clone()));
        aliases.push((number.to_string(), name));
    };
    for peers in model.relation_ids("etcd", "cluster") {
        add(
            &model.app_bag(peers, "etcd")["cluster"],
            "<cluster>".to_owned(),
        );
        for unit in units {
            let bag = model.unit_bag(peers, unit.clone());
            add(&bag["member"], format!("<member {}>", unit.with_dash()));
        }
    }
    aliases
}

/// The same as [`of_authority`], the authorities of servers and administrators
/// themselves, and what is a digest of them among other things: for a life in which
/// they are replaced.
pub(crate) fn of_another_authority(harness: &Harness, units: &[UnitName]) -> Aliases {
    let mut aliases = of_authority(harness, units);
    let stored = authorities(harness);
    for (part, name) in [
        ("server-ca-cert", "<authority>"),
        ("server-ca-key", "<its key>"),
        ("admin-ca-cert", "<authority of administrators>"),
        ("admin-ca-key", "<their key>"),
    ] {
        let text = stored[part].trim();
        for text in [text.to_owned(), text.replace('\n', "\\n")] {
            aliases.push((text, name.to_owned()));
        }
    }
    aliases.extend(of_answers(harness, units));
    aliases
}

/// Digests of answers, for a life in which something in them is another in each.
pub(crate) fn of_answers(harness: &Harness, units: &[UnitName]) -> Aliases {
    let records = harness.world.admin(&units[0]).key_values().into_iter();
    let records =
        records.map(|record| serde_json::from_str::<Value>(&record.value).unwrap_or_default());
    let answers = records.filter_map(|record| record["answer"].as_str().map(str::to_owned));
    answers
        .map(|answer| (answer, "<answer>".to_owned()))
        .collect()
}

/// A certificate as it stands in databags and in the ledger, and its fingerprint.
pub(crate) fn of_certificate(certificate: &str, name: &str) -> Aliases {
    let text = certificate.trim();
    let der = pem::parse(text).expect("a certificate");
    let fingerprint = hex(&Sha256::digest(der.contents()));
    [text.to_owned(), text.replace('\n', "\\n"), fingerprint]
        .map(|text| (text, name.to_owned()))
        .into()
}

/// The authorities as they are stored: certificates and keys, PEM.
fn authorities(harness: &Harness) -> BTreeMap<String, String> {
    let secrets = harness.world.model.secrets("etcd");
    let mut contents = secrets.iter().map(|secret| secret.latest());
    let stored = contents.find(|content| content.contains_key("server-ca-cert"));
    stored.expect("the authorities are stored").clone()
}

/// Bytes as they are written in digests.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The state of the model, of etcd and of the machines of these units.
pub(crate) fn take(
    harness: &Harness,
    units: &[UnitName],
    relations: &[(RelationId, &str)],
    mut aliases: Aliases,
) -> Snapshot {
    let mut all = Snapshot::new();
    let world = &harness.world;
    // Which member leads the others is theirs to decide.
    aliases.push(("; raft leader".to_owned(), String::new()));
    for (id, name) in relations {
        alias_relation(&mut aliases, *id, name);
    }
    let mut secrets = world.model.secrets("etcd");
    for secret in &secrets {
        let short = aliases
            .iter()
            .fold(secret.label.clone(), |text, (from, to)| {
                text.replace(from, to)
            });
        aliases.push((secret.uri.clone(), format!("<secret {short}>")));
        aliases.push((format!("secret:{}", secret.id), format!("<secret {short}>")));
    }
    secrets.sort_by(|a, b| a.label.cmp(&b.label));
    for secret in &secrets {
        // The authorities are made once in a world, and by chance.
        let grants = format!("{:?}", secret.grants);
        let content = if secret.label.ends_with(".identity.secret") {
            format!("{:?}", secret.latest().keys())
        } else {
            format!("{:?}", secret.latest())
        };
        all.insert(
            format!("secret {}", secret.label),
            format!("{content} granted to {grants}"),
        );
    }
    for (id, name) in relations {
        for (key, value) in world.model.app_bag(*id, "etcd") {
            all.insert(format!("databag of <{name}>: {key}"), value);
        }
    }
    for (id, name) in relations {
        for unit in units {
            of_unit_in_relation(harness, unit, (*id, name), &mut all);
        }
    }
    for peers in world.model.relation_ids("etcd", "cluster") {
        let mut bag = world.model.app_bag(peers, "etcd");
        // Another unit may lead than where nothing went wrong.
        let noted = bag.remove("leader");
        let leads = world.model.leader("etcd").map(|unit| unit.to_string());
        let is_right = noted == leads;
        all.insert(
            "whether the peers know who leads".to_owned(),
            is_right.to_string(),
        );
        all.insert("databag of the peers".to_owned(), format!("{bag:?}"));
        for unit in units {
            let bag = world.model.unit_bag(peers, unit.clone());
            all.insert(format!("databag of {unit}"), format!("{bag:?}"));
        }
    }
    let status = world.model.app_status("etcd");
    all.insert("status".to_owned(), format!("{status:?}"));
    for unit in units {
        of_unit(harness, unit, &mut all);
    }
    of_etcd(harness, &units[0], &mut all);
    let records = world.admin(&units[0]).key_values();
    of_keys(&records, &mut all);
    aliases.extend(of_settled(&records));
    all.into_iter()
        .map(|(key, value)| (normal(&key, &aliases), normal(&value, &aliases)))
        .map(|(key, value)| (without_chance(&key), without_chance(&value)))
        .map(|(key, value)| match key.contains("trust") {
            true => (key, sorted(&value)),
            false => (key, value),
        })
        .collect()
}

/// The lines of a trust file in an order that does not depend on how certificates
/// that were made by chance compare.
fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn normal(text: &str, aliases: &Aliases) -> String {
    aliases
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What a unit has written for itself: on the older interfaces certificate and
/// key, which are made by chance, and have to be those of the secret.
fn of_unit_in_relation(
    harness: &Harness,
    unit: &UnitName,
    (id, name): (RelationId, &str),
    all: &mut Snapshot,
) {
    let model = &harness.world.model;
    let secrets = model.secrets("etcd");
    let label = format!("db.{id}.identity.secret");
    let secret = secrets.iter().find(|secret| secret.label == label);
    for (key, value) in model.unit_bag(id, unit.clone()) {
        let stored = secret.and_then(|secret| secret.latest().get(&key.replace('_', "-")));
        let shown = match stored {
            Some(stored) if *stored == value => "as in the secret".to_owned(),
            _ => value,
        };
        all.insert(format!("databag of {unit} for <{name}>: {key}"), shown);
    }
}

/// A file without the line that says until when restarts are paid for: that
/// depends on when they were, and on how many a crash has repeated.
fn without_times(text: &str) -> String {
    let lines = text.lines();
    let lines = lines.filter(|line| !line.contains("\"restarts_paid_until\""));
    lines.collect::<Vec<_>>().join("\n")
}

/// A text without the time from when on a name is free.
fn without_end(text: &str) -> String {
    const BEFORE: &str = "free after ";
    let mut parts = text.split(BEFORE);
    let mut left = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !(c.is_ascii_digit() || "-:TZ".contains(c)));
        left.push_str(BEFORE);
        left.push_str(&part[end.unwrap_or(part.len())..]);
    }
    left
}

/// The part of a common name that is drawn, cut off. How many of these names
/// there are is told beside.
fn without_chance(text: &str) -> String {
    let text = &without_end(text);
    let mut parts = text.split("etcd-charm:db-");
    let mut left = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
        left.push_str("<identity>");
        left.push_str(&part[end.unwrap_or(part.len())..]);
    }
    left
}

fn of_unit(harness: &Harness, unit: &UnitName, all: &mut Snapshot) {
    let world = &harness.world;
    let status = world.model.unit_status(unit.clone());
    all.insert(format!("status of {unit}"), format!("{status:?}"));
    let ports = world.model.open_ports(unit.clone());
    all.insert(format!("ports of {unit}"), format!("{ports:?}"));
    all.insert(format!("trust of {unit}"), world.trust_file(unit));
    let own = world.root(unit).join("etc/etcd-charm");
    // Said once more for those who leave out what else a unit remembers.
    let memory = own.join(unit.with_dash()).join("unit.json");
    let memory = fs::read_to_string(memory).unwrap_or_default();
    let memory: Value = serde_json::from_str(&memory).unwrap_or_default();
    all.insert(
        format!("connections to {unit}"),
        format!("\"disconnected\": {}", memory["disconnected"]),
    );
    files(&own, &own, &mut |name, content| {
        // Keys and certificates of the unit are made by chance.
        let is_made = name.contains("/pki/");
        let text = match name {
            _ if is_made => String::new(),
            _ if name.ends_with("/unit.json") => without_ends(content),
            _ => content.to_owned(),
        };
        all.insert(format!("file {name}"), without_times(&text));
    });
}

/// What a unit remembers, but what it was told of relations that came and went in some
/// lives only.
fn without_ends(memory: &str) -> String {
    let mut memory: Value = serde_json::from_str(memory).unwrap();
    memory.as_object_mut().unwrap().remove("told_ends");
    format!("{memory:#}")
}

fn files(top: &Path, directory: &Path, note: &mut impl FnMut(&str, &str)) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(top, &path, note);
        } else {
            let name = path.strip_prefix(top).unwrap().display().to_string();
            note(&name, &fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

fn of_etcd(harness: &Harness, unit: &UnitName, all: &mut Snapshot) {
    let admin = harness.world.admin(unit);
    let users = admin.lines(&["user", "list"]);
    let roles = admin.lines(&["role", "list"]);
    let drawn = |names: &[String]| {
        let drawn = names.iter().filter(|name| name.starts_with("etcd-charm:"));
        drawn.count()
    };
    let count = format!("{} users, {} roles", drawn(&users), drawn(&roles));
    all.insert("identities".to_owned(), count);
    for user in users {
        let shown = admin.lines(&["user", "get", "--", &user]);
        all.insert(format!("user {user}"), shown.join("\n"));
    }
    for role in roles {
        let shown = admin.lines(&["role", "get", "--", &role]);
        all.insert(format!("role {role}"), shown.join("\n"));
    }
    let members = admin.json(&["member", "list"]);
    let list = members["members"].as_array().unwrap();
    let mut list: Vec<String> = list
        .iter()
        .map(|member| format!("{} learner={}", member["name"], member["isLearner"]))
        .collect();
    list.sort();
    all.insert("members".to_owned(), list.join("\n"));
}

/// The ledger, and what clients have written.
fn of_keys(records: &[KeyValue], all: &mut Snapshot) {
    for KeyValue { key, value, .. } in records {
        // What came and went, and was deleted, does so in some lives only, and is
        // forgotten by itself.
        if key.contains("/ended/") || key.ends_with("/fence") {
            continue;
        }
        let value = match serde_json::from_str::<Value>(value) {
            Ok(mut value) => {
                if let Some(grant) = value.get_mut("grant").and_then(Value::as_object_mut) {
                    grant.remove("granted-at");
                    // What etcd has signed itself ends at a time of its own.
                    if grant.contains_key("issuer") {
                        grant.remove("not-after");
                    }
                }
                if let Some(record) = value.as_object_mut() {
                    let of_chance: &[&str] = match key {
                        _ if key.contains("/issued/") => &["fingerprint", "issued-at", "not-after"],
                        _ if key.contains("/signed/") => &["not-after", "relation"],
                        _ if key.contains("/pace/") => &["last", "shown"],
                        _ => &[],
                    };
                    record.retain(|name, _| !of_chance.contains(&name.as_str()));
                }
                value.to_string()
            }
            Err(_) => value.clone(),
        };
        all.insert(format!("key {key:?}"), value);
    }
}

/// The revision at which rights were settled last, which counts all writes. At
/// rest all say the same one: the ledger, the peers' databag, and what each unit
/// remembers of the connections that it has ended.
fn of_settled(records: &[KeyValue]) -> Aliases {
    let mut settled = records
        .iter()
        .filter(|record| record.key.ends_with("/settled/rights"));
    let Some(KeyValue { revision, .. }) = settled.next() else {
        return Aliases::new();
    };
    vec![
        (
            format!("\"settled\": \"{revision}\""),
            "\"settled\": <settled>".to_owned(),
        ),
        (
            format!("\"disconnected\": {revision}"),
            "\"disconnected\": <settled>".to_owned(),
        ),
    ]
}

/// What differs between two ends, for a reader.
pub(crate) fn differences(wanted: &Snapshot, found: &Snapshot) -> Vec<String> {
    let keys: std::collections::BTreeSet<_> = wanted.keys().chain(found.keys()).collect();
    let shown = |text: Option<&String>| {
        text.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"))
    };
    keys.into_iter()
        .filter(|key| wanted.get(*key) != found.get(*key))
        .map(|key| {
            let (wanted, found) = (shown(wanted.get(key)), shown(found.get(key)));
            format!("{key}:\n      wanted {wanted}\n      found  {found}")
        })
        .collect()
}
