//! A client gets its access, uses it, and loses it.

use etcd_charm_world::{ClientAuthority, V0};

use crate::support::{assert_shut_out, world};

pub(crate) fn v0_client_is_granted_and_removed() {
    let mut world = world();
    let unit = world.deploy();
    world.rest();
    let relation = world.relate("app");
    let certificate = ClientAuthority::new().issue("client1");
    let mut app = V0::ask(&mut world.model, "app", relation, "/test/");
    app.set_certificate(&mut world.model, &certificate.certificate);
    world.rest();

    let bag = world.model.app_bag(relation, "etcd");
    let user = world.secret_as("app", &bag["secret-user"]);
    let tls = world.secret_as("app", &bag["secret-tls"]);
    assert_eq!(user["username"], "client1");
    assert_eq!(
        bag["endpoints"],
        format!("{}:2379", world.model.address(unit.clone()))
    );
    assert_eq!(tls["tls"], "True");
    let client = world.client_told(&user["uris"], &certificate, &tls["tls-ca"]);
    assert!(client.run(&["put", "/test/a", "1"]).ok);
    assert_eq!(client.lines(&["get", "/test/a"]), ["/test/a", "1"]);
    assert!(client.run(&["put", "/testing", "1"]).is_denied());
    let admin = world.admin(&unit);
    assert_eq!(admin.lines(&["user", "list"]), ["client1", "root"]);
    assert_eq!(admin.lines(&["role", "list"]), ["client1", "root"]);

    world.model.remove_relation(relation);
    world.rest();
    assert_eq!(admin.lines(&["user", "list"]), ["root"]);
    assert_eq!(admin.lines(&["role", "list"]), ["root"]);
    assert_eq!(world.model.secrets("etcd").len(), 1);
    assert_shut_out(&world, &unit, &client);
}
