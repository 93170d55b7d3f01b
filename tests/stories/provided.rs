//! Members that show clients certificates of an authority of the operator's.

use etcd_charm_world::juju::Deployment;
use etcd_charm_world::{
    Certificate, Programs, Provider, ProviderAuthority, Told, UnitName, V0, World, Writer, writes,
};
use serde_json::{Value, json};

use crate::actions::done;
use crate::support::{ask_v0, assert_serves, certificate, options};

fn cluster(units: usize) -> (World, Vec<UnitName>) {
    let mut world = World::new(options(Programs::oldest()));
    let deployment = Deployment::units(1).config("provider-ca-grace-minutes", 0);
    let mut all = vec![world.deploy_with(deployment)];
    for _ in 1..units {
        all.push(world.add_unit());
    }
    world.rest();
    (world, all)
}

/// Who signed what a member shows to clients, by the common name.
pub(crate) fn issuer(world: &World, unit: &UnitName) -> String {
    let output = std::process::Command::new("openssl")
        .args(["x509", "-noout", "-issuer", "-nameopt", "multiline", "-in"])
        .arg(world.pki(unit).join("clients.pem"))
        .output()
        .expect("openssl runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let line = text.lines().find(|line| line.contains("commonName"));
    let (_, name) = line.expect("a name").split_once("= ").expect("a value");
    name.trim().to_owned()
}

fn issuers(world: &World, all: &[UnitName]) -> Vec<String> {
    let mut names: Vec<_> = all.iter().map(|unit| issuer(world, unit)).collect();
    names.dedup();
    names
}

/// A client that asks each member whether it can check it, with nothing but what it
/// was told last.
struct Watcher {
    requirer: V0,
    shown: Certificate,
    checks: usize,
}

impl Watcher {
    fn told(&self, world: &mut World) -> Told {
        world.told(&self.requirer).expect("an answer")
    }

    fn check(&mut self, world: &mut World) {
        let told = self.told(world);
        for endpoint in told.endpoints.split(',') {
            let url = format!("https://{endpoint}");
            let client = world.client_told(&url, &self.shown, &told.tls["tls-ca"]);
            let put = client.run(&["put", "/app/watched", "1"]);
            assert!(put.ok, "{endpoint}: {}", put.stderr);
            self.checks += 1;
        }
    }

    /// Runs all hooks, the regular ones as well, and asks after each.
    fn rest(&mut self, world: &mut World, writer: &Writer) {
        for _ in 0..4 {
            let before = world.revisions();
            let runs = world.settle_watched(|world, _| {
                writer.follow(&world.told(&self.requirer).expect("an answer"));
                self.check(world);
            });
            let passes = world.model.update_status_all();
            let is_quiet = passes.iter().all(|run| writes(run).is_empty());
            if runs.is_empty() && is_quiet && before == world.revisions() {
                break;
            }
        }
        world.settle();
        self.check(world);
    }
}

fn authorities(told: &Told) -> usize {
    told.tls["tls-ca"].matches("BEGIN CERTIFICATE").count()
}

pub(crate) fn certificates_come_and_go_without_a_restart() {
    let (mut world, all) = cluster(3);
    let shown = certificate("app");
    let requirer = ask_v0(&mut world, "app", "/app/", &shown);
    let older = world.relate_db("older");
    world.rest();
    let mut watcher = Watcher {
        requirer,
        shown,
        checks: 0,
    };
    let starts = |world: &World| -> Vec<_> { all.iter().map(|unit| world.starts(unit)).collect() };
    let before = starts(&world);
    let told = watcher.told(&mut world);
    let writer = Writer::begin(&told, &watcher.shown, "/app/");
    let own = issuers(&world, &all);
    assert_eq!(own, ["etcd server authority"]);

    // From our own to the operator's.
    let mut vault = world.relate_provider("vault");
    watcher.rest(&mut world, &writer);
    assert_eq!(world.requests_to(&vault).len(), 3);
    assert_eq!(issuers(&world, &all), own, "nothing was answered yet");
    assert_eq!(world.answer(&mut vault), 3);
    watcher.rest(&mut world, &writer);
    assert_eq!(issuers(&world, &all), ["vault"]);
    assert_eq!(authorities(&watcher.told(&mut world)), 2);
    let told = world.older_get(&older, "client_ca").expect("an authority");
    assert!(told.contains(&vault.authority.certificate));
    assert!(world.older_client(&older).run(&["put", "x", "1"]).ok);
    for unit in &all {
        let trusted = world.trust_file(unit);
        assert!(!trusted.contains(&vault.authority.certificate), "{unit}");
        assert_eq!(world.mode(unit, "clients.pem"), 0o600);
    }

    // Another authority on the other side: everything is revoked first.
    world.replace_authority(&mut vault, "vault 2");
    watcher.rest(&mut world, &writer);
    assert_eq!(issuers(&world, &all), ["vault"]);
    world.answer(&mut vault);
    watcher.rest(&mut world, &writer);
    assert_eq!(issuers(&world, &all), ["vault 2"]);
    assert_eq!(authorities(&watcher.told(&mut world)), 2);

    // Another provider at once, and back to our own.
    world.model.remove_relation(vault.relation);
    let mut other = world.relate_provider("other");
    watcher.rest(&mut world, &writer);
    world.answer(&mut other);
    watcher.rest(&mut world, &writer);
    assert_eq!(issuers(&world, &all), ["other"]);
    world.model.remove_relation(other.relation);
    watcher.rest(&mut world, &writer);
    assert_eq!(issuers(&world, &all), own);
    assert_eq!(authorities(&watcher.told(&mut world)), 1);
    let told = watcher.told(&mut world);
    assert_serves(&mut world, &told, &watcher.shown, "/app/");

    let written = writer.finish();
    assert!(written.lost.is_empty(), "{written}");
    assert_eq!(starts(&world), before, "a member was restarted");
    crate::support::say(&format!(
        "provided: {written}; {} checks of members, no restart",
        watcher.checks
    ));
}

fn message(world: &World, unit: &UnitName) -> String {
    world.model.unit_status(unit.clone()).message
}

/// What a provider answers to the one request that there is.
fn answered(world: &mut World, provider: &Provider, entry: impl FnOnce(&str) -> Value) -> String {
    let requests = world.requests_to(provider);
    let [csr] = requests.as_slice() else {
        panic!("{} requests", requests.len());
    };
    let entry = entry(csr);
    world.tell(provider, &[entry]);
    world.rest();
    assert_eq!(world.requests_to(provider), requests, "it asked anew");
    csr.clone()
}

pub(crate) fn nonsense_changes_nothing() {
    let (mut world, all) = cluster(1);
    let unit = &all[0];
    let own = issuers(&world, &all);
    let mut vault = world.relate_provider("vault");
    world.rest();
    assert!(
        message(&world, unit).contains("waiting for a certificate from vault"),
        "{}",
        message(&world, unit)
    );
    let other = ProviderAuthority::new("vault");
    let authority = &vault.authority;
    let of_other_key = {
        let request = etcd_charm_world::SigningRequest::new("etcd-charm:etcd-0");
        authority.sign(&request.csr, |_| {})
    };
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    type Entry<'a> = Box<dyn FnOnce(&str) -> Value + 'a>;
    let cases: [(&str, Entry<'_>); 4] = [
        (
            "correct vault: the certificate is for another key",
            Box::new(|csr| authority.entry(csr, &of_other_key)),
        ),
        (
            "correct vault: the certificate expired at",
            Box::new(|csr| {
                let ended = authority.sign(csr, |params| params.not_after = past.into());
                authority.entry(csr, &ended)
            }),
        ),
        (
            "correct vault: the certificate is not for",
            Box::new(|csr| {
                let nameless = authority.sign(csr, |params| params.subject_alt_names.clear());
                authority.entry(csr, &nameless)
            }),
        ),
        (
            "correct vault: the certificate is not signed by the CA beside it",
            Box::new(|csr| other.entry(csr, &authority.sign(csr, |_| {}))),
        ),
    ];
    for (expected, entry) in cases {
        answered(&mut world, &vault, entry);
        let status = message(&world, unit);
        assert!(status.starts_with(expected), "{status}");
        assert!(status.chars().count() <= 100, "{status}");
        assert_eq!(issuers(&world, &all), own);
    }
    let pairs = [("certificates", "nonsense")];
    world
        .model
        .relation_set_app(vault.relation, "vault", &pairs);
    world.rest();
    let status = message(&world, unit);
    assert!(
        status.starts_with("correct vault: certificates is not"),
        "{status}"
    );
    let csr = world.requests_to(&vault).remove(0);
    let error = json!([{"csr": csr, "error":
        {"code": 101, "name": "IP_NOT_ALLOWED", "message": "no addresses"}}]);
    let pairs = [("certificates", ""), ("request_errors", &error.to_string())];
    world
        .model
        .relation_set_app(vault.relation, "vault", &pairs);
    world.rest();
    let status = message(&world, unit);
    let expected = "see vault: no certificate for this unit: no addresses (101)";
    assert!(status.starts_with(expected), "{status}");
    // In the end it gives what it should.
    world
        .model
        .relation_set_app(vault.relation, "vault", &[("request_errors", "")]);
    world.answer(&mut vault);
    for _ in 0..3 {
        world.rest();
        world.model.update_status_all();
    }
    world.rest();
    assert_eq!(issuers(&world, &all), ["vault"]);
    assert!(
        !message(&world, unit).contains("vault"),
        "{}",
        message(&world, unit)
    );
    assert!(world.admin(unit).run(&["put", "x", "1"]).ok);
}

pub(crate) fn keys_are_replaced_by_an_action() {
    let (mut world, all) = cluster(1);
    let unit = &all[0];
    let starts = world.starts(unit);
    let read = |world: &World, file: &str| std::fs::read(world.pki(unit).join(file)).unwrap();
    let before = (read(&world, "server.key"), read(&world, "clients.pem"));
    let results = done(&mut world, unit, "rotate-server-key");
    assert_eq!(results["fingerprint"].as_str().unwrap().len(), 64);
    let after = (read(&world, "server.key"), read(&world, "clients.pem"));
    assert!(before.0 != after.0 && before.1 != after.1);
    assert!(world.admin(unit).run(&["put", "x", "1"]).ok);
    let mut vault = world.relate_provider("vault");
    let rest = |world: &mut World, vault: &mut Provider| {
        for _ in 0..4 {
            world.rest();
            world.answer(vault);
            world.model.update_status_all();
        }
        world.rest();
    };
    rest(&mut world, &mut vault);
    assert_eq!(issuers(&world, &all), ["vault"]);
    let (asked, shown) = (world.requests_to(&vault), read(&world, "clients.pem"));
    let results = done(&mut world, unit, "rotate-server-key");
    let output = results["output"].as_str().unwrap();
    assert!(output.contains("vault was asked"), "{output}");
    assert_ne!(world.requests_to(&vault), asked);
    assert_eq!(read(&world, "clients.pem"), shown, "until it is answered");
    rest(&mut world, &mut vault);
    assert_ne!(read(&world, "clients.pem"), shown);
    assert_eq!(issuers(&world, &all), ["vault"]);
    assert_eq!(world.starts(unit), starts);
}
