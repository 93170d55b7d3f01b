//! Certificates come, work, and go.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::server::{Server, shared};
use crate::world::{Client, World, now};

pub(crate) fn a_certificate_is_registered_works_and_goes_with_its_relation() {
    let server = shared();
    let mut world = World::trusted(server, 1);
    assert_eq!(
        world.status(),
        "active: no certificates, full access to LXD"
    );
    let client = Client::new();
    let relation = world.relate("app");
    world.settle();
    assert_eq!(world.told(relation), Vec::<String>::new());
    let first = &world.nodes(relation, "lxd-integrator/0")[0];
    assert_eq!(first["endpoint"], server.endpoint, "told before it asks");
    assert!(!client.is_trusted(server));

    world.ask(relation, "app/0", &[&client.certificate]);
    world.settle();
    assert_eq!(world.told(relation), [client.fingerprint.as_str()]);
    let bag = world.model.unit_bag(relation, "lxd-integrator/0");
    assert_eq!(bag["version"], "1.0");
    let registered: Vec<String> = serde_json::from_str(&bag["registered_certificates"]).unwrap();
    assert_eq!(registered, [client.certificate.as_str()]);
    let node = &world.nodes(relation, "lxd-integrator/0")[0];
    assert_eq!(node["certificate"], server.certificate);
    assert!(client.is_trusted(server), "its own key works");
    let entry = server.entry(&client.fingerprint).expect("an entry");
    let name = format!(
        "juju:{}:lxd-integrator:{relation}:{}",
        world.model.uuid(),
        &client.fingerprint[..12]
    );
    assert_eq!(entry["name"], name);
    assert_eq!(world.status(), "active: 1 certificate, full access to LXD");

    let (results, failure) = world.action("list-certificates", json!({}));
    assert_eq!(failure, None);
    let listed = &results["certificates"]["0"];
    assert_eq!(listed["application"], "app");
    assert_eq!(listed["in-trust-store"], "as it should be");
    assert_eq!(listed["fingerprint"], client.fingerprint);
    let since = listed["registered"].as_str().expect("a time");
    assert!(since[..10] <= now().to_string()[..10], "{since}");
    let (results, failure) = world.action("health", json!({}));
    assert_eq!(failure, None);
    assert_eq!(results["server"]["kind"], "lxd");
    assert_eq!(results["credentials"], "trusted, with full access");

    // A full pass has nothing to do.
    let runs = world.update_status();
    let writes = runs.iter().flat_map(|run| &run.calls);
    let sets = ["relation-set", "status-set", "application-version-set"];
    let writes = writes.filter(|call| sets.contains(&call.tool.as_str()));
    assert_eq!(writes.count(), 0);

    world.model.remove_relation(relation);
    world.settle();
    assert_eq!(server.entry(&client.fingerprint), None);
    assert!(!client.is_trusted(server), "its key is refused");
}

pub(crate) fn a_replaced_certificate_leaves_no_gap() {
    let server = shared();
    let mut world = World::trusted(server, 2);
    let (old, new) = (Client::new(), Client::new());
    let relation = world.relate("app");
    world.ask(relation, "app/0", &[&old.certificate]);
    world.settle();
    world.ask(relation, "app/0", &[&new.certificate]);
    let runs = world.settle();
    assert_eq!(world.told(relation), [new.fingerprint.as_str()]);
    assert!(new.is_trusted(server) && !old.is_trusted(server));
    // The log says what was done, in its order.
    let lines = runs.iter().flat_map(|run| &run.calls);
    let lines =
        lines.filter(|call| call.tool == "juju-log" && call.args.join(" ").contains("INFO"));
    let said: String = lines.flat_map(|call| call.args.clone()).collect();
    let added = said.find(&format!("register certificate {}", new.fingerprint));
    let removed = said.find(&format!("remove certificate {}", old.fingerprint));
    assert!(added.unwrap() < removed.unwrap(), "{said}");
}

