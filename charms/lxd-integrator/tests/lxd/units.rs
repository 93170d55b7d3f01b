//! Several units of the integrator.

use crate::server::shared;
use crate::world::{Client, World};

pub(crate) fn only_the_leader_registers_and_all_units_tell() {
    let server = shared();
    let mut world = World::trusted(server, 40);
    world.model.add_unit("lxd-integrator");
    world.settle();
    let client = Client::new();
    let relation = world.relate("app");
    world.ask(relation, "app/0", &[&client.certificate]);
    let runs = world.settle();
    for unit in ["lxd-integrator/0", "lxd-integrator/1"] {
        let nodes = world.nodes(relation, unit);
        let told = &nodes.first().expect("a node")["trusted_certs_fp"];
        assert_eq!(*told, serde_json::json!([client.fingerprint]), "{unit}");
    }
    let leader = world.model.leader("lxd-integrator").expect("a leader");
    let registering = runs.iter().filter(|run| {
        let mut lines = run.calls.iter().filter(|call| call.tool == "juju-log");
        lines.any(|call| {
            call.args
                .iter()
                .any(|arg| arg.contains("register certificate"))
        })
    });
    let registering: Vec<_> = registering.map(|run| run.unit.clone()).collect();
    assert_eq!(registering, [leader]);
}

pub(crate) fn a_unit_that_leaves_takes_nothing_along() {
    let server = shared();
    let mut world = World::trusted(server, 41);
    world.model.add_unit("lxd-integrator");
    let (relation, client) = world.serve("app");
    let leader = world.model.leader("lxd-integrator").expect("a leader");
    world.model.remove_unit(leader);
    world.settle();
    assert!(client.is_trusted(server), "the relation is still there");
    world.model.remove_relation(relation);
    world.settle();
    assert!(!client.is_trusted(server), "who is left has removed it");
}

pub(crate) fn the_last_unit_takes_all_certificates_back() {
    let server = shared();
    let mut world = World::trusted(server, 42);
    let (_, client) = world.serve("app");
    world.model.remove_application("lxd-integrator");
    world.settle();
    assert!(!client.is_trusted(server));
    assert!(world.own.is_trusted(server), "the credential is Juju's");
}
