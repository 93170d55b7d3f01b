//! Answers over their life: what changes in place, and what goes.

use etcd_charm_world::{ClientAuthority, RelationId, Told, World, juju::SecretView};

use crate::support::{
    ask_v0, ask_v1, assert_serves, certificate, deployed, id, named, roles, trusts, users,
};

/// A secret of ours, as the model holds it.
fn secret(world: &World, uri: &str) -> SecretView {
    let all = world.model.secrets("etcd");
    let found = all.into_iter().find(|secret| uri.ends_with(&secret.id));
    found.unwrap_or_else(|| panic!("no secret {uri}"))
}

fn revision(world: &World, uri: &str) -> u32 {
    *secret(world, uri).revisions.keys().next_back().unwrap()
}

pub(crate) fn sentence_12_a_new_server_authority_keeps_the_uri() {
    let (mut world, unit) = deployed();
    let shown = [certificate("client1"), certificate("client2")];
    let v0 = ask_v0(&mut world, "old", "/old/", &shown[0]);
    let v1 = ask_v1(&mut world, "new", &[("/new/", Some(&shown[1]))]);
    world.rest();
    let told = |world: &mut World| {
        [world.told(&v0), world.told_for(&v1, &id(0))].map(|told| told.expect("an answer"))
    };
    let before = told(&mut world);
    let starts = world.starts(&unit);

    // The authorities stand in a secret of the application; there is a new one
    // for the servers.
    let authority = ClientAuthority::new();
    let stored = world.model.secrets("etcd");
    let stored = stored.iter().find(|secret| secret.grants.is_empty());
    let stored = stored.expect("the authorities");
    let mut content = stored.latest().clone();
    content.insert("server-ca-cert".to_owned(), authority.certificate());
    content.insert("server-ca-key".to_owned(), authority.key());
    let pairs: Vec<_> = content
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    world.model.secret_set("etcd", &stored.uri, &pairs);
    world.rest();

    let after = told(&mut world);
    for (before, after) in before.iter().zip(&after) {
        let body = |pem: &str| pem.lines().collect::<String>();
        assert_eq!(body(&after.tls["tls-ca"]), body(&authority.certificate()));
        assert_ne!(before.tls["tls-ca"], after.tls["tls-ca"]);
        // All else is as it was, the URIs above all.
        let mut expected = before.clone();
        expected.tls.clone_from(&after.tls);
        expected
            .tls
            .insert("tls".to_owned(), before.tls["tls"].clone());
        assert_eq!(*after, expected);
        assert_eq!(revision(&world, &after.tls_uri), 2);
        assert_eq!(revision(&world, &after.user_uri), 1);
    }
    assert_serves(&mut world, &after[0], &shown[0], "/old/");
    assert_serves(&mut world, &after[1], &shown[1], "/new/");
    let stale = Told {
        tls: before[0].tls.clone(),
        ..after[0].clone()
    };
    assert!(
        !world
            .follow(&stale, &shown[0])
            .impatient()
            .run(&["get", "/old/key"])
            .ok
    );
    // The servers' own certificates are read anew without a restart, and the
    // authority of peers is read once, at the start.
    assert_eq!(world.starts(&unit), starts + 1);
    world.rest();
}

pub(crate) fn sentence_13_a_secret_is_always_written_whole() {
    let (mut world, _) = deployed();
    let shown = [certificate("client1"), certificate("client2")];
    let v0 = ask_v0(&mut world, "old", "/old/", &shown[0]);
    let v1 = ask_v1(&mut world, "new", &[("/new/", Some(&shown[1]))]);
    world.rest();
    let told = |world: &mut World| {
        [world.told(&v0), world.told_for(&v1, &id(0))].map(|told| told.expect("an answer"))
    };
    let before = told(&mut world);
    for told in &before {
        assert_eq!(revision(&world, &told.user_uri), 1);
    }

    // Another member: other URIs for the clients, and nothing else.
    world.add_unit();
    let runs = world.rest();
    let after = told(&mut world);
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(after.user["uris"], before.user["uris"]);
        assert_eq!(after.user["uris"].split(',').count(), 2);
        let mut expected = before.clone();
        expected.endpoints.clone_from(&after.endpoints);
        expected
            .user
            .insert("uris".to_owned(), after.user["uris"].clone());
        assert_eq!(*after, expected);
        assert_eq!(
            revision(&world, &after.user_uri),
            2,
            "one change, one revision"
        );
        assert_eq!(revision(&world, &after.tls_uri), 1);
    }
    // What was equal was not written.
    let sets = runs.iter().flat_map(|run| run.calls_of("secret-set"));
    let sets: Vec<_> = sets.map(|call| call.args.join(" ")).collect();
    assert_eq!(sets.len(), 2, "{sets:?}");
    assert_serves(&mut world, &after[0], &shown[0], "/old/");
    assert_serves(&mut world, &after[1], &shown[1], "/new/");
}

pub(crate) fn sentence_23_relation_1_is_not_relation_10() {
    let (mut world, unit) = deployed();
    let mut apps = Vec::new();
    for number in 1..20 {
        let app = format!("app{number}");
        let shown = certificate(&format!("client{number}"));
        let prefix = format!("/{number}/");
        // Those in between are there and ask nothing.
        if number == 1 || number >= 10 {
            let requirer = ask_v0(&mut world, &app, &prefix, &shown);
            assert_eq!(requirer.relation, RelationId(number));
            apps.push((requirer, shown, prefix));
        } else {
            assert_eq!(world.relate(&app), RelationId(number));
        }
    }
    world.settle();
    assert_eq!(world.starts(&unit), 2, "one restart for all of them");
    world.rest();
    let told: Vec<_> = apps.iter().map(|(app, ..)| world.told(app)).collect();
    let secrets = world.model.secrets("etcd").len();

    // It takes its secret and all it wrote along.
    let (first, shown, _) = &apps[0];
    let client = world.follow(told[0].as_ref().unwrap(), shown);
    world
        .model
        .secret_remove("app1", first.secret.as_ref().unwrap());
    let bag = world.model.app_bag(first.relation, "app1");
    let gone: Vec<_> = bag.keys().map(|key| (key.as_str(), "")).collect();
    world.model.relation_set_app(first.relation, "app1", &gone);
    world.model.remove_relation(first.relation);
    let runs = world.settle();
    let broken = named(&runs, "relation-broken");
    // It is made an end of without asking anything of the other side.
    assert_eq!(broken[0].calls_of("secret-get").count(), 0);
    let reads = broken[0].calls_of("relation-get");
    assert!(
        reads
            .into_iter()
            .all(|call| !call.args.contains(&"app1".to_owned()))
    );
    assert_eq!(world.model.secrets("etcd").len(), secrets - 2);
    let mut expected: Vec<_> = (10..20).map(|number| format!("client{number}")).collect();
    expected.push("root".to_owned());
    assert_eq!(users(&world, &unit), expected);
    assert_eq!(roles(&world, &unit), expected);
    assert!(!client.impatient().run(&["get", "/1/key"]).ok);

    world.rest();
    assert!(!trusts(&world, &unit, shown));
    for ((app, shown, prefix), before) in apps.iter().zip(told).skip(1) {
        assert!(trusts(&world, &unit, shown));
        assert_eq!(world.told(app), before);
        if app.relation.0 % 5 == 0 {
            assert_serves(&mut world, &before.unwrap(), shown, prefix);
        }
    }
}
