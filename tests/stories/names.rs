//! Common names and prefixes: whose they are, and when somebody else's.

pub(crate) mod reuse;
pub(crate) mod unmanaged;

use etcd_charm_world::juju::Deployment;

use crate::support::{
    Client, application_message, ask_v0, ask_v1, assert_serves, certificate, deployed, id, trusts,
    users, world,
};

pub(crate) fn the_first_owner_keeps_its_name() {
    let (mut world, unit) = deployed();
    let (first, second) = (certificate("client1"), certificate("client1"));
    let mut holder = ask_v0(&mut world, "holder", "/held/", &first);
    world.rest();
    let waiting = ask_v1(&mut world, "waiting", &[("/mine/", Some(&second))]);
    world.rest();
    assert_eq!(world.told_for(&waiting, &id(0)), None);
    // It keeps the name when its certificate is renewed, too.
    let renewed = certificate("client1");
    holder.set_certificate(&mut world.model, &renewed.certificate);
    world.rest();
    assert_eq!(world.told_for(&waiting, &id(0)), None);
    assert!(!trusts(&world, &unit, &second));
    let message = application_message(&world);
    let expected = "waiting refused: common name client1 is held by holder";
    assert_eq!(message, expected);
    let told = world.told(&holder).expect("an answer");
    assert_serves(&mut world, &told, &renewed, "/held/");

    world.model.remove_relation(holder.relation);
    world.rest();
    let told = world.told_for(&waiting, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &second, "/mine/");
    assert_eq!(application_message(&world), "");
    assert_eq!(users(&world, &unit), ["client1", "root"]);
}

pub(crate) fn a_request_waits_for_another_of_its_relation() {
    let (mut world, unit) = deployed();
    let shown = [certificate("client1"), certificate("client1")];
    let asked = [("/a/", Some(&shown[0])), ("/b/", Some(&shown[1]))];
    let mut app = ask_v1(&mut world, "app", &asked);
    world.rest();
    assert!(world.told_for(&app, &id(0)).is_some());
    assert_eq!(world.told_for(&app, &id(1)), None);
    assert!(!trusts(&world, &unit, &shown[1]));
    app.requests.remove(0);
    app.write(&mut world.model);
    world.rest();
    assert_eq!(world.told_for(&app, &id(0)), None);
    let told = world.told_for(&app, &id(1)).expect("an answer");
    assert_serves(&mut world, &told, &shown[1], "/b/");
    assert!(!trusts(&world, &unit, &shown[0]));
}

pub(crate) fn another_common_name_is_another_user() {
    let (mut world, unit) = deployed();
    let (old, new) = (certificate("client1"), certificate("client2"));
    let mut app = ask_v0(&mut world, "app", "/test/", &old);
    world.rest();
    let before = world.told(&app).expect("an answer");
    app.set_certificate(&mut world.model, &new.certificate);
    world.rest();
    let after = world.told(&app).expect("an answer");
    assert_eq!(after.user_uri, before.user_uri);
    assert_eq!(after.tls_uri, before.tls_uri);
    assert_serves(&mut world, &after, &new, "/test/");
    assert_eq!(users(&world, &unit), ["client2", "root"]);
    assert!(!trusts(&world, &unit, &old));
    // The old name is anybody's again.
    let other = Client::ask_as(&mut world, "other", "/other/", "client1");
    world.rest();
    other.assert_served(&mut world);
}

pub(crate) fn prefixes_may_overlap_by_default() {
    let (mut world, _) = deployed();
    let shown = [certificate("client1"), certificate("client2")];
    let wide = ask_v0(&mut world, "wide", "/a/", &shown[0]);
    world.rest();
    let narrow = ask_v0(&mut world, "narrow", "/a/b/", &shown[1]);
    let runs = world.rest();
    let wide = world.told(&wide).expect("an answer");
    let narrow = world.told(&narrow).expect("an answer");
    assert_serves(&mut world, &narrow, &shown[1], "/a/b/");
    let reader = world.follow(&wide, &shown[0]);
    assert_eq!(reader.value("/a/b/key"), "value");
    let narrow = world.follow(&narrow, &shown[1]);
    assert!(reader.run(&["put", "/a/other", "1"]).ok);
    assert!(narrow.run(&["get", "/a/other"]).is_denied());
    let mut log = runs.iter().flat_map(|run| &run.log);
    assert!(log.any(|(_, line)| line.contains("prefix /a/b/ overlaps /a/ of wide")));
}

pub(crate) fn prefixes_are_kept_apart_on_demand() {
    let mut world = world();
    let unit = world.deploy_with(Deployment::units(1).config("prefix-policy", "exclusive"));
    world.settle();
    let shown = ["1", "2", "3"].map(|number| certificate(&format!("client{number}")));
    let first = ask_v0(&mut world, "first", "/a/", &shown[0]);
    world.rest();
    let asked = [("/a/b/", Some(&shown[1])), ("/b/", Some(&shown[2]))];
    let other = ask_v1(&mut world, "other", &asked);
    world.rest();
    assert_eq!(world.told_for(&other, &id(0)), None);
    let told = world.told_for(&other, &id(1)).expect("an answer");
    assert_serves(&mut world, &told, &shown[2], "/b/");
    assert!(!trusts(&world, &unit, &shown[1]));
    assert_eq!(users(&world, &unit), ["client1", "client3", "root"]);
    let message = application_message(&world);
    assert!(
        message.ends_with("prefix /a/b/ overlaps /a/ of first"),
        "{message}"
    );
    // What goes makes room.
    world.model.remove_relation(first.relation);
    world.rest();
    let told = world.told_for(&other, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &shown[1], "/a/b/");
    // So does another policy, and going back to the old one takes nothing.
    let mut last = Client::ask_as(&mut world, "last", "/", "client4");
    world.rest();
    assert_eq!(world.told(&last.requirer), None);
    for policy in ["shared", "exclusive"] {
        world.model.set_config("etcd", "prefix-policy", policy);
        world.rest();
        last.assert_served(&mut world);
        assert_eq!(application_message(&world), "");
    }
    let told = world.told_for(&other, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &shown[1], "/a/b/");
    // Who is in can renew its certificate.
    let renewed = certificate("client4");
    last.requirer
        .set_certificate(&mut world.model, &renewed.certificate);
    world.rest();
    let told = last.told(&mut world);
    assert_serves(&mut world, &told, &renewed, "/");
}

pub(crate) fn another_prefix_is_another_grant() {
    let (mut world, _) = deployed();
    let app = Client::ask_as(&mut world, "app", "/old/", "client1");
    world.rest();
    let before = app.assert_served(&mut world);
    app.requirer.write(&mut world.model, &[("prefix", "/new/")]);
    world.rest();
    let after = app.told(&mut world);
    assert_eq!(after, before);
    assert_serves(&mut world, &after, &app.shown, "/new/");
    let client = world.follow(&after, &app.shown);
    assert!(client.run(&["get", "/old/key"]).is_denied());
}
