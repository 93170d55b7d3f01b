//! Clients that want to be `root`, in releases of etcd in which an alarm lifts the
//! check of rights; and rights that end whatever alarm there is.

use std::time::Instant;

use etcd_charm_world::juju::{Deployment, Hook};
use etcd_charm_world::{Certificate, Etcdctl, JujuVersion, Programs, UnitName, World};
use serde_json::json;

use crate::actions::done;
use crate::support::{
    application_message, ask_v0, ask_v1, assert_serves, certificate, users, world_of,
};

pub(crate) fn is_open(version: &str) -> bool {
    version.starts_with("3.4.") || version.starts_with("3.5.")
}

/// Two clients: one that is up to no good, and one that is not.
struct Pair {
    world: World,
    unit: UnitName,
    evil: Certificate,
    good: Certificate,
    intruder: Etcdctl,
    victim: Etcdctl,
}

impl Pair {
    fn in_world(programs: &Programs, quota: &str) -> Self {
        let mut world = world_of(programs.clone(), JujuVersion::V3_6);
        let options = Deployment::units(1).config("quota-backend-bytes", quota);
        let unit = world.deploy_with(options);
        world.settle();
        let (evil, good) = (certificate("evil"), certificate("good"));
        ask_v0(&mut world, "evil", "/evil/", &evil);
        ask_v0(&mut world, "good", "/good/", &good);
        world.rest();
        let (intruder, victim) = (world.client(&unit, &evil), world.client(&unit, &good));
        assert!(victim.run(&["put", "/good/key", "value"]).ok);
        assert!(intruder.run(&["user", "list"]).is_denied());
        Self {
            world,
            unit,
            evil,
            good,
            intruder,
            victim,
        }
    }

    /// The roles of a user.
    fn roles(&self, user: &str) -> Vec<String> {
        let user = self.world.admin(&self.unit).json(&["user", "get", user]);
        let roles = user["roles"].as_array().cloned().unwrap_or_default();
        let text = |role: serde_json::Value| role.as_str().unwrap_or_default().to_owned();
        roles.into_iter().map(text).collect()
    }

    /// The leader's next pass, and how long the intruder was `root` at least.
    fn pass(&mut self, since: Instant, of: &str) {
        let run = self
            .world
            .model
            .run_hook(self.unit.clone(), Hook::UpdateStatus);
        assert!(run.succeeded(), "{}", run.stderr);
        say(&format!(
            "{of}: root for {:.1?}, until this pass",
            since.elapsed()
        ));
    }

    /// Nobody is `root` but who should be, and nobody gets in as somebody else.
    fn assert_put_right(&mut self) {
        assert_eq!(self.roles("evil"), ["evil"]);
        assert_eq!(self.roles("good"), ["good"]);
        assert_eq!(self.roles("root"), ["root"]);
        let admin = self.world.admin(&self.unit);
        if users(&self.world, &self.unit).contains(&"backdoor".to_owned()) {
            assert_eq!(self.roles("backdoor"), Vec::<String>::new());
        }
        for user in ["root", "good", "backdoor"] {
            let login = format!("--user={user}:known");
            let answer = self.intruder.run(&[&login, "get", "/good/key"]);
            assert!(!answer.ok, "{user} can log in with a password");
        }
        let denied: [&[&str]; 4] = [
            &["user", "list"],
            &["user", "add", "more", "--no-password"],
            &["auth", "disable"],
            &["get", "/good/key"],
        ];
        for command in denied {
            let answer = self.intruder.run(command);
            assert!(answer.is_denied(), "{command:?}: {answer:?}");
        }
        assert!(admin.run(&["user", "list"]).ok);
        assert_eq!(self.roles("evil"), ["evil"]);
    }
}

/// What somebody does who has become `root` and wants to stay it.
fn entrench(intruder: &Etcdctl, leaves_it_on: bool) {
    let deeds: [&[&str]; 13] = [
        &["del", "/good/key"],
        &["user", "add", "backdoor:known"],
        &["user", "grant-role", "backdoor", "root"],
        &["user", "grant-role", "backdoor", "good"],
        &["user", "delete", "good"],
        &["user", "add", "good:known"],
        &["user", "grant-role", "good", "good"],
        &[
            "role",
            "grant-permission",
            "evil",
            "readwrite",
            "",
            "--from-key",
        ],
        &["auth", "disable"],
        &["user", "delete", "root"],
        &["user", "add", "root:known"],
        &["user", "grant-role", "root", "root"],
        &["auth", "enable"],
    ];
    let count = if leaves_it_on {
        deeds.len()
    } else {
        deeds.len() - 1
    };
    for deed in &deeds[..count] {
        let answer = intruder.run(deed);
        assert!(answer.ok, "{deed:?}: {answer:?}");
    }
}