pub(crate) fn units_of_one_application_come_and_go_by_themselves() {
    let server = shared();
    let mut world = World::trusted(server, 3);
    let relation = world.relate("app");
    world.model.add_unit("app");
    let clients = [Client::new(), Client::new()];
    for (number, client) in clients.iter().enumerate() {
        let unit = format!("app/{number}");
        world.ask(relation, &unit, &[&client.certificate]);
        world.settle();
    }
    let mut both: Vec<_> = clients.iter().map(|c| c.fingerprint.clone()).collect();
    both.sort();
    assert_eq!(world.told(relation), both, "the union over the units");
    world.model.remove_unit("app/0");
    world.settle();
    assert_eq!(world.told(relation), [clients[1].fingerprint.as_str()]);
    assert!(!clients[0].is_trusted(server) && clients[1].is_trusted(server));
}

pub(crate) fn what_two_relations_want_stays_for_the_second() {
    let server = shared();
    let mut world = World::trusted(server, 4);
    let client = Client::new();
    let relations = [world.relate("one"), world.relate("two")];
    for (relation, unit) in relations.iter().zip(["one/0", "two/0"]) {
        world.ask(*relation, unit, &[&client.certificate]);
    }
    world.settle();
    let name = server.entry(&client.fingerprint).unwrap()["name"].clone();
    let both = format!(":{}+{}:", relations[0], relations[1]);
    assert!(name.as_str().unwrap().contains(&both), "{name}");
    world.model.remove_relation(relations[0]);
    world.settle();
    assert!(client.is_trusted(server), "the second still wants it");
    let name = server.entry(&client.fingerprint).unwrap()["name"].clone();
    let second = format!(":{}:", relations[1]);
    assert!(name.as_str().unwrap().contains(&second), "{name}");
    world.model.remove_relation(relations[1]);
    world.settle();
    assert!(!client.is_trusted(server));
}

pub(crate) fn what_others_registered_is_never_touched() {
    let server = shared();
    let mut world = World::trusted(server, 5);
    let client = Client::new();
    server.trust("by-hand", &client.der);
    let relation = world.relate("app");
    world.ask(relation, "app/0", &[&client.certificate]);
    world.settle();
    assert_eq!(world.told(relation), [client.fingerprint.as_str()]);
    world.configure("restricted-projects", "default");
    world.settle();
    let (results, _) = world.action("list-certificates", json!({}));
    assert_eq!(
        results["certificates"]["0"]["registered-by"],
        "somebody else"
    );
    world.model.remove_relation(relation);
    world.settle();
    world.update_status();
    let entry = server.entry(&client.fingerprint).expect("still there");
    assert_eq!(
        (&entry["name"], &entry["restricted"]),
        (&json!("by-hand"), &json!(false))
    );
}

pub(crate) fn restricted_projects_hold_and_are_restored() {
    let server = shared();
    let mut world = World::trusted(server, 6);
    let project = json!({"name": "tenants", "config": {"restricted": "true"}});
    server.query("POST", "/1.0/projects", Some(&project));
    world.configure("restricted-projects", "tenants");
    let (relation, client) = world.serve("app");
    let restricted = |entry: &Value| (entry["restricted"].clone(), entry["projects"].clone());
    let wanted = (json!(true), json!(["tenants"]));
    let entry = server.entry(&client.fingerprint).expect("an entry");
    assert_eq!(restricted(&entry), wanted);
    assert_eq!(
        world.status(),
        "active: 1 certificate, restricted to tenants"
    );
    let node = &world.nodes(relation, "lxd-integrator/0")[0];
    assert_eq!(node["projects"], json!(["tenants"]));

    let path = format!("/1.0/certificates/{}", client.fingerprint);
    let full = json!({"restricted": false, "projects": []});
    server.query("PATCH", &path, Some(&full));
    let (results, _) = world.action("reconcile", json!({}));
    assert_eq!(
        (&results["count"], &results["dry-run"]),
        (&json!("1"), &json!("true"))
    );
    let entry = server.entry(&client.fingerprint).expect("an entry");
    assert_eq!(entry["restricted"], false, "a look changes nothing");
    let runs = world.update_status();
    let entry = server.entry(&client.fingerprint).expect("an entry");
    assert_eq!(restricted(&entry), wanted, "a full pass restores it");
    let said = runs
        .iter()
        .flat_map(|run| &run.calls)
        .flat_map(|call| &call.args);
    let correct = format!("correct the entry of certificate {}", client.fingerprint);
    assert!(
        said.into_iter().any(|arg| arg.contains(&correct)),
        "and says so"
    );

    let set = |world: &mut World<'_>, projects: &str| {
        let option = "restricted-projects";
        world.configure(option, projects);
        world.settle();
    };
    set(&mut world, "no-such-project");
    assert_eq!(world.status(), "blocked: LXD refused: Project not found");
    let entry = server.entry(&client.fingerprint).expect("an entry");
    assert_eq!(restricted(&entry), wanted, "and nothing is widened by it");
    set(&mut world, "a b");
    let status = world.status();
    assert!(status.starts_with("blocked: option restricted-projects"));
    set(&mut world, "");
    let entry = server.entry(&client.fingerprint).expect("an entry");
    assert_eq!(entry["restricted"], false);
}

