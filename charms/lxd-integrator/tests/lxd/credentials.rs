//! How LXD is reached, and what an operator is told where it is not.

use serde_json::json;

use crate::server::{Server, shared};
use crate::world::{Client, World, cloud};

pub(crate) fn without_trust_both_ways_out_are_told() {
    let mut world = World::untrusted(shared(), 20);
    let blocked = "blocked: Missing credentials access; grant with: juju trust lxd-integrator, or \
                   set the lxd_ options";
    assert_eq!(world.status(), blocked);
    let (relation, client) = world.serve("app");
    assert_eq!(
        world.nodes(relation, "lxd-integrator/0"),
        Vec::<serde_json::Value>::new()
    );
    world.model.trust("lxd-integrator", true);
    world.settle();
    assert_eq!(world.told(relation), [client.fingerprint.as_str()]);
    // Trust that is taken back stops us, and nothing else.
    world.model.trust("lxd-integrator", false);
    world.settle();
    assert_eq!(world.status(), blocked);
    assert_eq!(world.told(relation), [client.fingerprint.as_str()]);
    assert!(client.is_trusted(world.server));
}

pub(crate) fn options_go_before_the_cloud_and_are_never_mixed() {
    let server = shared();
    let mut world = World::trusted(server, 21);
    let other = Client::new();
    server.trust("other", &other.der);
    let set = |world: &mut World<'_>, name: &str, value: &str| {
        world.configure(name, value);
        world.settle();
        world.status()
    };
    let status = set(&mut world, "lxd_client_cert", &other.certificate);
    assert_eq!(
        status,
        "blocked: set lxd_endpoint, lxd_client_key, lxd_server_cert too, or clear all lxd_ options to use juju trust"
    );
    set(&mut world, "lxd_client_key", &other.key);
    set(&mut world, "lxd_server_cert", &server.certificate);
    let status = set(&mut world, "lxd_endpoint", &server.endpoint);
    assert_eq!(status, "active: no certificates, full access to LXD");
    // The certificate of the options is the one that is spoken with now.
    let (results, _) = world.action("health", json!({}));
    assert_eq!(results["credentials-fingerprint"], other.fingerprint);
    let another = Client::new();
    let status = set(&mut world, "lxd_client_key", &another.key);
    assert!(
        status.contains("lxd_client_key does not belong to lxd_client_cert"),
        "{status}"
    );
    let status = set(&mut world, "lxd_client_key", "bm90IGEga2V5");
    assert_eq!(status, "blocked: lxd_client_key is not a PEM private key");
    set(&mut world, "lxd_client_key", &other.key);
    let status = set(&mut world, "lxd_endpoint", "http://127.0.0.1:8443");
    assert_eq!(status, "blocked: lxd_endpoint is not https://<host>:<port>");
    let windows = other.certificate.replace('\n', "\r\n");
    set(&mut world, "lxd_endpoint", &server.endpoint);
    let status = set(&mut world, "lxd_client_cert", windows.trim_end());
    assert_eq!(status, "active: no certificates, full access to LXD");
    for name in ["lxd_client_cert", "lxd_client_key", "lxd_endpoint"] {
        set(&mut world, name, "");
    }
    // The server's certificate alone says which server Juju's credential is for.
    let status = set(&mut world, "lxd_server_cert", "");
    assert_eq!(status, "active: no certificates, full access to LXD");
}

pub(crate) fn a_secret_holds_the_key() {
    let server = shared();
    let mut world = World::untrusted(server, 22);
    let own = Client::new();
    server.trust("own", &own.der);
    let uri = world.model.user_secret_add(&[
        ("client-cert", &own.certificate),
        ("client-key", &own.key),
        ("server-cert", &server.certificate),
    ]);
    world.configure("lxd_endpoint", server.endpoint.as_str());
    world.configure("lxd-credentials", uri.as_str());
    world.settle();
    let status = world.status();
    assert_eq!(
        status,
        "blocked: the secret of lxd-credentials cannot be read: juju grant-secret it to lxd-integrator"
    );
    world.model.user_secret_grant(&uri, "lxd-integrator");
    world.update_status();
    assert_eq!(
        world.status(),
        "active: no certificates, full access to LXD"
    );
    world.configure("lxd_client_key", own.key.as_str());
    world.settle();
    let status = world.status();
    assert_eq!(
        status,
        "blocked: clear lxd_client_key: the secret of lxd-credentials has it too"
    );
}

