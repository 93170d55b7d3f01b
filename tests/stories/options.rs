//! What an operator configures, as the running etcd has it.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use etcd_charm::tls::OwnCertificate;
use etcd_charm_world::juju::Deployment;
use etcd_charm_world::{
    Certificate, Etcdctl, JujuVersion, Programs, UnitName, V0, World, service_of,
};
use serde_json::{Value, json};

use crate::support::{
    Client, application_message, ask_v0, assert_serves, certificate, world, world_of,
};

/// A cluster of so many units at rest, with a client that has access to `/app/`.
fn served(count: usize) -> (World, Vec<UnitName>, V0, Certificate) {
    let mut world = world();
    let mut units = vec![world.deploy()];
    units.extend((1..count).map(|_| world.add_unit()));
    world.rest();
    let shown = certificate("client1");
    let app = ask_v0(&mut world, "app", "/app/", &shown);
    world.rest();
    (world, units, app, shown)
}

fn set(world: &mut World, options: &[(&str, Value)]) {
    for (option, value) in options {
        world.model.set_config("etcd", option, value.clone());
    }
}

fn starts(world: &World, units: &[UnitName]) -> Vec<u32> {
    units.iter().map(|unit| world.starts(unit)).collect()
}

fn log(world: &World, unit: &UnitName) -> String {
    let path = world.machines[unit].service_log(&service_of(unit));
    std::fs::read_to_string(path).unwrap()
}

