//! Certificates that are refused, each with its reason.

use etcd_charm_world::{Programs, Request, UnitName, V0, V1, World};

use crate::hostile::corpus::{Entry, Outcome};
use crate::hostile::support::{Bystander, CORPUS, held, is_sweep, pass, records, sent, world};
use crate::support::say;

/// How many requests one relation has.
const BATCH: usize = 30;

/// Of how many rotations a plain run sends one.
const STEP: usize = 5;

fn refused() -> impl Iterator<Item = (&'static Entry, String, String)> {
    CORPUS.iter().filter_map(|entry| match sent(entry) {
        // Juju stores no empty value, so nobody can send it.
        (text, _) if text.is_empty() => None,
        (text, Outcome::Refused(reason)) => Some((entry, text, reason)),
        (_, Outcome::Accepted(_)) => None,
    })
}

/// Each as a request of its own, many in one relation.
pub(crate) fn requests_of_version_1() {
    let (mut world, unit) = world(Programs::oldest());
    let bystander = Bystander::begin(&mut world, &unit);
    let before = Untouched::of(&world, &unit);
    let all: Vec<_> = refused().collect();
    for (number, batch) in all.chunks(BATCH).enumerate() {
        let relation = world.relate("mob");
        let requests = (0..batch.len())
            .map(|n| Request::new(&format!("/mob/{number}/{n}/"), &id(n), &id(n)))
            .collect();
        let mut mob = V1::ask(&mut world.model, "mob", relation, requests);
        for (n, (_, text, _)) in batch.iter().enumerate() {
            mob.set_certificate(&mut world.model, n, text);
        }
        world.settle();
        let records = records(&world.admin(&unit));
        for (n, (entry, _, reason)) in batch.iter().enumerate() {
            let record = &records[&format!("{relation}/{}", id(n))];
            assert_eq!(record["notice"]["kind"], "refused", "{}", entry.name);
            assert_eq!(record["notice"]["reason"], **reason, "{}", entry.name);
            assert!(record["grant"].is_null(), "{} has a grant", entry.name);
        }
        let message = world.model.app_status("etcd").message;
        assert!(message.contains("refused: "), "{message}");
        before.assert_still(&world, &unit);
        if let Some(bag) = world.model.app_bag(relation, "etcd").get("requests") {
            assert_eq!(bag, "[]", "a refused request was answered");
        }
        assert_locked_out(&mut world, &unit, batch);
        world.model.remove_relation(relation);
        world.settle();
        pass(&mut world);
        before.assert_still(&world, &unit);
    }
    assert_eq!(records(&world.admin(&unit)).len(), 1);
    bystander.end();
    say(&format!("hostile: {} of version 1 refused", all.len()));
}

/// Each in place of the one before, in the only secret of a version 0 relation,
/// which has nothing in force at first and later a good certificate that stays.
pub(crate) fn rotations_of_version_0() {
    let (mut world, unit) = world(Programs::oldest());
    let bystander = Bystander::begin(&mut world, &unit);
    let before = Untouched::of(&world, &unit);
    let relation = world.relate("villain");
    let mut villain = V0::ask(&mut world.model, "villain", relation, "/villain/");
    let step = if is_sweep() { 1 } else { STEP };
    let mut count = 0;
    for (entry, text, reason) in refused().step_by(step) {
        villain.set_certificate(&mut world.model, &text);
        world.settle();
        // What an operator sees is one line, and not too long a line.
        let whole = format!("villain refused: {reason}").replace(char::is_control, " ");
        let message = world.model.app_status("etcd").message;
        match message.strip_suffix('…') {
            None => assert_eq!(message, whole, "{}", entry.name),
            Some(kept) => assert!(whole.starts_with(kept), "{}: {message}", entry.name),
        }
        let length = message.chars().count();
        assert!(length <= 100, "{}: {length} characters", entry.name);
        before.assert_still(&world, &unit);
        count += 1;
    }
    assert!(world.model.app_bag(relation, "etcd").is_empty());
    world.model.remove_relation(relation);
    world.settle();
    pass(&mut world);
    before.assert_still(&world, &unit);
    bystander.end();
    say(&format!("hostile: {count} of version 0 refused"));
}

/// Nobody gets in with what was refused: where there is a key, the handshake
/// itself fails, so nothing is left to users and roles.
fn assert_locked_out(world: &mut World, unit: &UnitName, batch: &[(&Entry, String, String)]) {
    for (entry, _, _) in batch {
        let Some(certificate) = held(entry, "client") else {
            continue;
        };
        let client = world.client(unit, &certificate);
        for call in [&["put", "/mob/", "x"][..], &["get", "/mob/"]] {
            let answer = client.run(call);
            assert!(!answer.ok, "{} may {call:?}", entry.name);
            assert!(!answer.is_denied(), "{} came as far as etcd", entry.name);
        }
    }
}

/// What no refused certificate may change.
#[derive(Debug, PartialEq)]
struct Untouched {
    users: Vec<String>,
    roles: Vec<String>,
    trust: String,
    starts: u32,
}

impl Untouched {
    fn of(world: &World, unit: &UnitName) -> Self {
        let admin = world.admin(unit);
        Self {
            users: admin.lines(&["user", "list"]),
            roles: admin.lines(&["role", "list"]),
            trust: world.trust_file(unit),
            starts: world.starts(unit),
        }
    }

    fn assert_still(&self, world: &World, unit: &UnitName) {
        assert_eq!(*self, Self::of(world, unit));
    }
}

/// The id of a request, which is 16 hexadecimal digits.
fn id(number: usize) -> String {
    format!("{:016x}", 0xbad0_0000_0000_0000_u64 | number as u64)
}