pub(crate) fn a_local_socket_needs_no_credentials() {
    let server = shared();
    let mut world = World::untrusted(server, 23);
    let endpoint = format!("unix://{}", server.socket.display());
    world.configure("lxd_endpoint", endpoint.as_str());
    let (relation, client) = world.serve("app");
    assert_eq!(world.told(relation), [client.fingerprint.as_str()]);
    assert!(client.is_trusted(server));
    let node = &world.nodes(relation, "lxd-integrator/0")[0];
    assert_eq!(node["endpoint"], server.endpoint, "where others reach it");
    world.configure("lxd_client_key", "x");
    world.settle();
    assert_eq!(
        world.status(),
        "blocked: clear lxd_client_key: a unix socket needs none"
    );
    world.configure("lxd_client_key", "");
    world.configure("lxd_endpoint", "unix:///nonexistent");
    world.settle();
    assert!(
        world
            .status()
            .starts_with("waiting: waiting for LXD at /nonexistent: ")
    );
}

pub(crate) fn another_server_is_refused_with_both_fingerprints() {
    let server = shared();
    let mut world = World::trusted(server, 24);
    let (relation, client) = world.serve("app");
    let expected = Client::new();
    world.model.set_config(
        "lxd-integrator",
        "lxd_server_cert",
        expected.certificate.as_str(),
    );
    let runs = world.settle();
    let pinned = pem::parse(&server.certificate).unwrap().into_contents();
    let shown = certificates::Fingerprint::of_der(&pinned).to_string();
    let status = world.status();
    assert!(
        status.starts_with("blocked: LXD shows certificate"),
        "{status}"
    );
    assert!(status.contains(&shown[..12]), "{status}");
    assert!(status.contains(&expected.fingerprint[..12]), "{status}");
    let log = runs
        .iter()
        .flat_map(|run| &run.calls)
        .flat_map(|call| &call.args);
    let log: Vec<_> = log.filter(|arg| arg.contains(&shown)).collect();
    assert!(
        log.iter().any(|arg| arg.contains(&expected.fingerprint)),
        "both in full"
    );
    assert_eq!(world.told(relation), [client.fingerprint.as_str()]);
    world.model.remove_relation(relation);
    world.settle();
    assert!(client.is_trusted(server), "it could not be removed");
    world.configure("lxd_server_cert", "");
    world.settle();
    assert!(!client.is_trusted(server), "and is, as soon as it can be");
}

pub(crate) fn another_cloud_is_named() {
    let mut world = World::trusted(shared(), 25);
    world.model.set_cloud(
        json!({"type": "aws", "name": "aws", "credential": {"auth-type": "access-key"}}),
    );
    world.update_status();
    assert_eq!(
        world.status(),
        "blocked: the model's cloud is aws, not lxd: set the lxd_ options"
    );
    let server = world.server;
    world.model.set_cloud(json!({
        "type": "lxd",
        "name": "localhost",
        "endpoint": server.endpoint,
        "credential": {"auth-type": "certificate", "attrs": {
            "client-cert": world.own.certificate,
            "client-key": world.own.key,
        }},
    }));
    world.update_status();
    assert_eq!(
        world.status(),
        "blocked: Juju's credential has no server-cert: set lxd_server_cert"
    );
    world.model.set_config(
        "lxd-integrator",
        "lxd_server_cert",
        server.certificate.as_str(),
    );
    world.settle();
    assert_eq!(
        world.status(),
        "active: no certificates, full access to LXD"
    );
}

/// A cluster has a certificate of its own, which LXD makes when it becomes one.
pub(crate) fn an_lxd_that_becomes_a_cluster_is_met_anew() {
    let mut server = Server::start();
    let client = Client::new();
    let mut world = World::trusted(&server, 26);
    let relation = world.relate("app");
    world.ask(relation, "app/0", &[&client.certificate]);
    world.settle();
    let address = server.endpoint.strip_prefix("https://").unwrap().to_owned();
    let enable = json!({"server_name": "node-1", "enabled": true});
    server.query(
        "PATCH",
        "/1.0",
        Some(&json!({"config": {"cluster.https_address": address}})),
    );
    server.query("PUT", "/1.0/cluster", Some(&enable));
    let old = server.certificate.clone();
    world.update_status();
    let status = world.status();
    assert!(
        status.starts_with("blocked: LXD shows certificate"),
        "{status}"
    );
    assert_eq!(world.told(relation), [client.fingerprint.as_str()]);

    let (mut model, own) = (world.model, world.own);
    server.read_certificate();
    assert_ne!(server.certificate, old);
    model.set_cloud(cloud(&server, &own));
    let mut world = World {
        model,
        server: &server,
        own,
    };
    world.update_status();
    assert_eq!(world.status(), "active: 1 certificate, full access to LXD");
    let nodes = world.nodes(relation, "lxd-integrator/0");
    assert_eq!(
        nodes.len(),
        1,
        "a member that is there already is not told twice"
    );
    assert_eq!(nodes[0]["name"], "node-1");
    assert_eq!(nodes[0]["certificate"], server.certificate);
    let (results, failure) = world.action("health", json!({}));
    assert_eq!(failure, None);
    assert_eq!(results["server"]["clustered"], "true");
    assert_eq!(
        results["members"]["node-1"],
        format!("online {}", server.endpoint)
    );
    assert!(client.is_trusted(&server));
}
