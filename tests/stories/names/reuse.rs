//! A name after its owner is gone, and whoever shows the same certificate. With another
//! one it is a matter of `revocation/names.rs`.

use crate::support::{Client, ask_v0, ask_v1, assert_serves, certificate, deployed, id};

pub(crate) fn come_back_with_the_same_certificate() {
    let (mut world, unit) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.assert_served(&mut world);
    app.leave(&mut world);
    world.settle();
    let starts = world.starts(&unit);
    // Nobody gets in who should not, so there is nothing to wait for.
    let again = ask_v0(&mut world, "app", "/test/", &app.shown);
    let run = world.model.step().expect("a hook is due");
    assert!(run.succeeded(), "{run:#?}");
    let after = world.told(&again).expect("an answer");
    assert_ne!(after.user_uri, told.user_uri);
    assert_serves(&mut world, &after, &app.shown, "/test/");
    assert_eq!(world.starts(&unit), starts);
    world.rest();
    assert_eq!(world.told(&again), Some(after));
}

pub(crate) fn pass_on_within_a_hook_with_the_same_certificate() {
    let (mut world, _) = deployed();
    let shown = certificate("client1");
    let mut app = ask_v1(
        &mut world,
        "app",
        &[("/a/", Some(&shown)), ("/b/", Some(&shown))],
    );
    world.rest();
    assert!(world.told_for(&app, &id(0)).is_some());
    assert_eq!(world.told_for(&app, &id(1)), None);
    app.requests.remove(0);
    app.write(&mut world.model);
    let run = world.model.step().expect("a hook is due");
    assert!(run.succeeded(), "{run:#?}");
    let told = world.told_for(&app, &id(1)).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/b/");
    let client = world.follow(&told, &shown);
    assert!(client.run(&["get", "/a/key"]).is_denied());
    world.rest();
}
