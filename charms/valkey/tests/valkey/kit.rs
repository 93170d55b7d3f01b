//! Charms in Rust that use the kit for requirers. This program is their `dispatch`.

use std::path::Path;
use std::time::SystemTime;

use data_requirer::{Answer, ClientCertificate, Dialect, Requirer, VALKEY_CLIENT, Wish};
use juju_hooks::{Endpoint, Environment, Event, Hook, Relation, RelationChange, Tools};
use juju_simulator::{Charm, Deployment, RelationId, RemoteSide, UnitName};
use serde_json::{Value as Json, json};

use crate::programs::Programs;
use crate::world::{Access, World};

const ENDPOINT: Endpoint = Endpoint("valkey");
const TOLD: &str = "told.json";

/// Runs as the charm, if Juju has started this program as one.
pub(crate) fn run() -> bool {
    let environment = Environment::of_process();
    let Ok(hook) = Hook::read(&environment) else {
        return false;
    };
    let private = std::env::current_dir().unwrap().join("private");
    let tools = Tools::new(&hook.search_path, &private).unwrap();
    let options = tools.config_get().unwrap();
    let dialect = match options["version"].as_str() {
        Some("v0") => Dialect::V0,
        _ => Dialect::V1,
    };
    let now = SystemTime::now().into();
    let requirer_of =
        |relation| Requirer::new(&tools, &hook, relation, &VALKEY_CLIENT, dialect, now);
    if let Event::Relation(event) = &hook.event
        && event.change == RelationChange::Broken
    {
        let (endpoint, id) = (ENDPOINT, event.id);
        let requirer = requirer_of(Relation { endpoint, id });
        requirer.withdraw().unwrap();
    }
    let mut told = json!({ "pending": "no relation" });
    for relation in tools.relation_ids(ENDPOINT).unwrap() {
        let wish = Wish {
            resource: options["pattern"].as_str().unwrap().to_owned(),
            certificate: ClientCertificate::None,
        };
        let requirer = requirer_of(relation);
        requirer.publish(std::slice::from_ref(&wish)).unwrap();
        told = shown(&requirer.answer(&wish).unwrap());
    }
    std::fs::write(TOLD, told.to_string()).unwrap();
    true
}

/// What came of it; a test may see everything.
fn shown(answer: &Answer) -> Json {
    match answer {
        Answer::Pending(missing) => json!({ "pending": missing.to_string() }),
        Answer::Ready(access) => json!({
            "endpoints": access.endpoints,
            "user": access.username,
            "password": access.password.as_ref().map(|password| password.expose().clone()),
        }),
    }
}

/// An application that uses the kit.
struct App {
    name: String,
    relation: RelationId,
}

impl App {
    fn related(world: &mut World, name: &str, version: &str, is_remote: bool) -> Self {
        let charms = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/charms");
        let program = std::env::current_exe().unwrap();
        let charm = Charm::at(charms.join("kit")).with_dispatch(program);
        let deployment = Deployment::units(1)
            .config("version", version)
            .config("pattern", format!("{name}:*"));
        let model = &mut world.model;
        let name = match is_remote {
            true => model.deploy_remote_with(name, charm, RemoteSide::Consumer, deployment),
            false => {
                model.deploy_with(name, charm, deployment);
                name.to_owned()
            }
        };
        let relation = model.integrate("valkey:valkey-client", &format!("{name}:valkey"));
        world.settle();
        Self { name, relation }
    }

    /// What the kit says after the last hook.
    fn told(&self, world: &World) -> Json {
        let unit = UnitName::new(&self.name, 0);
        let file = world.model.charm_directory(unit).join(TOLD);
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    }
}

/// In both versions, in one model and across models: access to its own keys, and
/// none when the relation has ended.
pub(crate) fn charms_with_the_kit_are_served_in_both_versions() {
    let mut world = World::with_units(Programs::newest(), 61, 1);
    for (name, version, is_remote) in [
        ("one", "v1", false),
        ("zero", "v0", false),
        ("far", "v1", true),
        ("old", "v0", true),
    ] {
        let app = App::related(&mut world, name, version, is_remote);
        let told = app.told(&world);
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        let access = Access {
            user: text("user").unwrap_or_else(|| panic!("{name}: {told}\n{}", world.logs())),
            password: text("password").expect("a password"),
            tls: None,
            authority: None,
        };
        let endpoint = told["endpoints"][0].as_str().unwrap();
        let mut client = world.connect(endpoint, &access);
        let own = format!("{name}:key");
        world.done(&mut client, &["SET", &own, "1"]);
        world.refused(&mut client, &["SET", "another:key", "1"]);

        world.model.remove_relation(app.relation);
        world.settle();
        assert_eq!(app.told(&world), json!({ "pending": "no relation" }));
        assert!(world.try_connect(endpoint, &access).is_err(), "{name}");
    }
}
