//! Requirers that run the libraries of Canonical, unmodified and as real
//! processes. What counts is what a library fires in its charm.

use std::path::{Path, PathBuf};

use juju_simulator::{Charm, Deployment, RelationId, RemoteSide, UnitName};
use serde_json::{Value as Json, json};

use crate::programs::Programs;
use crate::world::{Access, World, service};

fn libraries() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/python")
}

/// Whether the libraries are there; `tests/tools/python` fetches them.
pub(crate) fn are_here() -> bool {
    libraries().join("stamp").is_file()
}

fn charm(version: &str) -> Charm {
    let charms = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charms");
    Charm::at(charms.join(version))
}

fn deployment() -> Deployment {
    let libraries = libraries();
    let interpreter = std::fs::read_to_string(libraries.join("interpreter")).unwrap();
    let carried = libraries.join("single_kernel_mongo/lib");
    Deployment::units(1)
        .environment("PYTHON", interpreter.trim_end())
        .environment(
            "PYTHONPATH",
            format!("{}:{}", libraries.display(), carried.display()),
        )
        .environment("PYTHONDONTWRITEBYTECODE", "1")
}

/// What a library fired since the last look.
struct Requirer {
    unit: UnitName,
    relation: RelationId,
    read: usize,
}

impl Requirer {
    fn related(world: &mut World, app: &str) -> Self {
        let relation = world
            .model
            .integrate("valkey:valkey-client", &format!("{app}:valkey"));
        world.settle();
        Self {
            unit: UnitName::new(app, 0),
            relation,
            read: 0,
        }
    }

    fn fired(&mut self, world: &World) -> Vec<Json> {
        let file = world
            .model
            .charm_directory(self.unit.clone())
            .join("events.jsonl");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let all: Vec<Json> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let new = all[self.read..].to_vec();
        self.read = all.len();
        new
    }
}

fn names(fired: &[Json]) -> Vec<&str> {
    fired
        .iter()
        .filter_map(|fired| fired["event"].as_str())
        .collect()
}

fn access(response: &Json) -> Access {
    let text = |key: &str| response[key].as_str().map(str::to_owned);
    let tls = match &response["tls"] {
        Json::Bool(tls) => Some(tls.to_string()),
        other => other.as_str().map(str::to_owned),
    };
    Access {
        user: text("username").expect("a user"),
        password: text("password").unwrap_or_else(|| panic!("no password: {response}")),
        tls,
        authority: text("tls_ca"),
    }
}

/// One event with everything in it, then one for each later change.
pub(crate) fn the_libraries_fire_what_charms_wait_for() {
    let mut world = World::with_units(Programs::newest(), 40, 2);
    let one = deployment().config("patterns", "app:* other:*");
    world.model.deploy_with("one", charm("v1"), one);
    let zero = deployment().config("pattern", "zero:*");
    world.model.deploy_with("zero", charm("v0"), zero);
    let mut one = Requirer::related(&mut world, "one");
    let mut zero = Requirer::related(&mut world, "zero");
    world.update_status_all();

    let fired = one.fired(&world);
    assert_eq!(names(&fired), ["resource_created", "resource_created"]);
    for event in &fired {
        let response = &event["response"];
        let access = access(response);
        assert_eq!(access.tls.as_deref(), Some("false"), "{response}");
        assert_eq!(response["mode"], "sentinel");
        for key in [
            "endpoints",
            "read_only_endpoints",
            "sentinel_endpoints",
            "version",
        ] {
            assert!(
                response[key].as_str().is_some_and(|text| !text.is_empty()),
                "{key}: {response}"
            );
        }
        let mut client = world.connect(response["endpoints"].as_str().unwrap(), &access);
        world.refused(&mut client, &["SET", "foreign", "1"]);
    }
    let fired = zero.fired(&world);
    assert_eq!(names(&fired), ["database_created"]);
    let response = &fired[0]["response"];
    assert_eq!(response["sentinel_endpoints"], response["underscored"]);
    let access_zero = access(response);
    assert_eq!(access_zero.tls.as_deref(), Some("false"));
    let mut client = world.connect(response["endpoints"].as_str().unwrap(), &access_zero);
    world.done(&mut client, &["SET", "zero:key", "1"]);

    later_changes_are_told(&mut world, &mut one, &mut zero, &access_zero.user);
}

/// A switch is one event for each request; what a password is, too.
fn later_changes_are_told(
    world: &mut World,
    one: &mut Requirer,
    zero: &mut Requirer,
    user_of_zero: &str,
) {
    let leader = world.model.leader("valkey").unwrap();
    let switched = world
        .model
        .run_action(leader.clone(), "switch-primary", json!({}));
    assert_ne!(switched.status, "failed", "{}", switched.message);
    world.settle();
    assert_eq!(
        names(&one.fired(world)),
        ["endpoints_changed", "endpoints_changed"]
    );
    assert_eq!(names(&zero.fired(world)), ["endpoints_changed"]);
    let user = format!("relation-{}", zero.relation);
    let rotated = json!({"user": user_of_zero});
    assert_eq!(user_of_zero, user);
    world
        .model
        .run_action(leader.clone(), "rotate-client-password", rotated);
    let mut users = world.users(&UnitName::from("valkey/0"), "server");
    users.retain(|user| user.starts_with(&format!("relation-{}-", one.relation)));
    let rotated = json!({"user": users[0]});
    let result = world
        .model
        .run_action(leader, "rotate-client-password", rotated);
    assert_ne!(result.status, "failed", "{}", result.message);
    world.settle();
    let fired = one.fired(world);
    assert_eq!(names(&fired), ["authentication_updated"]);
    let new = access(&fired[0]["response"]);
    world.connect(
        world.answers(one.relation)[0]["endpoints"]
            .as_str()
            .unwrap(),
        &new,
    );
}