pub(crate) fn by_a_call_ends_with_the_next_pass(programs: Programs) {
    let mut pair = Pair::in_world(&programs, "auto");
    for (alarm, is_of_member, leaves_it_on) in [
        ("NOSPACE", true, true),
        ("NOSPACE", false, false),
        ("CORRUPT", false, true),
    ] {
        let what = format!("etcd {}, alarm {alarm} by a call", programs.version);
        let since = Instant::now();
        let mut intruder = pair.world.intruder(&pair.unit, &pair.evil);
        let mut tries = 1;
        while !intruder.raise_and_become_root(alarm, is_of_member, "evil") {
            // The two calls may have been carried out the other way round.
            tries += 1;
            assert!(
                tries < 20,
                "{what}: nobody became root, so what is this story of?"
            );
        }
        say(&format!(
            "{what}: root after {tries} tries, {:.1?}",
            since.elapsed()
        ));
        if alarm == "NOSPACE" {
            entrench(&pair.intruder, leaves_it_on);
            assert!(pair.intruder.run(&["--user=root:known", "user", "list"]).ok);
        }
        pair.pass(since, &what);
        pair.world.settle();
        pair.assert_put_right();
        let alarms = pair.world.admin(&pair.unit).lines(&["alarm", "list"]);
        assert!(alarms.is_empty(), "{alarms:?}");
        let message = pair.world.model.unit_status(pair.unit.clone()).message;
        assert!(message.contains("cluster is healthy"), "{message}");
        if alarm == "NOSPACE" {
            let admin = pair.world.admin(&pair.unit);
            assert!(admin.run(&["user", "delete", "backdoor"]).ok);
        }
        // Whom it has robbed of its user is served again.
        let victim = &pair.victim;
        assert!(victim.run(&["put", "/good/key", "value"]).ok);
    }
    assert_eq!(pair.good.common_name, "good");
}

/// Puts values until etcd takes no more.
fn fill(client: &Etcdctl, prefix: &str) {
    let value = "x".repeat(1_000_000);
    for number in 0..64 {
        let put = client.run_with(&["put", &format!("{prefix}{number}")], &value);
        if !put.ok {
            assert!(put.stderr.contains("database space exceeded"), "{put:?}");
            return;
        }
    }
    panic!("the database is never full");
}

pub(crate) fn by_a_full_database_ends_with_the_next_pass(programs: Programs) {
    let mut pair = Pair::in_world(&programs, "16M");
    fill(&pair.intruder, "/evil/");
    let since = Instant::now();
    let granted = pair.intruder.run(&["user", "grant-role", "evil", "root"]);
    assert!(granted.ok, "nobody became root: {granted:?}");
    entrench(&pair.intruder, true);
    let what = format!("etcd {}, a full database", programs.version);
    pair.pass(since, &what);
    // The alarm has its cause, so it stays until somebody has made room.
    let status = pair.world.model.unit_status(pair.unit.clone());
    assert!(
        status
            .message
            .contains("run compact, defrag, then alarm-disarm"),
        "{status:?}"
    );
    assert_eq!(pair.roles("evil"), ["evil"]);
    assert_eq!(pair.roles("backdoor"), Vec::<String>::new());
    assert!(!pair.intruder.run(&["--user=root:known", "user", "list"]).ok);

    let admin = pair.world.admin(&pair.unit);
    assert!(admin.run(&["del", "/evil/", "--prefix"]).ok);
    for action in ["compact physical=true", "defrag", "alarm-disarm"] {
        done(&mut pair.world, &pair.unit, action);
    }
    pair.world.settle();
    pair.world.full_pass();
    pair.assert_put_right();
    assert!(pair.victim.run(&["put", "/good/key", "value"]).ok);
}

/// A release of etcd without that hole refuses all of it.
pub(crate) fn of_no_newer_etcd() {
    let newest = Programs::all().pop().expect("an etcd is at hand");
    let pair = Pair::in_world(&newest, "16M");
    let mut intruder = pair.world.intruder(&pair.unit, &pair.evil);
    for is_of_member in [true, false] {
        assert!(!intruder.raise_and_become_root("NOSPACE", is_of_member, "evil"));
    }
    fill(&pair.intruder, "/evil/");
    assert!(
        pair.intruder
            .run(&["user", "grant-role", "evil", "root"])
            .is_denied()
    );
    assert_eq!(pair.roles("evil"), ["evil"]);
}

