//! Units come and go.

use etcd_charm_world::{ClientAuthority, V0};
use libtest_mimic::Trial;

use crate::support::{story, world};

pub(crate) fn stories() -> Vec<Trial> {
    vec![story("three_units_form_a_cluster_and_serve", three_units)]
}

fn three_units() {
    let mut world = world();
    let units = [world.deploy(), world.add_unit(), world.add_unit()];
    world.rest();
    let admin = world.admin(&units[0]);
    let members = admin.json(&["member", "list"]);
    let names: Vec<_> = members["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (member["name"].as_str().unwrap(), &member["isLearner"]))
        .collect();
    for name in ["etcd-0", "etcd-1", "etcd-2"] {
        assert!(
            names.contains(&(name, &serde_json::Value::Null)),
            "{name} is no voter: {names:?}"
        );
    }

    let relation = world.relate("app");
    let certificate = ClientAuthority::new().issue("client1");
    let mut app = V0::ask(&mut world.model, "app", relation, "/test/");
    app.set_certificate(&mut world.model, &certificate.certificate);
    world.rest();
    let mut endpoints: Vec<_> = units
        .iter()
        .map(|unit| format!("{}:2379", world.model.address(unit.clone())))
        .collect();
    endpoints.sort();
    let bag = world.model.app_bag(relation, "etcd");
    assert_eq!(bag["endpoints"], endpoints.join(","));
    for unit in &units {
        assert_eq!(world.starts(unit), 2, "{unit} was restarted more than once");
        let client = world.client(unit, &certificate);
        assert!(client.run(&["put", "/test/a", "1"]).ok);
    }
}