/// The primary is lost, and comes back: charms hear of it once.
pub(crate) fn a_failover_is_one_event() {
    let mut world = World::with_units(Programs::newest(), 42, 3);
    // As it is without being told otherwise: a machine that is so busy that a server says
    // nothing for a second must not make the sentinels choose once more.
    world.model.set_config("valkey", "down-after", json!(5000));
    world.settle();
    let one = deployment().config("patterns", "app:*");
    world.model.deploy_with("one", charm("v1"), one);
    let zero = deployment().config("pattern", "zero:*");
    world.model.deploy_with("zero", charm("v0"), zero);
    let mut one = Requirer::related(&mut world, "one");
    let mut zero = Requirer::related(&mut world, "zero");
    assert_eq!(names(&one.fired(&world)), ["resource_created"]);
    assert_eq!(names(&zero.fired(&world)), ["database_created"]);
    let endpoint = world.answer(one.relation)["endpoints"]
        .as_str()
        .unwrap()
        .to_owned();
    let old = crate::cluster::primary_of(&world, &endpoint);
    let requirers = [one.unit.clone(), zero.unit.clone()];
    let (_, told) = crate::cluster::cut_power(&mut world, &old, one.relation);
    for unit in &requirers {
        while let Some(run) = world.model.step_unit(unit.clone()) {
            assert!(run.succeeded(), "{}: {}", run.name, run.stderr);
        }
    }
    crate::say(&format!(
        "power cut of the primary: charms are told after {told:.1?}"
    ));
    world.machines[&old].power_on();
    is_one_event(&mut world, [&mut one, &mut zero]);

    // The next one stands still until it was replaced, and does not know it then.
    let endpoint = world.answer(one.relation)["endpoints"].clone();
    let old = crate::cluster::primary_of(&world, endpoint.as_str().unwrap());
    let frozen = service(&old, "server");
    let (_, told) = crate::cluster::replaced(&mut world, &old, one.relation, |world| {
        world.machines[&old].pause_service(&frozen);
    });
    crate::say(&format!(
        "freeze of the primary: charms are told after {told:.1?}"
    ));
    world.machines[&old].resume_service(&frozen);
    is_one_event(&mut world, [&mut one, &mut zero]);
}

/// The old primary is a replica again, and each of these charms saw one change.
fn is_one_event(world: &mut World, requirers: [&mut Requirer; 2]) {
    let relation = requirers[0].relation;
    world.wait_until(60, "it is a replica", |world| {
        let answer = world.answer(relation);
        crate::cluster::list(&answer, "read-only-endpoints").len() == 2
    });
    world.update_status_all();
    let fired = requirers.map(|requirer| requirer.fired(world));
    fired.iter().for_each(|fired| is_one_change(world, fired));
}

fn is_one_change(world: &World, fired: &[Json]) {
    let names = names(fired);
    let changes = names.iter().filter(|name| **name == "endpoints_changed");
    assert_eq!(changes.count(), 1, "{fired:?}\n{}", world.logs());
}

/// With TLS, and from another model.
pub(crate) fn the_libraries_work_across_models_and_with_tls() {
    let options = [("client-tls", json!(true))];
    let mut world = World::deployed(Programs::oldest(), 41, &options);
    world.settle();
    let charms = [("v1", "patterns"), ("v0", "pattern")];
    for (version, option) in charms {
        let name = world.model.deploy_remote_with(
            &format!("app{version}"),
            charm(version),
            RemoteSide::Consumer,
            deployment().config(option, "app:*"),
        );
        let mut requirer = Requirer::related(&mut world, &name);
        let fired = requirer.fired(&world);
        assert_eq!(fired.len(), 1, "{version}: {fired:?}");
        let mut response = fired[0]["response"].clone();
        if version == "v1" {
            // Release 1.2.2 of the library takes a password across models for one that
            // the requirer sends, and reads none. Its charm has the secret all the same.
            assert!(response["password"].is_null());
            let secret = world.secret(&name, response["secret_user"].as_str().unwrap());
            response["password"] = json!(secret["password"]);
        }
        let access = access(&response);
        assert_eq!(access.tls.as_deref(), Some("true"), "{version}");
        let endpoint = response["endpoints"].as_str().unwrap();
        assert!(endpoint.ends_with(":6380"), "{endpoint}");
        let mut client = world.connect(endpoint, &access);
        world.done(&mut client, &["SET", "app:key", "1"]);
    }
}
