//! Certificates that are accepted: etcd starts with them, and their holders can
//! do what they should and nothing more.

use etcd_charm_world::{Programs, UnitName, V0, World};

use crate::hostile::corpus::{Entry, Outcome};
use crate::hostile::support::{CORPUS, held, is_sweep, world};
use crate::support::say;

/// Over how many worlds they are spread: each is a restart of etcd.
pub(crate) const SHARES: usize = 3;

/// In order of their names: a name that was given up is not free at once.
fn accepted() -> impl Iterator<Item = (&'static Entry, &'static str)> {
    let accepted = CORPUS.iter().filter_map(|entry| match &entry.expected {
        Outcome::Accepted(name) => Some((entry, &**name)),
        Outcome::Refused(_) => None,
    });
    let mut accepted: Vec<_> = accepted.collect();
    accepted.sort_by_key(|(_, name)| *name);
    accepted.into_iter()
}

/// Every n-th of them, one after the other in one relation.
pub(crate) fn share(number: usize) {
    let share: Vec<_> = accepted().skip(number).step_by(SHARES).collect();
    let served = serve(Programs::oldest(), &share);
    say(&format!("hostile: {served} accepted, share {number}"));
}

/// Each version of etcd with the certificates that have a key; all of them in
/// a sweep, else one of each kind.
pub(crate) fn every_etcd_starts_with_each_kind_of_key() {
    let mut chosen: Vec<_> = accepted()
        .filter(|(entry, _)| entry.key.is_some())
        .collect();
    if !is_sweep() {
        let wanted = [
            "RSA 2048",
            "P-256 with its chain",
            "P-384 alone",
            "Ed25519 alone",
        ];
        chosen.retain(|(entry, _)| wanted.iter().any(|name| entry.name.ends_with(name)));
        assert!(chosen.len() >= 3, "{} of {wanted:?}", chosen.len());
    }
    for programs in Programs::all().into_iter().skip(1) {
        let version = programs.version.clone();
        let served = serve(programs, &chosen);
        say(&format!("hostile: {served} accepted by etcd {version}"));
    }
}

/// As many certificates of one relation as are taken without a wait.
const IN_A_ROW: usize = 4;

fn serve(programs: Programs, entries: &[(&Entry, &str)]) -> usize {
    for entries in entries.chunks(IN_A_ROW) {
        serve_in_a_row(programs.clone(), entries);
    }
    entries.len()
}

fn serve_in_a_row(programs: Programs, entries: &[(&Entry, &str)]) {
    let (mut world, unit) = world(programs);
    let relation = world.relate("client");
    let mut client = V0::ask(&mut world.model, "client", relation, "/client/");
    for (entry, name) in entries {
        client.set_certificate(&mut world.model, std::str::from_utf8(&entry.text).unwrap());
        world.settle();
        let message = world.model.app_status("etcd").message;
        let is_served = !message.contains("refused") && !message.contains("waits");
        assert!(is_served, "{}: {message}", entry.name);
        assert_granted(&mut world, &unit, entry, name);
    }
    world.model.remove_relation(relation);
    world.rest();
    assert_eq!(world.admin(&unit).lines(&["user", "list"]), ["root"]);
}

fn assert_granted(world: &mut World, unit: &UnitName, entry: &Entry, name: &str) {
    let what = &entry.name;
    let admin = world.admin(unit);
    let mut names = [name.to_owned(), "root".to_owned()];
    names.sort();
    assert_eq!(admin.lines(&["user", "list"]), names, "{what}");
    assert_eq!(admin.lines(&["role", "list"]), names, "{what}");
    let roles = admin.json(&["user", "get", "--", name]);
    assert_eq!(roles["roles"], serde_json::json!([name]), "{what}");
    let role = admin.lines(&["role", "get", "--", name]);
    let ranges = role
        .iter()
        .filter(|line| line.contains("[/client/, /client0)"));
    assert_eq!(ranges.count(), 2, "{what}: {role:?}");
    // The admin authority, and this leaf alone: no chain, none from before.
    let trust = world.trust_file(unit);
    assert_eq!(trust.matches("BEGIN CERTIFICATE").count(), 3, "{what}");
    if let Some(certificate) = held(entry, name) {
        let client = world.client(unit, &certificate);
        let put = client.run(&["put", "/client/key", what]);
        assert!(put.ok, "{what}: {}", put.stderr);
        assert_eq!(client.lines(&["get", "/client/key"]), ["/client/key", what]);
        assert!(client.run(&["put", "/client", "x"]).is_denied(), "{what}");
        assert!(client.run(&["get", "/"]).is_denied(), "{what}");
        assert!(client.run(&["user", "list"]).is_denied(), "{what}");
    }
}
