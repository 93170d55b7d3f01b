//! The requirer: a charm that asks for what its options say and writes down what
//! it is told, a line for each hook.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::SystemTime;

use data_requirer::{
    Answer, CertificatePolicy, ClientCertificate, Dialect, ETCD_CLIENT, Field, Requirer,
    VALKEY_CLIENT, Wish,
};
use juju_hooks::{Endpoint, Environment, Event, Hook, Relation, RelationChange, Tools};
use serde_json::{Value, json};

const ENDPOINTS: [Endpoint; 2] = [Endpoint("etcd"), Endpoint("valkey")];
const DAY: i64 = 24 * 3600;

/// Runs as the charm, if Juju has started this program as one.
pub(crate) fn run() -> bool {
    let environment = Environment::of_process();
    let Ok(hook) = Hook::read(&environment) else {
        return false;
    };
    let private = std::env::current_dir().unwrap().join("private");
    let tools = Tools::new(&hook.search_path, &private).unwrap();
    for endpoint in ENDPOINTS {
        go(&tools, &hook, endpoint);
    }
    true
}

fn go(tools: &Tools, hook: &Hook, endpoint: Endpoint) {
    let options = tools.config_get().unwrap();
    let text = |key: &str| options[key].as_str().unwrap().to_owned();
    let dialect = match text("version").as_str() {
        "v0" => Dialect::V0,
        _ => Dialect::V1,
    };
    let interface = match endpoint.0 {
        "etcd" => &ETCD_CLIENT,
        _ => &VALKEY_CLIENT,
    };
    let now = SystemTime::now().into();
    if let Event::Relation(event) = &hook.event
        && event.endpoint == endpoint.0
        && event.change == RelationChange::Broken
    {
        let id = event.id;
        let relation = Relation { endpoint, id };
        let requirer = Requirer::new(tools, hook, relation, interface, dialect, now);
        requirer.withdraw().unwrap();
    }
    for relation in tools.relation_ids(endpoint).unwrap() {
        let valid_seconds = options["days"].as_i64().unwrap() * DAY;
        let certificate = match endpoint.0 {
            "etcd" => ClientCertificate::Made(CertificatePolicy {
                common_name: "client1".parse().unwrap(),
                valid_seconds,
                renew_before_seconds: valid_seconds / 3,
            }),
            _ => ClientCertificate::None,
        };
        let wish = Wish {
            resource: text("resource"),
            certificate,
        };
        let requirer = Requirer::new(tools, hook, relation, interface, dialect, now);
        requirer.publish(std::slice::from_ref(&wish)).unwrap();
        let answer = requirer.answer(&wish).unwrap();
        let identity = requirer.identity(&wish).unwrap();
        let certificate = identity.map(|identity| identity.certificate().to_owned());
        let mut line = shown(&answer, certificate);
        line["service"] = endpoint.0.into();
        write(&line);
    }
}

/// What came of it; the tests may see everything.
fn shown(answer: &Answer, certificate: Option<String>) -> Value {
    let access = match answer {
        Answer::Pending(missing) => return json!({ "pending": missing.to_string() }),
        Answer::Ready(access) => access,
    };
    let field = |field: Field| access.field(field).map(str::to_owned);
    json!({
        "endpoints": access.endpoints,
        "version": access.version,
        "username": access.username,
        "password": access.password.as_ref().map(|password| password.expose().clone()),
        "tls-ca": access.tls_ca,
        "read-only-endpoints": field(Field::READ_ONLY_ENDPOINTS),
        "sentinel-endpoints": field(Field::SENTINEL_ENDPOINTS),
        "mode": field(Field::MODE),
        "certificate": certificate,
    })
}

fn write(line: &Value) {
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .append(true)
        .open("answers.jsonl")
        .unwrap();
    writeln!(file, "{line}").unwrap();
}
