//! Version 0 of the protocol, spoken by `data_interfaces` of
//! `data_platform_libs`.

use libtest_mimic::Trial;

use crate::interop::requirer::{Fired, first, names};
use crate::interop::story::{Story, assert_serves, newest_story, story};

/// All that a requirer of version 0 waits for before it calls itself ready.
const NEEDED: [&str; 6] = ["endpoints", "username", "uris", "tls", "tls-ca", "version"];

pub(crate) fn stories() -> Vec<Trial> {
    vec![
        story("v0_created_with_certificate", created_with_certificate),
        story("v0_prefix_and_certificate_come_later", all_comes_later),
        story("v0_certificate_rotates_in_place", certificate_rotates),
        story("v0_units_and_leaders", units_and_leaders),
        story("v0_relation_is_made_again", relation_is_made_again),
        newest_story("v0_beside_v1_on_newest", beside_v1),
    ]
}

/// What is fired when access is granted: the first `etcd_ready` has everything.
#[track_caller]
fn assert_granted(fired: &[Fired]) -> Fired {
    assert_eq!(names(fired), ["endpoints_changed", "etcd_ready"]);
    for field in NEEDED {
        assert_ne!(fired[1].fetched(field), "", "{field}");
    }
    for property in ["username", "uris", "tls_ca", "version"] {
        let fetched = fired[1].fetched(&property.replace('_', "-"));
        assert_eq!(fired[1].property(property), fetched);
    }
    fired[1].clone()
}

/// What is fired when a requirer replaces its own certificate: the library takes
/// the change of the requirer's own secret for one of the provider's, on units
/// that have read it. Nothing of what it then fetches is new.
#[track_caller]
fn assert_echo(fired: &[Fired], ready: &Fired) {
    for fired in fired {
        assert_eq!(
            (fired.event.as_str(), fired.hook.as_str()),
            ("etcd_ready", "secret-changed")
        );
        for field in NEEDED {
            assert_eq!(fired.fetched(field), ready.fetched(field));
        }
    }
}

fn created_with_certificate(mut story: Story) {
    let certificate = story.certificate("client1");
    let relation = story.ask_v0("app", 1, "/schlüssel/", Some(&certificate));
    story.run_provider_alone();
    assert!(story.answer(relation).is_empty(), "nobody has asked yet");

    story.rest();
    let ready = assert_granted(&story.news(&first("app")));
    let endpoint = story.endpoint(&story.etcd);
    assert_eq!(ready.fetched("username"), "client1");
    assert_eq!(ready.fetched("endpoints"), endpoint);
    assert_eq!(ready.fetched("uris"), format!("https://{endpoint}"));
    assert_eq!(ready.fetched("tls"), "True");
    assert_eq!(ready.fetched("version"), story.etcd_version());
    story.assert_serves_v0(&ready, &certificate, "/schlüssel/");

    // What the interface's schema requires of an answer.
    let answer = story.answer(relation);
    for field in ["endpoints", "version", "secret-user", "secret-tls"] {
        assert!(answer.contains_key(field), "{field}: {answer:?}");
    }

    story.rest_told("app", &[]);
}

fn all_comes_later(mut story: Story) {
    let certificate = story.certificate("client1");
    let relation = story.ask_v0("app", 1, "", None);
    story.rest();
    assert!(story.answer(relation).is_empty());
    story.world.model.set_config("app", "prefix", "/test/");
    story.rest();
    assert!(story.answer(relation).is_empty());
    assert_eq!(names(&story.news(&first("app"))), [""; 0]);

    story.offer_v0("app", &certificate);
    story.rest();
    let ready = assert_granted(&story.news(&first("app")));
    story.assert_serves_v0(&ready, &certificate, "/test/");
}

fn certificate_rotates(mut story: Story) {
    let old = story.certificate("client1");
    let relation = story.ask_v0("app", 1, "/test/", Some(&old));
    story.rest();
    let ready = assert_granted(&story.news(&first("app")));
    let before = story.answer(relation);

    let new = story.certificate("client1");
    story.offer_v0("app", &new);
    story.rest();
    assert_echo(&story.news(&first("app")), &ready);
    assert_eq!(story.answer(relation), before);
    story.assert_serves_v0(&ready, &new, "/test/");
    story.assert_shuts_out_v0(&ready, &old);

    // Another name in the certificate is another user. The event itself still
    // shows the revision that the unit tracked; what the library fetches is new.
    let other = story.certificate("client2");
    story.offer_v0("app", &other);
    story.rest();
    let fired = story.news(&first("app"));
    let told = fired.last().unwrap();
    assert_eq!(told.event, "etcd_ready");
    assert_eq!(told.fetched("username"), "client2");
    assert_eq!(story.users(), ["client2"]);
    story.assert_serves_v0(told, &other, "/test/");
    story.assert_shuts_out_v0(&ready, &new);
}

fn units_and_leaders(mut story: Story) {
    let old = story.certificate("client1");
    // The library of a unit that is not the leader logs that it may not write.
    story.expect_warning("can only be performed by the leader unit");
    story.ask_v0("app", 2, "/test/", Some(&old));
    story.rest();
    let units = story.world.model.units("app");
    let mut ready = None;
    for unit in &units {
        let told = assert_granted(&story.news(unit));
        story.assert_serves_v0(&told, &old, "/test/");
        ready = Some(told);
    }
    let ready = ready.unwrap();

    story.world.model.set_leader("app", units[1].clone());
    story.rest();
    let new = story.certificate("client1");
    story.offer_v0("app", &new);
    story.rest();
    for unit in &units {
        assert_echo(&story.news(unit), &ready);
    }
    story.assert_serves_v0(&ready, &new, "/test/");
    story.assert_shuts_out_v0(&ready, &old);
}

fn relation_is_made_again(mut story: Story) {
    let certificate = story.certificate("client1");
    // A prefix that could be taken for JSON is still a prefix.
    let relation = story.ask_v0("app", 1, "true", Some(&certificate));
    story.rest();
    let ready = assert_granted(&story.news(&first("app")));
    let client = story.client_v0(&ready, &certificate);
    assert_serves(&client, "true");

    story.world.model.remove_relation(relation);
    story.rest();
    assert!(!story.world.model.has_relation(relation));
    assert_eq!(story.users(), [""; 0]);
    assert_eq!(
        story.world.model.secrets("etcd").len(),
        1,
        "the authorities"
    );
    story.assert_shut_out(&client);

    story.world.relate("app");
    story.rest();
    let ready = assert_granted(&story.news(&first("app")));
    story.assert_serves_v0(&ready, &certificate, "true");
}

fn beside_v1(mut story: Story) {
    let (zero, one) = (story.certificate("zero"), story.certificate("one"));
    let relation = story.ask_v0("old", 1, "/shared/", Some(&zero));
    story.ask_v1("new", 1, &[("/shared/", Some(&one))]);
    story.rest();
    let ready = assert_granted(&story.news(&first("old")));
    let fired = story.news(&first("new"));
    assert_eq!(names(&fired), ["resource_created"]);
    let old = story.client_v0(&ready, &zero);
    assert_serves(&old, "/shared/");
    let new = story.client_v1(&fired[0], &one);
    assert_eq!(new.lines(&["get", "/shared/key"]), ["/shared/key", "1"]);

    story.world.model.remove_relation(relation);
    story.rest_told("new", &[]);
    assert_eq!(story.users(), ["one"]);
    assert_serves(&new, "/shared/");
    story.assert_shut_out(&old);
}