pub(crate) fn a_certificate_that_its_holder_replaced_goes() {
    let server = shared();
    let mut world = World::trusted(server, 7);
    let (client, thief) = (Client::new(), Client::new());
    let relation = world.relate("app");
    world.ask(relation, "app/0", &[&client.certificate]);
    world.settle();
    // What the holder of a restricted entry may do: another certificate under the
    // same name.
    let name = server.entry(&client.fingerprint).unwrap()["name"].clone();
    let path = format!("/1.0/certificates/{}", client.fingerprint);
    server.query("DELETE", &path, None);
    server.trust(name.as_str().unwrap(), &thief.der);
    world.update_status();
    assert!(client.is_trusted(server), "what is asked for is back");
    assert!(!thief.is_trusted(server), "what nobody asks for is gone");
    // The same, and the relation goes before anybody looks.
    server.query("DELETE", &path, None);
    server.trust(name.as_str().unwrap(), &thief.der);
    world.model.remove_relation(relation);
    world.settle();
    assert!(!client.is_trusted(server) && !thief.is_trusted(server));
}

/// LXD goes on with an event stream whose certificate was removed, until the
/// connection ends; the README says so, and this is how it was measured.
pub(crate) fn open_event_streams_are_said_to_go_on() {
    let server = shared();
    let mut world = World::trusted(server, 8);
    let (relation, client) = world.serve("app");
    let mut stream = events(server, &client);
    world.model.remove_relation(relation);
    world.settle();
    assert!(!client.is_trusted(server), "new requests are refused");
    // Removing it was an event itself; what comes after another one counts.
    let mut buffer = [0_u8; 64 * 1024];
    std::thread::sleep(Duration::from_millis(300));
    let before = stream.read(&mut buffer).expect("events");
    assert!(before > 0);
    server.trust("another", &Client::new().der);
    let goes_on = stream.read(&mut buffer).is_ok_and(|read| read > 0);
    let readme = include_str!("../../README.md");
    assert_eq!(
        goes_on,
        readme.contains("event stream that is open goes on")
    );
}

fn events(server: &Server, client: &Client) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let pinned = pem::parse(&server.certificate).unwrap().into_contents();
    roots.add(CertificateDer::from(pinned)).expect("a root");
    let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).expect("a key");
    let chain = vec![CertificateDer::from(client.der.clone())];
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .expect("credentials");
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a connection");
    let address = server
        .endpoint
        .strip_prefix("https://")
        .expect("an address");
    let socket = TcpStream::connect(address).expect("LXD listens");
    let limit = Some(Duration::from_secs(5));
    socket.set_read_timeout(limit).expect("a limit");
    let mut stream = StreamOwned::new(connection, socket);
    write!(
        stream,
        "GET /1.0/events?type=lifecycle HTTP/1.1\r\nHost: lxd\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    .expect("sent");
    let mut buffer = [0_u8; 4096];
    let read = stream.read(&mut buffer).expect("an answer");
    assert!(
        buffer[..read].starts_with(b"HTTP/1.1 101"),
        "it is a stream"
    );
    stream
}
