//! Who wants to know whom to trust, over `send-ca-cert`.

use std::collections::BTreeMap;

use etcd_charm_world::juju::{Charm, RelationId};
use etcd_charm_world::{UnitName, World};

use crate::actions::done;
use crate::support::three;

const METADATA: &str = "
name: trusting
requires:
  receive-ca-cert:
    interface: certificate_transfer
";

fn relate(world: &mut World, app: &str) -> RelationId {
    world.model.deploy(app, Charm::puppet(METADATA));
    let end = format!("{app}:receive-ca-cert");
    world.model.integrate("etcd:send-ca-cert", &end)
}

fn told(world: &World, relation: RelationId) -> Vec<String> {
    let bag = world.model.app_bag(relation, "etcd");
    assert_eq!(bag["version"], "1");
    serde_json::from_str(&bag["certificates"]).expect("a list")
}

fn of_unit(world: &World, relation: RelationId, unit: &UnitName) -> BTreeMap<String, String> {
    let mut bag = world.model.unit_bag(relation, unit.clone());
    bag.retain(|key, _| !key.contains("address") && key != "egress-subnets");
    bag
}

pub(crate) fn authorities_are_told_in_both_versions() {
    let (mut world, all) = three();
    let older = relate(&mut world, "older");
    let newer = relate(&mut world, "newer");
    world
        .model
        .relation_set_app(newer, "newer", &[("version", "1")]);
    world.rest();
    let before = told(&world, newer);
    assert_eq!(before.len(), 1);
    let file = std::fs::read_to_string(world.pki(&all[0]).join("server-ca.crt")).unwrap();
    assert_eq!(before[0], file.trim());
    assert_eq!(told(&world, older), before);
    assert_eq!(of_unit(&world, older, &all[0])["ca"], before[0]);
    assert!(of_unit(&world, newer, &all[0]).is_empty());

    // Another authority is told beside the present one, and a new leader tells it.
    world.model.set_leader("etcd", all[1].clone());
    world.rest();
    done(&mut world, &all[1], "rotate-server-ca grace-minutes=0");
    let mut seen = Vec::new();
    for _ in 0..4 {
        world.settle_watched(|world, _| seen.push(told(world, newer).len()));
        world.model.update_status_all();
    }
    world.rest();
    seen.dedup();
    assert_eq!(seen, [1, 2, 1]);
    let after = told(&world, newer);
    assert_ne!(after, before);
    assert_eq!(told(&world, older), after);
    assert_eq!(of_unit(&world, older, &all[1])["ca"], after[0]);
    assert!(of_unit(&world, older, &all[0]).is_empty());
    let written = format!("{:?}", world.model.app_bag(older, "etcd"));
    assert!(!written.contains("PRIVATE"));
}