/// Unless an operator wants it otherwise, who can become `root` has nobody's keys
/// to reach but its own.
pub(crate) fn takes_more_than_one_relation() {
    let mut world = world_of(Programs::oldest(), JujuVersion::V3_6);
    let option = "allow-vulnerable-etcd";
    let unit = world.deploy_with(Deployment::units(1).config(option, false));
    world.settle();
    let (first, second) = (certificate("first"), certificate("second"));
    let more = certificate("more");
    let served = ask_v1(
        &mut world,
        "first",
        &[("/1/", Some(&first)), ("/2/", Some(&more))],
    );
    world.rest();
    let refused = ask_v0(&mut world, "second", "/3/", &second);
    world.rest();
    for number in [0, 1] {
        let id = crate::support::id(number);
        assert!(world.told_for(&served, &id).is_some(), "request {number}");
    }
    assert_eq!(world.told(&refused), None);
    let reason =
        "second refused: attach etcd 3.6, or set allow-vulnerable-etcd: 3.4.23 isolates no clients";
    let message = application_message(&world);
    assert!(
        message.contains(reason) && reason.chars().count() <= 100,
        "{message}"
    );
    assert_eq!(users(&world, &unit), ["first", "more", "root"]);

    world.model.set_config("etcd", option, true);
    world.rest();
    let told = world.told(&refused).expect("an answer");
    assert_serves(&mut world, &told, &second, "/3/");
    // What was granted stays, and is no reason to grant more.
    world.model.set_config("etcd", option, false);
    world.rest();
    let third = ask_v0(&mut world, "third", "/4/", &certificate("third"));
    world.rest();
    assert_serves(&mut world, &told, &second, "/3/");
    assert_eq!(world.told(&third), None);
    // Who is alone is served.
    world.model.remove_relation(served.relation);
    world.model.remove_relation(refused.relation);
    world.rest();
    assert!(world.told(&third).is_some());
}

/// A client that has filled the database has no rights any more after the hook
/// that ends its relation, whatever cannot be written of it.
pub(crate) fn rights_end_while_etcd_is_full(programs: Programs) {
    let mut world = world_of(programs.clone(), JujuVersion::V3_6);
    let options = Deployment::units(1).config("quota-backend-bytes", "16M");
    let unit = world.deploy_with(options);
    world.settle();
    let shown = ["one", "two", "three"].map(certificate);
    let asked: Vec<_> = ["/1/", "/2/", "/3/"]
        .into_iter()
        .zip(shown.iter().map(Some))
        .collect();
    let app = ask_v1(&mut world, "app", &asked);
    serve_everybody(&mut world, &unit);
    assert_eq!(
        users(&world, &unit),
        ["one", "person", "root", "three", "two"]
    );
    let client = world.client(&unit, &shown[0]);
    fill(&client, "/1/");

    let revoked = world.run_action(
        &unit,
        "revoke-client-certificates",
        json!({"common-name": "person"}),
    );
    let said = format!("{revoked:?}");
    assert!(
        said.contains("end the alarm, then run this again"),
        "{said}"
    );
    assert_eq!(users(&world, &unit), ["one", "root", "three", "two"]);
    world.model.remove_relation(app.relation);
    let runs = world.settle();
    let ended = runs
        .iter()
        .find(|run| run.name.ends_with("relation-broken"));
    assert!(ended.is_some_and(|run| run.succeeded()));
    assert_eq!(users(&world, &unit), ["root"], "etcd {}", programs.version);
    world.full_pass();
    assert_eq!(users(&world, &unit), ["root"]);
    assert_eq!(world.admin(&unit).lines(&["role", "list"]), ["root"]);
    assert_eq!(world.admin(&unit).lines(&["alarm", "list"]).len(), 1);
    assert!(!client.run(&["get", "/1/0"]).ok);
}

/// Serves everybody, an operator too.
fn serve_everybody(world: &mut World, unit: &UnitName) {
    world.rest();
    done(
        world,
        unit,
        "generate-client-certificates common-name=person",
    );
    world.rest();
}

/// A figure for whoever runs the story with `--nocapture`.
fn say(text: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{text}").expect("somebody reads");
}
