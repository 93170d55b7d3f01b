//! Which certificates are taken, and what happens when one is replaced.

use etcd_charm_world::{Certificate, ClientAuthority, Kind, juju, writes};

use crate::support::{
    Client, application_message, ask_v0, ask_v1, assert_serves, assert_shut_out, certificate,
    deployed, id, listed, trusted, trusts, users,
};

pub(crate) fn sentence_14_a_rotation_is_only_told_by_the_secret() {
    let (mut world, unit) = deployed();
    let (old, new) = (certificate("client1"), certificate("client1"));
    let mut v0 = ask_v0(&mut world, "app", "/test/", &old);
    let other = certificate("client2");
    let next = certificate("client2");
    let mut v1 = ask_v1(&mut world, "other", &[("/other/", Some(&other))]);
    world.rest();
    let before = world.told(&v0).expect("an answer");
    let client = world.follow(&before, &old);
    assert!(client.run(&["put", "/test/key", "1"]).ok);

    v0.set_certificate(&mut world.model, &new.certificate);
    let runs = world.settle();
    let hooks: Vec<_> = runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(hooks, ["secret-changed"]);
    let reads = runs[0].calls_of("secret-get");
    assert!(
        reads
            .into_iter()
            .any(|call| call.args.contains(&"--refresh".to_owned()))
    );
    assert!(trusts(&world, &unit, &new));
    assert!(!trusts(&world, &unit, &old));
    assert_shut_out(&world, &unit, &client);
    // The same secrets, the same user: nothing for the requirer to do.
    assert_eq!(world.told(&v0).as_ref(), Some(&before));
    assert_serves(&mut world, &before, &new, "/test/");

    v1.set_certificate(&mut world.model, 0, &next.certificate);
    let runs = world.settle();
    let hooks: Vec<_> = runs.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(hooks, ["secret-changed"]);
    assert!(trusts(&world, &unit, &next) && !trusts(&world, &unit, &other));
    let told = world.told_for(&v1, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &next, "/other/");
    assert_eq!(users(&world, &unit), ["client1", "client2", "root"]);
    world.rest();
}

pub(crate) fn sentence_15_another_secret_changes_nothing() {
    let (mut world, unit) = deployed();
    let shown = [certificate("client1"), certificate("client2")];
    let asked = [("/a/", Some(&shown[0])), ("/b/", Some(&shown[1]))];
    let mut app = ask_v1(&mut world, "app", &asked);
    world.rest();
    let starts = world.starts(&unit);
    let bag = world.model.app_bag(app.relation, "etcd");

    // Our own: one that this unit has read, changed by somebody else.
    let own = world.model.secrets("etcd");
    let own = own
        .iter()
        .find(|secret| secret.grants.is_empty())
        .expect("the authorities");
    let mut content = own.latest().clone();
    content.insert("remark".to_owned(), "nothing".to_owned());
    let pairs: Vec<_> = content
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    world.model.secret_set("etcd", &own.uri, &pairs);
    let runs = world.settle();
    assert!(runs.iter().any(|run| run.name == "secret-changed"));
    for run in &runs {
        assert!(run.name.starts_with("secret-"), "{}", run.name);
        if run.name == "secret-changed" {
            assert_eq!(writes(run), []);
        }
    }
    // One that a request pointed to which is gone.
    let old = app.requests.pop().unwrap().secret.unwrap();
    app.write(&mut world.model);
    world.rest();
    let gone = certificate("client2");
    world
        .model
        .secret_set("app", &old, &[("mtls-cert", &gone.certificate)]);
    let runs = world.settle();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].name, "secret-changed");
    assert_eq!(writes(&runs[0]), []);
    assert!(!trusts(&world, &unit, &gone));
    assert_eq!(users(&world, &unit), ["client1", "root"]);
    assert_ne!(world.model.app_bag(app.relation, "etcd"), bag);
    let told = world.told_for(&app, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &shown[0], "/a/");
    // The first request's leaf went in once and the second's out once.
    assert!(world.starts(&unit) <= starts + 1);
    world.rest();
}

