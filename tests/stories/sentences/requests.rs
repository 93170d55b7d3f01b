//! When there is an answer, and to what.

use etcd_charm_world::{HookRun, Request, UnitName, V0, V1, World};

use crate::support::{
    Client, application_message, ask_v1, assert_serves, certificate, deployed, id, named, request,
    roles, trusted, trusts, users,
};

pub(crate) fn sentence_06_who_asks_nothing_whole_is_told_nothing() {
    let (mut world, unit) = deployed();
    let relation = world.relate("app");
    let silent = world.relate("silent");
    let expect_nothing = |world: &mut World| {
        world.settle();
        for relation in [relation, silent] {
            let bag = world.model.app_bag(relation, "etcd");
            assert!(bag.is_empty(), "{bag:?}");
        }
        assert_eq!(users(world, &unit), ["root"]);
    };
    expect_nothing(&mut world);
    // The prefix alone.
    let mut app = V0::ask(&mut world.model, "app", relation, "/test/");
    expect_nothing(&mut world);
    // The certificate alone.
    app.write(&mut world.model, &[("prefix", "")]);
    app.set_certificate(&mut world.model, &certificate("client1").certificate);
    expect_nothing(&mut world);
    assert_eq!(application_message(&world), "");
    assert_eq!(world.starts(&unit), 1);
    world.rest();
}

/// Asserts that the first hook after something was written answers it.
fn first_hook(world: &mut World) -> HookRun {
    let run = world.model.step().expect("a hook is due");
    assert!(run.succeeded(), "{run:#?}");
    run
}

pub(crate) fn sentence_07_a_late_certificate_is_answered_at_once_v0() {
    let (mut world, _) = deployed();
    let relation = world.relate("app");
    let mut app = V0::ask(&mut world.model, "app", relation, "/test/");
    world.rest();
    assert_eq!(world.told(&app), None);
    let shown = certificate("client1");
    app.set_certificate(&mut world.model, &shown.certificate);
    let run = first_hook(&mut world);
    assert!(run.name.ends_with("relation-changed"), "{}", run.name);
    let told = world.told(&app).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    world.rest();
}

pub(crate) fn sentence_07_a_late_certificate_is_answered_at_once_v1() {
    let (mut world, _) = deployed();
    let mut app = ask_v1(&mut world, "app", &[("/test/", None)]);
    world.rest();
    assert_eq!(world.told_for(&app, &id(0)), None);
    let shown = certificate("client1");
    app.set_certificate(&mut world.model, 0, &shown.certificate);
    first_hook(&mut world);
    let told = world.told_for(&app, &id(0)).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    world.rest();
}

pub(crate) fn sentence_08_a_request_does_not_wait_for_another() {
    let (mut world, _) = deployed();
    let shown = [certificate("client1"), certificate("client3")];
    let asked = [
        ("/a/", Some(&shown[0])),
        ("/b/", None),
        ("/c/", Some(&shown[1])),
    ];
    let app = ask_v1(&mut world, "app", &asked);
    first_hook(&mut world);
    for (number, prefix, shown) in [(0, "/a/", &shown[0]), (2, "/c/", &shown[1])] {
        let told = world.told_for(&app, &id(number)).expect("an answer");
        assert_serves(&mut world, &told, shown, prefix);
    }
    assert_eq!(world.told_for(&app, &id(1)), None);
    world.rest();
}

pub(crate) fn sentence_11_addresses_are_written_alike_in_every_hook() {
    let (mut world, unit) = deployed();
    let other = world.add_unit();
    world.rest();
    let app = Client::ask_as(&mut world, "app", "/test/", "client1");
    world.rest();
    let told = app.told(&mut world);
    let mut expected =
        [&unit, &other].map(|unit| format!("{}:2379", world.model.address(unit.clone())));
    expected.sort();
    assert_eq!(told.endpoints, expected.join(","));
    let uris = expected.map(|endpoint| format!("https://{endpoint}"));
    assert_eq!(told.user["uris"], uris.join(","));
    assert_serves(&mut world, &told, &app.shown, "/test/");
    // Whatever the hook, nothing is written that stands there already.
    world.model.relation_set_unit(
        app.requirer.relation,
        UnitName::new("app", 0),
        &[("data", "{}")],
    );
    let runs = world.settle();
    let mut runs: Vec<&HookRun> = named(&runs, "relation-changed");
    let passes = world.model.update_status_all();
    runs.extend(&passes);
    for run in runs {
        assert_eq!(run.calls_of("relation-set").count(), 0, "{}", run.name);
    }
    world.rest();
}

