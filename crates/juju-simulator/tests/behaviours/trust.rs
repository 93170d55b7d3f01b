//! The credential of the cloud, and who may read it.

use serde_json::json;

use crate::world::{Outcome, World, names_of};

pub(crate) fn credentials_are_for_whom_the_operator_trusts() {
    let mut world = World::new();
    world.deploy("app", 1);
    world.deploy("other", 1);
    world
        .model
        .set_cloud(json!({"type": "lxd", "name": "here"}));
    world.settle();
    let line = "credential-get --format=json";
    let denied = "cannot access cloud credentials: permission denied";
    world.call("app/0", line).fails(1, denied);
    world.model.trust("app", true);
    assert_eq!(names_of(&world.settle(), "app/0"), ["config-changed"]);
    let printed = "{\"name\":\"here\",\"type\":\"lxd\"}\n";
    world.call("app/0", line).prints(printed);
    world.call("other/0", line).fails(1, denied);
    world.model.trust("app", true);
    assert!(world.settle().is_empty(), "it was trusted before");
    world.model.trust("app", false);
    assert_eq!(names_of(&world.settle(), "app/0"), ["config-changed"]);
    world.call("app/0", line).fails(1, denied);
}

pub(crate) fn a_secret_of_the_operator_is_read_once_it_is_granted() {
    let mut world = World::deployed(1);
    let uri = world.model.user_secret_add(&[("key", "value")]);
    let line = format!("secret-get {uri} --format=json");
    world.call("app/0", &line).fails(1, "permission denied");
    world.model.user_secret_grant(&uri, "app");
    assert!(world.settle().is_empty(), "nobody hears of a grant");
    world.call("app/0", &line).prints("{\"key\":\"value\"}\n");
}