/// What etcd said of its settings when it was last started.
fn settings(world: &World, unit: &UnitName) -> String {
    let log = log(world, unit);
    let mut lines = log.lines().rev();
    let line = lines.find(|line| line.contains(r#""starting an etcd server""#));
    line.expect("etcd says what its settings are").to_owned()
}

fn status(world: &World, unit: &UnitName) -> (String, String) {
    let status = world.model.unit_status(unit.clone());
    (status.status, status.message)
}

/// Juju 4.0 does not tell that an option is reset.
pub(crate) fn that_are_reset_untold_are_found_by_update_status() {
    let mut world = world_of(Programs::oldest(), JujuVersion::V4_0);
    let unit = world.deploy();
    world.model.set_config("etcd", "snapshot-count", 5000);
    world.rest();
    assert!(world.configuration(&unit).contains("snapshot-count: 5000"));
    world
        .model
        .set_config("etcd", "snapshot-count", Value::Null);
    assert!(world.settle().is_empty(), "it was told");
    world.rest();
    assert!(!world.configuration(&unit).contains("snapshot-count: 5000"));
    assert_active(&world, &unit);
}

fn assert_active(world: &World, unit: &UnitName) {
    let (status, message) = status(world, unit);
    assert_eq!(status, "active", "{message}");
}

fn assert_blocked(world: &World, unit: &UnitName, begin: &str) {
    let (status, message) = status(world, unit);
    assert_eq!(status, "blocked", "{message}");
    assert!(message.starts_with(begin), "{message}");
}

pub(crate) fn are_what_etcd_runs_with() {
    let (mut world, units, _, _) = served(1);
    let unit = &units[0];
    let before = world.starts(unit);
    set(
        &mut world,
        &[
            ("auto-compaction-mode", json!("revision")),
            ("auto-compaction-retention", json!("5000")),
            ("election-timeout", json!(2500)),
            ("heartbeat-interval", json!(250)),
            ("quota-backend-bytes", json!("96MiB")),
            ("snapshot-count", json!(5000)),
        ],
    );
    world.rest();
    assert_eq!(world.starts(unit), before + 1);
    let said = settings(&world, unit);
    for setting in [
        r#""heartbeat-interval":"250ms""#,
        r#""election-timeout":"2.5s""#,
        r#""snapshot-count":5000"#,
        r#"-bytes":100663296"#,
        r#""auto-compaction-mode":"revision""#,
    ] {
        assert!(said.contains(setting), "{setting} is not in {said}");
    }
    // etcd 3.4 tells the retention as a time, whatever it means.
    assert!(world.configuration(unit).contains("retention: '5000'"));

    // The level below which it is silent from then on.
    assert!(log(&world, unit).contains(r#""level":"info""#));
    set(&mut world, &[("log-level", json!("warn"))]);
    let before = log(&world, unit).len();
    world.rest();
    world.machines[unit].kill_service(&service_of(unit), etcd_charm_world::machine::Signal::KILL);
    world.rest();
    let since = log(&world, unit).split_off(before);
    let restarted = since.split_once("using raft").map_or("", |(_, rest)| rest);
    assert!(!restarted.contains(r#""level":"info""#), "{since}");

    // What nobody has set is what it was before anybody set it.
    for (option, _) in [
        ("auto-compaction-mode", ()),
        ("auto-compaction-retention", ()),
        ("election-timeout", ()),
        ("heartbeat-interval", ()),
        ("log-level", ()),
        ("quota-backend-bytes", ()),
        ("snapshot-count", ()),
    ] {
        world.model.set_config("etcd", option, Value::Null);
    }
    world.rest();
    let said = settings(&world, unit);
    assert!(
        said.contains(r#""auto-compaction-mode":"periodic""#),
        "{said}"
    );
    assert!(said.contains(r#""heartbeat-interval":"100ms""#), "{said}");
}

pub(crate) fn restart_each_of_three_members_once() {
    let (mut world, units, app, shown) = served(3);
    let before = starts(&world, &units);
    let told = world.told(&app).unwrap();
    let client = world.follow(&told, &shown);
    set(
        &mut world,
        &[
            ("heartbeat-interval", json!(200)),
            ("election-timeout", json!(2000)),
        ],
    );
    world.settle_watched(|_, run| {
        let put = client.run(&["put", "/app/during", "1"]);
        assert!(put.ok, "after {} of {}: {}", run.name, run.unit, put.stderr);
    });
    world.rest();
    let once: Vec<_> = before.iter().map(|starts| starts + 1).collect();
    assert_eq!(starts(&world, &units), once);
    for unit in &units {
        let said = settings(&world, unit);
        assert!(said.contains(r#""heartbeat-interval":"200ms""#), "{said}");
        assert!(said.contains(r#""election-timeout":"2s""#), "{said}");
        assert_active(&world, unit);
    }

    // Other words for the same, and what does not stand in the file.
    set(
        &mut world,
        &[
            ("auto-compaction-retention", json!("60m")),
            ("prefix-policy", json!("exclusive")),
            ("certificate-validity-days", json!(30)),
        ],
    );
    world.rest();
    assert_eq!(starts(&world, &units), once);
    assert_eq!(world.told(&app).unwrap(), told);
}

pub(crate) fn that_are_wrong_change_nothing() {
    let (mut world, units, app, shown) = served(1);
    let unit = &units[0];
    let before = (world.starts(unit), world.configuration(unit));
    set(
        &mut world,
        &[
            ("prefix-policy", json!("exclusive")),
            ("heartbeat-interval", json!(7)),
            ("log-level", json!("debug")),
            ("client-port", json!(80)),
        ],
    );
    world.rest();
    let said = "option heartbeat-interval must be 10 to 5000 milliseconds, not 7 (and 2 more \
                options are wrong)";
    assert_blocked(&world, unit, said);
    assert_eq!(application_message(&world), said);

    // Everybody is served as before, those included who come now.
    let told = world.told(&app).unwrap();
    assert_serves(&mut world, &told, &shown, "/app/");
    let late = Client::ask_as(&mut world, "late", "/app/late/", "client2");
    world.settle();
    assert_blocked(&world, unit, "option heartbeat-interval must be");
    let told = world
        .told(&late.requirer)
        .expect("the policy that was set before holds");
    assert_serves(&mut world, &told, &late.shown, "/app/late/");
    assert_eq!(world.configuration(unit), before.1);

    // One is corrected, the next is named.
    set(&mut world, &[("heartbeat-interval", json!(100))]);
    world.rest();
    assert_blocked(
        &world,
        unit,
        "option client-port must be 1024 to 65535, not 80 (and 1",
    );
    set(&mut world, &[("client-port", Value::Null)]);
    set(&mut world, &[("log-level", json!("info"))]);
    world.rest();
    assert_active(&world, unit);
    assert_eq!(application_message(&world), "");
    assert_eq!(world.configuration(unit), before.1);
    // Those two who came, and nothing else.
    assert_eq!(world.starts(unit), before.0 + 1);
}

pub(crate) fn that_are_wrong_keep_a_unit_from_starting() {
    let mut world = world();
    let options = Deployment::units(1).config("peer-port", 2379);
    let unit = world.deploy_with(options);
    world.settle();
    let said = "option peer-port must be another port than client-port, not 2379";
    assert_blocked(&world, &unit, said);
    assert_eq!(world.starts(&unit), 0);
    set(&mut world, &[("client-port", json!(4001))]);
    world.rest();
    assert_active(&world, &unit);
    let members = world.admin(&unit).json(&["member", "list"]);
    let address = world.model.address(unit.clone());
    let member = &members["members"][0];
    assert_eq!(member["clientURLs"][0], format!("https://{address}:4001"));
    assert_eq!(member["peerURLs"][0], format!("https://{address}:2379"));
    assert_eq!(world.starts(&unit), 1);
}

/// Lets everything come to rest without any hook failing on the way.
fn rest(world: &mut World) {
    let runs = world.rest();
    let failed = runs.iter().find(|run| !run.succeeded());
    assert!(failed.is_none(), "{failed:#?}");
}

/// The URLs of this kind on the member list, sorted.
fn urls(admin: &Etcdctl, kind: &str) -> Vec<String> {
    let list = admin.json(&["member", "list"]);
    let members = list["members"].as_array().unwrap().iter();
    let mut urls: Vec<_> = members
        .map(|member| member[kind][0].as_str().unwrap().to_owned())
        .collect();
    urls.sort();
    urls
}

pub(crate) fn move_members_to_other_ports(count: usize) {
    let (mut world, mut units, app, shown) = served(count);
    let before = starts(&world, &units);
    let told = world.told(&app).unwrap();
    let old = world.follow(&told, &shown);
    assert!(old.run(&["put", "/app/before", "1"]).ok);
    set(
        &mut world,
        &[("client-port", json!(4001)), ("peer-port", json!(4002))],
    );
    rest(&mut world);
    let once: Vec<_> = before.iter().map(|starts| starts + 1).collect();
    assert_eq!(starts(&world, &units), once);

    // Who joins finds the others at their new ports.
    units.push(world.add_unit());
    rest(&mut world);
    let at = |world: &World, port: u16| {
        let addresses = units.iter().map(|unit| world.model.address(unit.clone()));
        let mut all: Vec<_> = addresses.map(|ip| format!("{ip}:{port}")).collect();
        all.sort();
        all
    };
    let https =
        |all: Vec<String>| -> Vec<_> { all.iter().map(|end| format!("https://{end}")).collect() };
    for unit in &units {
        let admin = world.admin(unit);
        assert_eq!(urls(&admin, "clientURLs"), https(at(&world, 4001)));
        assert_eq!(urls(&admin, "peerURLs"), https(at(&world, 4002)));
        assert!(admin.run(&["endpoint", "health"]).ok);
        assert_eq!(world.model.open_ports(unit.clone()), ["4001/tcp"]);
        assert_active(&world, unit);
    }
    // The client finds the new endpoints where it found the old ones.
    let told = world.told(&app).unwrap();
    assert_eq!(told.endpoints, at(&world, 4001).join(","));
    assert_serves(&mut world, &told, &shown, "/app/");
    let client = world.follow(&told, &shown);
    assert_eq!(client.value("/app/before"), "1");
    assert!(old.impatient().run(&["get", "/app/before"]).is_shut_out());

    // And back, each port where the other was.
    set(
        &mut world,
        &[("client-port", json!(4002)), ("peer-port", json!(4001))],
    );
    rest(&mut world);
    let admin = world.admin(&units[0]);
    assert_eq!(urls(&admin, "clientURLs"), https(at(&world, 4002)));
    assert_eq!(urls(&admin, "peerURLs"), https(at(&world, 4001)));
    let told = world.told(&app).unwrap();
    assert_serves(&mut world, &told, &shown, "/app/");
}

pub(crate) fn leave_a_port_that_is_taken() {
    let (mut world, units, app, shown) = served(1);
    let unit = &units[0];
    let before = world.starts(unit);
    let address = world.model.address(unit.clone());
    let listener = TcpListener::bind((address.as_str(), 4001)).unwrap();
    set(&mut world, &[("client-port", json!(4001))]);
    world.rest();
    let said = format!(
        "option client-port must be a port that is free on this machine ({address}), not 4001"
    );
    assert_blocked(&world, unit, &said);
    let told = world.told(&app).unwrap();
    assert_serves(&mut world, &told, &shown, "/app/");
    assert_eq!(world.starts(unit), before);
    drop(listener);
    world.rest();
    assert_active(&world, unit);
    let told = world.told(&app).unwrap();
    assert_eq!(told.endpoints, format!("{address}:4001"));
    assert_serves(&mut world, &told, &shown, "/app/");
}

/// Whether the running etcd shows a certificate for this name.
fn serves_as(world: &World, unit: &UnitName, name: &str) -> bool {
    let pki = world.pki(unit);
    let status = Command::new("openssl")
        .args(["s_client", "-verify_return_error", "-verify_hostname", name])
        .arg("-connect")
        .arg(world.url(unit).trim_start_matches("https://"))
        .args(["-CAfile", "server-ca.crt"])
        .args(["-cert", "admin.crt", "-key", "admin.key"])
        .current_dir(pki)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.expect("openssl is installed").success()
}

/// How many days the certificate of the member is valid.
fn days(world: &World, unit: &UnitName) -> i64 {
    let text = std::fs::read_to_string(world.pki(unit).join("server.crt")).unwrap();
    let own = OwnCertificate::read(&text).unwrap();
    (own.not_after.0 - own.not_before.0) / (24 * 3600)
}

pub(crate) fn change_certificates_and_restart_nothing() {
    let (mut world, units, app, shown) = served(3);
    let before = starts(&world, &units);
    assert_eq!(days(&world, &units[0]), 90);
    assert!(!serves_as(&world, &units[0], "etcd-0.example.com"));

    // A life is that of the next certificate.
    set(&mut world, &[("certificate-validity-days", json!(9))]);
    world.rest();
    assert_eq!(days(&world, &units[0]), 90);
    let names = json!("etcd-{unit}.example.com, etcd.example.com,192.0.2.7");
    set(&mut world, &[("certificate-extra-sans", names)]);
    world.rest();
    for (number, unit) in units.iter().enumerate() {
        assert_eq!(days(&world, unit), 9);
        let own = format!("etcd-{number}.example.com");
        assert!(serves_as(&world, unit, &own), "{own}");
        assert!(serves_as(&world, unit, "etcd.example.com"));
        assert!(!serves_as(&world, unit, "etcd-7.example.com"));
    }
    set(
        &mut world,
        &[("certificate-extra-sans", json!("*.example.com"))],
    );
    world.rest();
    assert_blocked(
        &world,
        &units[1],
        "option certificate-extra-sans must be up to 50",
    );
    assert!(serves_as(&world, &units[1], "etcd.example.com"));
    set(&mut world, &[("certificate-extra-sans", Value::Null)]);
    world.rest();
    assert!(!serves_as(&world, &units[0], "etcd.example.com"));
    assert_eq!(starts(&world, &units), before);
    let told = world.told(&app).unwrap();
    assert_serves(&mut world, &told, &shown, "/app/");
}