pub(crate) fn sentence_21_refused_names_are_trusted_nowhere() {
    let (mut world, unit) = deployed();
    let held = Client::ask_as(&mut world, "holder", "/held/", "client1");
    world.rest();
    let starts = world.starts(&unit);
    let names = ["root", "", "client1", "etcd-0", "etcd-charm:etcd-0"];
    let shown = names.map(certificate);
    let asked: Vec<_> = shown.iter().map(|shown| ("/mine/", Some(shown))).collect();
    let app = ask_v1(&mut world, "app", &asked);
    let same = Client::ask_as(&mut world, "same", "/same/", "client1");
    world.rest();
    assert_eq!(world.responses(&app), Vec::<serde_json::Value>::new());
    assert_eq!(world.told(&same.requirer), None);
    assert_eq!(users(&world, &unit), ["client1", "root"]);
    for refused in shown.iter().chain([&same.shown]) {
        assert!(!trusts(&world, &unit, refused), "{}", refused.common_name);
    }
    assert_eq!(trusted(&world, &unit), 3);
    assert_eq!(world.starts(&unit), starts);
    // The reasons name who is at fault, as far as a status has room.
    let message = application_message(&world);
    assert!(
        message.starts_with("app refused: common name root is reserved; "),
        "{message}"
    );
    assert!(message.ends_with(" more: run list-clients"), "{message}");
    held.assert_served(&mut world);
    world.rest();
}

pub(crate) fn sentence_22_only_a_leaf_is_taken_and_only_it() {
    let (mut world, unit) = deployed();
    let authority = ClientAuthority::new();
    let bad = [Kind::Authority, Kind::Signer, Kind::Version1]
        .map(|kind| authority.issue_kind("client1", kind));
    let plain = authority.issue_kind("client2", Kind::Plain);
    let chained = authority.issue("client3");
    let chain = Certificate {
        certificate: chained.chain.clone(),
        ..chained.clone()
    };
    let asked: Vec<_> = bad
        .iter()
        .map(|bad| ("/bad/", Some(bad)))
        .chain([("/plain/", Some(&plain)), ("/chain/", Some(&chain))])
        .collect();
    let app = ask_v1(&mut world, "app", &asked);
    world.rest();
    assert_eq!(users(&world, &unit), ["client2", "client3", "root"]);
    assert_eq!(world.responses(&app).len(), 2);
    for (number, prefix, shown) in [(3, "/plain/", &plain), (4, "/chain/", &chained)] {
        let told = world.told_for(&app, &id(number)).expect("an answer");
        assert_serves(&mut world, &told, shown, prefix);
    }
    for bad in &bad {
        assert!(!trusts(&world, &unit, bad));
    }
    // The charm's own administrators, and two leaves: nothing of the chain.
    assert_eq!(trusted(&world, &unit), 4);
    let message = application_message(&world);
    assert!(message.contains("is a CA certificate"), "{message}");
    assert!(message.ends_with(" more: run list-clients"), "{message}");
    let listed = listed(&mut world, &unit);
    assert!(listed.contains("may sign certificates"), "{listed}");
    assert!(listed.contains("X.509 v1"), "{listed}");
    world.rest();
}

pub(crate) fn sentence_24_both_forms_of_a_uri_are_read() {
    let (mut world, _) = deployed();
    let shown = [certificate("client1"), certificate("client2")];
    let mut apps = Vec::new();
    for (app, shown) in ["long", "short"].iter().zip(&shown) {
        let requirer = ask_v0(&mut world, app, &format!("/{app}/"), shown);
        let uri = requirer.secret.clone().unwrap();
        let uri = if *app == "short" {
            juju::short_uri(&uri)
        } else {
            uri
        };
        assert_eq!(uri.starts_with("secret://"), *app == "long", "{uri}");
        requirer.write(&mut world.model, &[("secret-mtls", &uri)]);
        apps.push(requirer);
    }
    world.settle();
    for (app, shown) in apps.iter().zip(&shown) {
        let told = world.told(app).expect("an answer");
        assert!(told.user_uri.starts_with("secret:"), "{}", told.user_uri);
        assert!(told.tls_uri.starts_with("secret:"), "{}", told.tls_uri);
        assert_serves(&mut world, &told, shown, &format!("/{}/", app.app));
    }
    world.rest();
}

pub(crate) fn sentence_24_what_cannot_be_read_yet_is_waited_for() {
    let (mut world, unit) = deployed();
    let relation = world.relate("app");
    let shown = certificate("client1");
    let app = etcd_charm_world::V0::ask(&mut world.model, "app", relation, "/test/");
    // A secret that is nowhere, then one that is not shared with us.
    let nowhere = "secret:cuvbv6p34trs48a10a2g";
    let mine = world
        .model
        .secret_add("app", &[("mtls-cert", &shown.certificate)]);
    for uri in [nowhere, &mine] {
        app.write(&mut world.model, &[("secret-mtls", uri)]);
        world.rest();
        assert_eq!(world.told(&app), None);
        assert_eq!(users(&world, &unit), ["root"]);
        let message = application_message(&world);
        assert!(message.starts_with("app waits: "), "{message}");
    }
    // No event tells of a grant; the next pass finds it.
    world.model.secret_grant("app", &mine, relation);
    world.rest();
    let told = world.told(&app).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    assert_eq!(application_message(&world), "");
}
