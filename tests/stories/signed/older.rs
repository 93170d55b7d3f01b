//! A cluster that was bootstrapped by a revision of the charm that had no authority of
//! clients.

use etcd_charm_world::{Programs, World, WorldOptions};

use super::ask;
use crate::support::{ask_v0, assert_serves, options, trusted};

/// Takes the authority of clients out of the secret, as soon as there is one.
fn deploy_without(world: &mut World) -> etcd_charm_world::UnitName {
    let unit = world.deploy();
    loop {
        let run = world.model.step().expect("the authorities are made");
        assert!(run.succeeded(), "{}", run.stderr);
        let secrets = world.model.secrets("etcd");
        let Some(secret) = secrets.first() else {
            continue;
        };
        let content = secret.latest().clone();
        let kept = content
            .iter()
            .filter(|(key, _)| !key.starts_with("client-ca"));
        let kept: Vec<_> = kept.map(|(key, text)| (&**key, &**text)).collect();
        assert_eq!(kept.len() + 2, content.len(), "there was one");
        world.model.secret_set("etcd", &secret.uri, &kept);
        return unit;
    }
}

pub(crate) fn at_the_first_request() {
    let mut world = World::new(WorldOptions {
        ..options(Programs::oldest())
    });
    let first = deploy_without(&mut world);
    let units = [first, world.add_unit(), world.add_unit()];
    world.rest();
    assert!(units.iter().all(|unit| trusted(&world, unit) == 1));
    let starts = units.each_ref().map(|unit| world.starts(unit));
    let (signing, request) = ask(&mut world, "app");
    // No regular pass is needed.
    world.settle();
    let shown = world.signed(&signing, &request).expect("a certificate");
    let requirer = ask_v0(&mut world, "app", "/app/", &shown);
    world.settle();
    let told = world.told(&requirer).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/app/");
    world.rest();
    let told = world.told(&requirer).expect("an answer");
    assert_eq!(told.endpoints.split(',').count(), 3, "{told:?}");
    let now = units.each_ref().map(|unit| world.starts(unit));
    assert_eq!(now, starts.map(|starts| starts + 1), "one restart of each");
}
