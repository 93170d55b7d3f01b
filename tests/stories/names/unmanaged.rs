//! Users and roles that somebody made or changed by hand.

use crate::support::{
    Client, application_message, ask_v0, assert_serves, certificate, deployed, roles, trusts, users,
};

pub(crate) fn users_made_by_hand_are_left_alone() {
    let (mut world, unit) = deployed();
    let admin = world.admin(&unit);
    for line in [
        "user add hand --no-password",
        "role add hand",
        "role grant-permission hand --prefix readwrite /hand/",
        "user grant-role hand hand",
        // Half of one each.
        "user add user-only --no-password",
        "role add role-only",
    ] {
        admin.must(line);
    }
    let by_hand = || {
        (
            admin.json(&["user", "get", "hand"])["roles"].clone(),
            admin.json(&["role", "get", "hand"])["perm"].clone(),
        )
    };
    let before = by_hand();
    let mut apps = Vec::new();
    for name in ["hand", "user-only", "role-only"] {
        let shown = certificate(name);
        let app = ask_v0(&mut world, name, "/app/", &shown);
        apps.push((app, shown));
    }
    world.rest();
    for (app, shown) in &apps {
        assert_eq!(world.told(app), None);
        assert!(!trusts(&world, &unit, shown));
    }
    let message = application_message(&world);
    let reason = "etcd has a user or role hand that is not the charm's";
    assert!(message.contains(reason), "{message}");
    // One goes unserved, and what bears its name stays.
    let app = &apps[2].0;
    world.model.remove_relation(app.relation);
    world.rest();
    assert_eq!(by_hand(), before);
    assert_eq!(users(&world, &unit), ["hand", "root", "user-only"]);
    assert_eq!(roles(&world, &unit), ["hand", "role-only", "root"]);

    // Who made it takes it away, and whoever waits is served.
    admin.must("user delete user-only");
    world.rest();
    let (app, shown) = &apps[1];
    let told = world.told(app).expect("an answer");
    assert_serves(&mut world, &told, shown, "/app/");
}

pub(crate) fn what_is_ours_is_put_right() {
    let (mut world, unit) = deployed();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.told(&mut world);
    let admin = world.admin(&unit);
    let starts = world.starts(&unit);
    let rights = || {
        (
            admin.json(&["user", "get", "client1"])["roles"].clone(),
            admin.json(&["role", "get", "client1"])["perm"].clone(),
        )
    };
    let expected = rights();
    for changes in [
        &["user delete client1"][..],
        &["role delete client1"],
        &["user revoke-role client1 client1"],
        &["role grant-permission client1 --prefix read /"],
        // The right range, and too few rights.
        &["role grant-permission client1 --prefix read /test/"],
        &["role add more", "user grant-role client1 more"],
    ] {
        changes.iter().for_each(|line| admin.must(line));
        world.rest();
        assert_eq!(rights(), expected, "after {changes:?}");
        assert_serves(&mut world, &told, &app.shown, "/test/");
    }
    // A role of somebody else's is taken from our user, and not deleted.
    assert_eq!(roles(&world, &unit), ["client1", "more", "root"]);
    assert_eq!(world.told(&app.requirer), Some(told));
    assert_eq!(world.starts(&unit), starts);
}
