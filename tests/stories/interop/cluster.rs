//! Clients of a cluster that grows, and whose leadership moves.

use libtest_mimic::Trial;

use crate::interop::requirer::{Fired, first, names, of};
use crate::interop::story::{Story, assert_serves, story};

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("v1_cluster_grows_and_leader_moves", v1_cluster_grows),
        story("v0_cluster_grows_and_leader_moves", v0_cluster_grows),
    ]
}

/// What clients are told of two units: endpoints and URIs, each sorted.
fn both(story: &Story) -> (String, String) {
    let mut endpoints: Vec<String> = story
        .world
        .model
        .units("etcd")
        .iter()
        .map(|unit| story.endpoint(unit))
        .collect();
    endpoints.sort();
    assert_eq!(endpoints.len(), 2);
    let uris: Vec<String> = endpoints.iter().map(|e| format!("https://{e}")).collect();
    (endpoints.join(","), uris.join(","))
}

/// The last event of a name.
#[track_caller]
fn last(fired: &[Fired], event: &str) -> Fired {
    let found = of(fired, event);
    let last = found.last();
    (*last.unwrap_or_else(|| panic!("no {event} among {:?}", names(fired)))).clone()
}

fn v1_cluster_grows(mut story: Story) {
    let certificate = story.certificate("client1");
    let relation = story.ask_v1("app", 1, &[("/test/", Some(&certificate))]);
    story.rest();
    assert_eq!(names(&story.news(&first("app"))), ["resource_created"]);

    let second = story.world.add_unit();
    story.rest();
    let (endpoints, uris) = both(&story);
    let fired = story.news(&first("app"));
    assert!(of(&fired, "resource_created").is_empty(), "{fired:?}");
    let changed = last(&fired, "endpoints_changed");
    assert_eq!(changed.response("endpoints"), endpoints);
    let updated = last(&fired, "authentication_updated");
    assert_eq!(updated.hook, "secret-changed");
    assert_eq!(updated.response("uris"), uris);
    // The requirer may use either unit, each alone.
    for uri in updated.response("uris").split(',') {
        let client = story.client(uri, &certificate, updated.response("tls-ca"));
        assert_serves(&client, "/test/");
    }

    // A new leader goes on with what the old one has published.
    let before = story.answer(relation);
    story.world.model.set_leader("etcd", second.clone());
    story.rest_told("app", &[]);
    assert_eq!(story.answer(relation), before);
    let more = story.certificate("client2");
    let wishes = [("/test/", Some(&certificate)), ("/more/", Some(&more))];
    story.wish("app", &wishes);
    story.rest();
    let fired = story.news(&first("app"));
    let created = of(&fired, "resource_created");
    assert_eq!(created.len(), 1, "{fired:?}");
    assert_eq!(created[0].response("username"), "client2");
    // Units that come to trust the new certificate later are told when they do.
    let told = fired.last().unwrap();
    assert_eq!(told.response("uris"), uris);
    for uri in told.response("uris").split(',') {
        let client = story.client(uri, &more, told.response("tls-ca"));
        assert_serves(&client, "/more/");
    }
    for fired in &fired {
        let own = fired.response("username") == "client2";
        assert!(own, "the first request is as it was: {fired:?}");
    }

    // The unit that was first leaves, and is no endpoint any more.
    let gone = std::mem::replace(&mut story.etcd, second.clone());
    let (gone, left) = (story.endpoint(&gone), story.endpoint(&second));
    story.world.model.remove_unit(first("etcd"));
    story.rest();
    let fired = story.news(&first("app"));
    assert!(of(&fired, "resource_created").is_empty(), "{fired:?}");
    // Whenever one secret has changed the library reads them all anew, so that
    // of several that change at once only one brings an event.
    let updated = last(&fired, "authentication_updated");
    assert!(!updated.response("uris").contains(&gone), "{updated:?}");
    for (user, certificate) in [("client1", &certificate), ("client2", &more)] {
        let told = fired.iter().filter(|f| f.response("username") == user);
        let told: Vec<Fired> = told.cloned().collect();
        let changed = last(&told, "endpoints_changed");
        assert_eq!(changed.response("endpoints"), left);
        assert_eq!(changed.response("uris"), format!("https://{left}"));
        story.assert_serves_v1(&changed, certificate, changed.response("resource"));
    }
}

fn v0_cluster_grows(mut story: Story) {
    let certificate = story.certificate("client1");
    let relation = story.ask_v0("app", 1, "/test/", Some(&certificate));
    story.rest_told("app", &["endpoints_changed", "etcd_ready"]);

    let second = story.world.add_unit();
    story.rest();
    let (endpoints, uris) = both(&story);
    let fired = story.news(&first("app"));
    let changed = last(&fired, "endpoints_changed");
    assert_eq!(changed.fetched("endpoints"), endpoints);
    let ready = last(&fired, "etcd_ready");
    assert_eq!(ready.hook, "secret-changed");
    assert_eq!(ready.fetched("uris"), uris);
    for uri in ready.fetched("uris").split(',') {
        let client = story.client(uri, &certificate, ready.fetched("tls-ca"));
        assert_serves(&client, "/test/");
    }

    let before = story.answer(relation);
    story.world.model.set_leader("etcd", second);
    story.rest_told("app", &[]);
    assert_eq!(story.answer(relation), before);
    let new = story.certificate("client1");
    story.offer_v0("app", &new);
    story.rest();
    for uri in ready.fetched("uris").split(',') {
        let client = story.client(uri, &new, ready.fetched("tls-ca"));
        assert_serves(&client, "/test/");
    }
}