pub(crate) fn sentence_16_a_request_without_id_is_given_one() {
    let (mut world, _) = deployed();
    let relation = world.relate("app");
    let asked = Request {
        id: None,
        ..Request::new("/test/", "", "KTRVA3q2u8N5IE3e")
    };
    let mut app = V1::ask(&mut world.model, "app", relation, vec![asked]);
    let shown = certificate("client1");
    app.set_certificate(&mut world.model, 0, &shown.certificate);
    world.settle();
    // sha256("/test/:KTRVA3q2u8N5IE3e"), as the library has it.
    let expected = "0b047bb88ba93a70";
    let told = world.told_for(&app, expected).expect("an answer");
    assert_serves(&mut world, &told, &shown, "/test/");
    let bag = world.model.app_bag(relation, "etcd");
    let data: serde_json::Value = serde_json::from_str(&bag["data"]).unwrap();
    let keys: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(keys, [expected]);
    world.rest();
}

pub(crate) fn sentence_17_a_request_that_goes_takes_everything_along() {
    let (mut world, unit) = deployed();
    let shown = [certificate("client1"), certificate("client2")];
    let asked = [("/a/", Some(&shown[0])), ("/b/", Some(&shown[1]))];
    let mut app = ask_v1(&mut world, "app", &asked);
    world.rest();
    let kept = world.told_for(&app, &id(0)).expect("an answer");
    let gone = world.told_for(&app, &id(1)).expect("an answer");
    let client = world.follow(&gone, &shown[1]);
    assert!(client.run(&["put", "/b/key", "1"]).ok);
    let secrets = world.model.secrets("etcd").len();

    app.requests.pop();
    app.write(&mut world.model);
    first_hook(&mut world);
    assert_eq!(users(&world, &unit), ["client1", "root"]);
    assert_eq!(roles(&world, &unit), ["client1", "root"]);
    assert_eq!(world.told_for(&app, &id(1)), None);
    let bag = world.model.app_bag(app.relation, "etcd");
    assert!(!bag["data"].contains(&id(1)), "{bag:?}");
    assert_eq!(world.model.secrets("etcd").len(), secrets - 2);
    assert_eq!(world.told_for(&app, &id(0)).as_ref(), Some(&kept));
    assert!(!client.impatient().run(&["get", "/b/key"]).ok);

    // The certificate itself goes with the next full pass, since it costs the
    // others a restart and lets nobody do anything without its user.
    world.rest();
    assert!(!trusts(&world, &unit, &shown[1]));
    assert_eq!(trusted(&world, &unit), 3);
    assert_serves(&mut world, &kept, &shown[0], "/a/");
}

pub(crate) fn sentence_18_every_response_is_in_data_after_any_hook() {
    let (mut world, _) = deployed();
    let shown = [certificate("client1"), certificate("client2")];
    let mut app = ask_v1(
        &mut world,
        "app",
        &[("/a/", Some(&shown[0])), ("/b/", None)],
    );
    let relation = app.relation;
    let settle = |world: &mut World| {
        world.settle_watched(|world, run| {
            let bag = world.model.app_bag(relation, "etcd");
            let Some(requests) = bag.get("requests") else {
                return;
            };
            let requests: serde_json::Value = serde_json::from_str(requests).unwrap();
            let data: serde_json::Value = serde_json::from_str(&bag["data"]).unwrap();
            for response in requests.as_array().unwrap() {
                let id = response["request-id"].as_str().unwrap();
                assert!(data[id].is_object(), "after {}: {bag:?}", run.name);
            }
        })
    };
    let answered = |world: &World, app: &V1| {
        let responses = world.responses(app);
        let ids = responses
            .iter()
            .map(|r| r["request-id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>()
    };
    settle(&mut world);
    assert_eq!(answered(&world, &app), [id(0)]);
    app.set_certificate(&mut world.model, 1, &shown[1].certificate);
    settle(&mut world);
    assert_eq!(answered(&world, &app), [id(0), id(1)]);
    // One goes and another one comes, in one write.
    let mut third = request("/c/", 2);
    third.secret = app.requests.remove(0).secret;
    app.requests.push(third);
    app.write(&mut world.model);
    settle(&mut world);
    assert_eq!(answered(&world, &app), [id(1), id(2)]);
    // A request that is there no longer as it was answered.
    app.requests[0].resource = String::new();
    app.write(&mut world.model);
    settle(&mut world);
    app.requests.clear();
    app.write(&mut world.model);
    settle(&mut world);
    assert_eq!(answered(&world, &app), Vec::<String>::new());
    world.rest();
}
